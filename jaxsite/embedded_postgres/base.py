import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from django.db.utils import OperationalError
from psycopg import sql

from jaxsite.embedded_postgres import server
from jaxsite.embedded_postgres.client import DatabaseClient
from jaxsite.embedded_postgres.roles import are_missing, prepare
from jaxsite.embedded_postgres.server import OWNER, SITE

RECOVERY_SECONDS = 30
PAUSE = 0.1
OLDER_SERVER = (
    "The embedded PostgreSQL server was started by an older version of Jax, which still runs. Stop that, then"
    " start again."
)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, on a server that is started when needed, and again if it dies.

    It connects as the site's role; as another one where the settings name a USER (see `as_owner`).
    """

    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if "host" in conn_params:  # the settings name a server after all
            return super().get_new_connection(conn_params)
        began = time.monotonic()
        while True:
            superuser = self.address()
            params = superuser | {"user": SITE} | conn_params
            try:
                return super().get_new_connection(params)
            except psycopg.OperationalError as refused:
                if are_missing(refused):
                    prepare(superuser)
                elif "pg_hba.conf" in str(refused):
                    raise OperationalError(OLDER_SERVER) from refused
                elif "does not exist" in str(refused):
                    create_database(superuser, params["dbname"])
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


def create_database(superuser: dict[str, Any], name: str) -> None:
    names = sql.Identifier(name), sql.Identifier(OWNER)
    statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(*names)
    created_by_another = contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation)
    with psycopg.connect(**superuser, dbname="postgres", autocommit=True) as connection, created_by_another:
        connection.execute(statement)


@contextlib.contextmanager
def as_owner(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Connect to the embedded server as the database's owner for the length of the block."""
    connection = connections[alias]
    if not isinstance(connection, DatabaseWrapper) or connection.settings_dict["USER"] == OWNER:
        yield
        return
    before = connection.settings_dict["USER"]
    connection.close()
    prepare(connection.address())  # also what was restored, or made by hand
    connection.settings_dict["USER"] = OWNER
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = before
