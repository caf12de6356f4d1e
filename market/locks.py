"""Locks that all workers of all hosts respect and a dead one cannot keep: PostgreSQL's advisory locks."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Try to take the lock called `name` for the length of the block; False when someone else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        (taken,) = cursor.fetchone()
    try:
        yield taken
    finally:
        if taken:
            # A connection that broke inside the block has given the lock back already.
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
