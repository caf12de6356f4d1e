"""How pytest runs for each mutant: quickly. `docs.tooling.mutate` adds this to `pytest_plugins`.

The database of the first run serves all mutants, without a look at its migrations (a second). An example that
fails is not made smaller (minutes); tests of many examples come last, with fewer of them.
"""

import os

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import Phase
from hypothesis import settings as examples
from pytest_django.plugin import DjangoDbBlocker

examples.register_profile(
    "mutants",
    examples.get_profile("jax"),
    max_examples=20,
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
)
examples.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the quick tests go first: the first that fails is the last."""
    items.sort(key=lambda item: getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> None:
    """Make the database, or for a mutant only name it."""
    if "__mutmut_" not in os.environ.get("MUTANT_UNDER_TEST", ""):
        request.getfixturevalue("django_db_setup")  # pytest-django's own
        return
    with django_db_blocker.unblock():
        connection.close()
        name = f"test_{settings.DATABASES['default']['NAME']}"
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
