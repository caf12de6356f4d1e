"""SQL of the queue: taking a row, and the locks that show which clusters live."""

from datetime import datetime

from django.db import connection

TAKE = """
UPDATE django_q_ormq SET lock = %s WHERE id = (
    SELECT id FROM django_q_ormq WHERE key = %s AND lock < %s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""
SHARE = "SELECT pg_advisory_lock_shared(hashtext(%s), %s)"
TRY = "SELECT pg_try_advisory_lock(hashtext(%s), %s)"
RELEASE = "SELECT pg_advisory_unlock(hashtext(%s), %s)"

Key = tuple[str, int]


def take(queue: str, lock: datetime, waiting_before: datetime) -> tuple[int, str] | None:
    """Lock the oldest row that waits and return its id and payload, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [lock, queue, waiting_before])
        row: tuple[int, str] | None = cursor.fetchone()
        return row


def share(key: Key) -> None:
    """Hold the lock, with others, until the connection ends."""
    with connection.cursor() as cursor:
        cursor.execute(SHARE, key)


def is_held(key: Key) -> bool:
    """Return whether another connection holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute(TRY, key)
        if cursor.fetchone() == (False,):
            return True
        cursor.execute(RELEASE, key)
        return False
