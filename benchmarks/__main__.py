"""Measure what is named (or everything) in a database of its own: python -m benchmarks [name...]

Medium sizes; full ones with FULL=1 in the environment. Exits with 1 when something is slower than allowed.
"""

import logging
import os
import sys

import django
from django.db import DEFAULT_DB_ALIAS, connection, connections

from benchmarks.measure import report

DATABASE = "bench_jax"

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
logging.disable(logging.INFO)

from benchmarks.catalogue import CATALOGUE  # noqa: E402  its models need Django to be set up
from jaxsite.embedded_postgres.base import DatabaseWrapper  # noqa: E402  as above
from jaxsite.embedded_postgres.server import ROLE  # noqa: E402


def as_superuser() -> None:
    """Connect to our own server as the one who may ask for a checkpoint, before what is measured begins."""
    if isinstance(connections[DEFAULT_DB_ALIAS], DatabaseWrapper):
        connection.settings_dict["USER"] = ROLE


def main(names: list[str]) -> int:
    if strangers := [name for name in names if name not in CATALOGUE]:
        print(
            f"No such benchmark: {', '.join(strangers)}. There are: {', '.join(CATALOGUE)}", file=sys.stderr
        )
        return 2
    as_superuser()
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    connection.close()  # it is the owner's, who has migrated
    try:
        is_full = os.environ.get("FULL") == "1"
        return 0 if report((CATALOGUE[name] for name in names or CATALOGUE), is_full) else 1
    finally:
        connection.creation.destroy_test_db(DATABASE, verbosity=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
