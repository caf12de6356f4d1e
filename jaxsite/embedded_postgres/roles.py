"""The roles of the database: one owns it and migrates, the site runs as the other. Neither is a superuser.

The embedded server's superuser (`server.ROLE`) makes both and hands the databases over; nothing runs as it.
The site's role may do to rows what the site does, and to the audit chain's no more than read and add. On a
server of one's own that has a role of its name, `migrate` grants it the same.
"""

import contextlib
from typing import Any

import psycopg
from psycopg import sql

from jaxsite.embedded_postgres.server import OWNER, SITE

CHAIN = "audit_events"

MAKE = """
DO $$
BEGIN
    IF to_regrole('{owner}') IS NULL THEN CREATE ROLE {owner} NOLOGIN CREATEDB; END IF;
    IF to_regrole('{site}') IS NULL THEN CREATE ROLE {site} NOLOGIN; END IF;
END $$
"""
# Last, and both at once: until then a connection is refused, and its process does all of this (again).
ADMIT = "ALTER ROLE {owner} LOGIN; ALTER ROLE {site} LOGIN"
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
# What a bootstrap superuser has made cannot be reassigned at once. Sequences follow their tables.
HAND_OVER = """
DO $$
DECLARE statement text;
BEGIN
    FOR statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO {owner}', nspname) FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')
        UNION ALL
        SELECT format('ALTER TABLE %s OWNER TO {owner}', oid::regclass) FROM pg_class
        WHERE relkind IN ('r', 'p', 'v', 'm')
            AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
            AND relowner <> to_regrole('{owner}')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO {owner}', oid::regprocedure) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proowner <> to_regrole('{owner}')
    LOOP
        EXECUTE statement;
    END LOOP;
END $$
"""
GRANT = """
DO $$
BEGIN
    IF to_regrole('{site}') IS NULL OR current_user = '{site}' THEN RETURN; END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('jax grants', 0));
    GRANT USAGE ON SCHEMA public TO {site};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {site};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {site};
    IF to_regclass('public.{chain}') IS NOT NULL THEN REVOKE UPDATE, DELETE ON {chain} FROM {site}; END IF;
END $$
"""


class Gone(Exception):
    """A database, of a test say, was dropped just now."""


def statement(text: str) -> str:
    return text.format(owner=OWNER, site=SITE, chain=CHAIN)


def are_missing(refused: psycopg.OperationalError) -> bool:
    """Whether a connection was refused because the server has not got the roles (in full) yet."""
    text = str(refused)
    return any(
        f'role "{role}" {why}' in text
        for role in (OWNER, SITE)
        for why in ("does not exist", "is not permitted to log in")
    )


def prepare(superuser: dict[str, Any]) -> None:
    """Make the roles and hand them what is there, for a new server and for one of before they were."""
    with psycopg.connect(**superuser, dbname="postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('jax roles', 0))")
        connection.execute(statement(MAKE))
        for (name,) in connection.execute(DATABASES).fetchall():
            with contextlib.suppress(Gone):
                hand_over(superuser, name)
        connection.execute(statement(ADMIT))


def hand_over(superuser: dict[str, Any], name: str) -> None:
    """Make the owner's role own a database and all that is in it, and grant the site its rights."""
    with connect(superuser, name) as connection:
        owner = sql.Identifier(OWNER)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), owner))
        connection.execute(statement(HAND_OVER))
        connection.execute(statement(GRANT))


def connect(superuser: dict[str, Any], name: str) -> "psycopg.Connection[Any]":
    try:
        return psycopg.connect(**superuser, dbname=name)
    except psycopg.OperationalError as refused:
        if "does not exist" in str(refused):
            raise Gone from refused
        raise
