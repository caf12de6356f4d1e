"""How long what was received is kept."""

from datetime import datetime

from django.db import connection

BATCH = 20_000

OLD_ROWS = (
    "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {column} < %s LIMIT %s))"
)


def prune(*, quotes_before: datetime, runs_before: datetime, batch: int = BATCH) -> dict[str, int]:
    """Delete quote history received, and runs started, before those moments. In batches: no long locks.

    Returns how many rows of each table went.
    """
    return {
        "quote_history": _delete("quote_history", "received_at", quotes_before, batch),
        "ingestion_runs": _delete("ingestion_runs", "started_at", runs_before, batch),
    }


def _delete(table: str, column: str, before: datetime, batch: int) -> int:
    gone = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(OLD_ROWS.format(table=table, column=column), [before, batch])
            deleted = int(cursor.rowcount)
            gone += deleted
            if deleted < batch:
                return gone
