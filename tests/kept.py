"""The rows of the migrations, kept in a schema beside the tables: tests that empty these take them away."""

from django.db import connection

KEEP = """
CREATE SCHEMA kept;
DO $$
DECLARE name text; has_rows boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO has_rows;
        IF has_rows THEN EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', name, name); END IF;
    END LOOP;
END $$
"""
BRING_BACK = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'kept'
    LOOP
        CONTINUE WHEN name = 'django_migrations';  -- no test empties it
        EXECUTE format('INSERT INTO public.%I TABLE kept.%I', name, name);
    END LOOP;
END $$
"""
EMPTY = """
DO $$
BEGIN
    EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(format('%I', tablename), ', ')
        FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations'
    );
END $$
"""
EXISTS = "SELECT to_regnamespace('kept') IS NOT NULL"
IS_OUTDATED = """
SELECT array_agg(name ORDER BY app, name)
    <> (SELECT array_agg(name ORDER BY app, name) FROM kept.django_migrations)
FROM django_migrations
"""


def begin() -> None:
    """Keep the rows of a new database, or undo what the last session left in one (`pytest --reuse-db`)."""
    if _ask(EXISTS):
        _execute(EMPTY)
        bring_back()
    else:
        _execute(KEEP)


def is_outdated() -> bool:
    """Return whether the database has had another migration since its rows were kept."""
    return _ask(EXISTS) and _ask(IS_OUTDATED)


def bring_back() -> None:
    """Fill the emptied tables."""
    _execute(BRING_BACK)


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _ask(question: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question)
        return bool(cursor.fetchone()[0])
