"""A migrated database that the workers of a run copy: migrating takes each of them seconds, a copy none."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


def name() -> str:
    return f"test_{connection.settings_dict['NAME']}_template"


def ready(shared: Path) -> str:
    """Return its name. The first worker that asks makes it, for all that share this folder."""
    with alone(shared) as made:
        if not made.exists():
            make()
            made.touch()
    return name()


def drop(shared: Path) -> None:
    """Take it away, unless another worker was first."""
    with alone(shared) as made:
        if made.exists():
            made.unlink()
            ours, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name()
            connection.creation.destroy_test_db(ours, verbosity=0)


@contextmanager
def alone(shared: Path) -> Iterator[Path]:
    """No other worker is in here; the file that tells that the database is there."""
    with (shared / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield shared / "template"


def make() -> None:
    tests, ours = connection.settings_dict["TEST"], connection.settings_dict["NAME"]
    of_this_worker, tests["NAME"] = tests["NAME"], name()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.creation.destroy_test_db(ours, verbosity=0, keepdb=True)  # leaves it alone
    tests["NAME"] = of_this_worker
