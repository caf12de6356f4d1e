"""SQL that is not of one app: rows of a statement with names, and the deletion of old rows in batches."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model

Row = TypeVar("Row")
M = TypeVar("M", bound=Model)

BATCH = 20_000
OLD_ROWS = (
    "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {column} < %s LIMIT %s))"
)


def fetch_all(row_type: type[Row], statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the rows of a statement as instances of a dataclass, whose fields are called as the columns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        return [row_type(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def fetch_one(row_type: type[Row], statement: str, values: Mapping[str, Any] | None = None) -> Row:
    """Return the one row of a statement, for those that always have one."""
    (row,) = fetch_all(row_type, statement, values)
    return row


def only(rows: Iterable[M]) -> M | None:
    """Return the one row that a key finds, or None; `first` would sort and limit it: half as long again."""
    return next(iter(rows), None)


def delete_older(model: type[Model], field: str, before: datetime, batch: int = BATCH) -> int:
    """Delete the rows whose `field` is before an instant, in batches, so that no lock is long.

    Returns how many were deleted.
    """
    column = model._meta.get_field(field).column  # type: ignore[union-attr]  # a plain field
    statement, total = OLD_ROWS.format(table=model._meta.db_table, column=column), 0
    with connection.cursor() as cursor:
        while True:
            with transaction.atomic():
                cursor.execute(statement, [before, batch])
            deleted = int(cursor.rowcount)
            total += deleted
            if deleted < batch:
                return total
