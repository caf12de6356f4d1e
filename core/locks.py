"""Locks that all workers of all hosts respect and a dead one cannot keep: PostgreSQL's advisory locks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


def _take(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        return bool(cursor.fetchone()[0])


@contextmanager
def held(name: str, patience: float = 0) -> Iterator[bool]:
    """Try to take the lock called `name` for the length of the block; False when someone else has it.

    `patience`: for how many seconds it is tried again.
    """
    deadline = time.monotonic() + patience
    while not (taken := _take(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield taken
    finally:
        if taken:
            # A connection that broke inside the block has given the lock back already.
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
