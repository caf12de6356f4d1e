"""SQL of the queue."""

from datetime import datetime

from django.db import connection

TAKE = """
UPDATE django_q_ormq SET lock = %s WHERE id = (
    SELECT id FROM django_q_ormq WHERE key = %s AND lock < %s ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id, payload
"""


def take(queue: str, lock: datetime, waiting_before: datetime) -> tuple[int, str] | None:
    """Lock the oldest row that waits and return its id and payload, if there is one."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [lock, queue, waiting_before])
        row: tuple[int, str] | None = cursor.fetchone()
        return row
