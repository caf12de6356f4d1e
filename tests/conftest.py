"""What all tests share."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from hypothesis import settings
from pytest_django.plugin import blocking_manager_key
from xdist.scheduler import LoadScopeScheduling

# How long an example takes says more about the machine's other work than about ours.
settings.register_profile("jax", deadline=None)
settings.load_profile("jax")

# Files whose tests share something that takes long to make: one worker runs all of them.
TOGETHER = (
    "tests/approvals/test_notify_faults.py",
    "tests/approvals/test_order_clusters.py",
    "tests/browser/",
    "tests/jaxsite/test_embedded_backend.py",
    "tests/jaxsite/test_make_run.py",
    "tests/jaxsite/test_qcluster.py",
    "tests/signals/test_scan_faults.py",
)


EMPTYING = {"live_server", "transactional_db"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with processes of their own first: they wait much, and beside them the others run.

    Those that empty the tables bring the rows of the migrations with them.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        if empties_the_tables(item):
            mark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
            item.add_marker(mark, append=False)


def empties_the_tables(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    is_marked = mark is not None and bool(mark.kwargs.get("transaction"))
    return is_marked or bool(EMPTYING & {*getattr(item, "fixturenames", ())})


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Later tests count on the rows of the migrations, which a test that empties the tables takes away."""
    yield
    if nextitem and empties_the_tables(item) and not empties_the_tables(nextitem):
        with item.config.stash[blocking_manager_key].unblock():
            connection.creation.deserialize_db_from_string(connection._test_serialized_contents)  # type: ignore[attr-defined]  # Django's own place for it
            ContentType.objects.clear_cache()


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Deals out tests one by one in their order, but some files whole."""

    def _split_scope(self, nodeid: str) -> str:
        return next((file for file in TOGETHER if nodeid.startswith(file)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)
