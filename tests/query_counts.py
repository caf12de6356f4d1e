"""Compare the numbers of queries with query_counts.json, which `make query-counts` renews.

A test takes the fixture `count_queries` and names what it measures; the same name for few and for many rows
says that the number does not depend on them:

    with count_queries("GET /api/v1/orders/"):
        trader.get("/api/v1/orders/")
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

PINNED = Path(__file__).with_name("query_counts.json")
MOST = 25
RENEW = "--renew-query-counts"
COUNTED = pytest.StashKey[dict[str, int]]()

CountQueries = Callable[[str], AbstractContextManager[CaptureQueriesContext]]


def pinned() -> dict[str, int]:
    """Return the numbers of queries by name."""
    counts: dict[str, int] = json.loads(PINNED.read_text())
    return counts


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(RENEW, action="store_true", help="Write the numbers of queries, do not compare them.")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption(RENEW):
        config.stash[COUNTED] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """When they are renewed, run the tests that count and no others."""
    if COUNTED in config.stash:
        others = [item for item in items if "count_queries" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was counted. After a run of all tests a name that no test used is dropped."""
    config = session.config
    if counted := config.stash.get(COUNTED, None):
        is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not session.testsfailed
        counts = counted if is_whole else pinned() | counted
        PINNED.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n")


@pytest.fixture
def count_queries(pytestconfig: pytest.Config, db: None) -> CountQueries:
    """Return a context manager that compares the queries made in it with the pinned number of this name."""
    counted = pytestconfig.stash.get(COUNTED, None)

    @contextmanager
    def count(name: str) -> Iterator[CaptureQueriesContext]:
        ContentType.objects.get_for_models(*apps.get_models())  # a test before may have emptied their cache
        with CaptureQueriesContext(connection) as captured:
            yield captured
        number = len(captured)
        expected = pinned().get(name) if counted is None else counted.setdefault(name, number)
        if number != expected:
            statements = "\n".join(query["sql"] for query in captured.captured_queries)
            pytest.fail(
                f"{name} makes {number} queries, not {expected}. If that is right: make query-counts\n"
                f"{statements}"
            )

    return count
