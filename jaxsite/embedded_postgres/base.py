import contextlib
import time
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.utils import OperationalError
from psycopg import sql

from jaxsite.embedded_postgres import server
from jaxsite.embedded_postgres.client import DatabaseClient

RECOVERY_SECONDS = 30
PAUSE = 0.1


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, on a server that is started when needed, and again if it dies."""

    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if "host" in conn_params:  # the settings name a server after all
            return super().get_new_connection(conn_params)
        began = time.monotonic()
        while True:
            params = conn_params | self.address()
            try:
                return super().get_new_connection(params)
            except psycopg.OperationalError as refused:
                if "does not exist" in str(refused):
                    create_database(params)
                elif time.monotonic() - began > patience(refused):
                    raise
                time.sleep(PAUSE)

    def address(self) -> dict[str, Any]:
        try:
            return server.ensure(Path(settings.VAR_DIR))
        except server.ServerError as reason:
            raise OperationalError(str(reason)) from reason


def patience(refused: psycopg.OperationalError) -> float:
    """A server that recovers is waited for; one that has just died is started again by the next attempt."""
    return RECOVERY_SECONDS if "the database system is" in str(refused) else 3 * PAUSE


def create_database(params: dict[str, Any]) -> None:
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(params["dbname"]))
    address = {name: params[name] for name in ("host", "port", "user")}
    created_by_another = contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(**address, dbname="postgres", autocommit=True) as connection, created_by_another:
        connection.execute(statement)
