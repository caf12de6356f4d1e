"""What all tests share."""

import fcntl
import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker, blocking_manager_key
from xdist.scheduler import LoadScopeScheduling

from tests import clock, kept, template
from tests.jaxsite.processes import ROOT, eventually, folder, manage, processes_of

pytest_plugins = ["tests.query_counts"]

# How long an example takes, or its making, says more about the machine's other work than about ours.
settings.register_profile("jax", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("jax")

# Files whose tests share something that takes long to make: one worker runs all of them.
TOGETHER = (
    "tests/approvals/test_notify_faults.py",
    "tests/approvals/test_order_clusters.py",
    "tests/browser/",
    "tests/faults/test_slow_strangers.py",
    "tests/jaxsite/test_embedded_backend.py",
    "tests/jaxsite/test_make_run.py",
    "tests/jaxsite/test_qcluster.py",
    "tests/market/everything/",
    "tests/market/providers/test_random_walk.py",
    "tests/opinions/test_runs_faults.py",
    "tests/signals/scan/test_cycle_faults.py",
)


EMPTYING = {"live_server", "transactional_db"}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_db_keepdb: bool,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """Among several workers, each copies one database instead of migrating its own."""
    if django_db_keepdb or not hasattr(request.config, "workerinput"):
        yield
        return
    shared = Path(os.environ[SHARED])
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = template.ready(shared)
    yield
    with django_db_blocker.unblock():
        template.drop(shared)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The rows of the migrations are kept beside the tables: Django's own copy takes 0.3 s to bring back."""
    with django_db_blocker.unblock():
        if kept.is_outdated():
            pytest.exit("This database is older than a migration: run once with --create-db")
        kept.begin()
        # So that no test counts the query that looks for them.
        ContentType.objects.get_for_models(*apps.get_models())
        connection.close()
        connection._test_serialized_contents = "[]"  # type: ignore[attr-defined]  # Django's own place for it


SHARED = "FOLDER_OF_THE_TESTS"
MIGRATE = """
from django.core.management import call_command
from django.db import connection
from jaxsite.embedded_postgres.base import as_owner
call_command("migrate", verbosity=0)
with as_owner(), connection.cursor() as cursor:
    cursor.execute("CREATE DATABASE jax TEMPLATE jax_simulated")  # the one for real data
"""


def pytest_configure(config: pytest.Config) -> None:
    """A folder that all workers share: the process that starts them makes it and takes it away."""
    gc.disable()  # until all is collected
    if not config.getoption("numprocesses", None):  # else each worker begins
        clock.begin()
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="jax-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """On a fresh clone each worker would compile all tests. Each begins elsewhere and finds the rest done."""
    worker = getattr(session.config, "workerinput", None)
    if worker and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        files = sorted(Path(__file__).parent.rglob("test_*.py"))
        begin = len(files) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
        for file in (*files[begin:], *files[:begin]):
            with suppress(Exception):  # which its collection tells again
                import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not go through them again and again."""
    gc.freeze()
    gc.set_threshold(10_000)  # new objects before it looks at them; Python's 700 suits small programs
    gc.enable()


@pytest.fixture(scope="session")
def migrated() -> Path:
    """The database server's folder of a new installation. The first worker that asks makes it for all."""
    shared = Path(os.environ[SHARED])
    server_folder = shared / "postgres"
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server_folder.exists():
            with folder() as var:
                manage(var, "shell", "--no-imports", "-c", MIGRATE)
                eventually(lambda: not processes_of(var))
                subprocess.run(["cp", "-a", var / "postgres", server_folder.with_suffix(".new")], check=True)
            server_folder.with_suffix(".new").rename(server_folder)
    return server_folder


@pytest.fixture(scope="session")
def install(migrated: Path) -> Callable[[Path], None]:
    """Makes a folder the `var` of an installation whose database is migrated."""

    def install(var: Path) -> None:
        subprocess.run(["cp", "-a", migrated, var], check=True)

    return install


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with processes of their own among the others: they wait much, and beside them others run.

    Those that empty the tables do no more than that: without the mark Django would make its own rows anew.
    """
    items[:] = mixed(items)
    for item in items:
        if empties_the_tables(item):
            mark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
            item.add_marker(mark, append=False)


def mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """The groups that wait, the largest first, and after each its share of the others.

    All of them are dealt out in the first part, so that none is left alone at the end.
    """
    waiting: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("slow"):
            waiting.setdefault(together(item.nodeid), []).append(item)
    others = [item for item in items if not item.get_closest_marker("slow")]
    share = len(others) * 3 // 4 // max(len(waiting), 1)
    order: list[pytest.Item] = []
    for number, group in enumerate(sorted(waiting.values(), key=len, reverse=True)):
        order += [*group, *others[number * share : (number + 1) * share]]
    return [*order, *others[len(waiting) * share :]]


def together(nodeid: str) -> str:
    """What one worker runs whole: some files, otherwise the test alone."""
    return next((file for file in TOGETHER if nodeid.startswith(file)), nodeid)


def empties_the_tables(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    is_marked = mark is not None and bool(mark.kwargs.get("transaction"))
    return is_marked or bool(EMPTYING & {*getattr(item, "fixturenames", ())})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Around the fixtures, too: they make rows by the clock."""
    with clock.of(item):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Later tests count on the rows of the migrations, which a test that empties the tables takes away."""
    yield
    if nextitem and empties_the_tables(item):
        with item.config.stash[blocking_manager_key].unblock():
            kept.bring_back()
            connection.close()


class Shares(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Deals out tests one by one in their order, but some files whole."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)

    def _pending_of(self, workload: dict[str, dict[str, bool]]) -> int:
        """Forget first what is done: else each test that ends has all those before it counted again."""
        for scope in [scope for scope, tests in workload.items() if all(tests.values())]:
            del workload[scope]
        return sum(not done for tests in workload.values() for done in tests.values())


@pytest.hookimpl(optionalhook=True)  # `-p no:xdist` does without it
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)
