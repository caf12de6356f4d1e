"""Instants as PostgreSQL sends them; a page reads some hundred.

psycopg parses them in C, but Django registers a loader of its own in Python: ten times slower than this.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader


class InstantLoader(TimestamptzLoader):
    timezone = UTC  # Django compares it with the connection's at every cursor

    def load(self, data: Buffer) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # infinity, or a year that Python does not have: psycopg says which
            return super().load(data)


def register(connection: BaseDatabaseWrapper, **signal: Any) -> None:
    """Have a new connection load instants so."""
    connection.connection.adapters.register_loader("timestamptz", InstantLoader)
