"""Rows of an SQL statement with names: each column fills the field of a dataclass that is called as it is."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import connection

Row = TypeVar("Row")


def fetch_all(row_type: type[Row], statement: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the rows of a statement as instances of a dataclass or named tuple."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        return [row_type(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def fetch_one(row_type: type[Row], statement: str, values: Mapping[str, Any] | None = None) -> Row:
    """Return the one row of a statement, for those that always have one."""
    (row,) = fetch_all(row_type, statement, values)
    return row
