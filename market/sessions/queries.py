"""Published sessions, written as the library's process printed them: no object for each of 9,000 days."""

from datetime import date

from django.db import connection

WRITE = """
INSERT INTO trading_sessions (calendar, date, opens_at, break_starts_at, break_ends_at, closes_at, closed)
SELECT
    %(calendar)s,
    (day->>0)::date,
    to_timestamp((day->>1)::bigint),
    to_timestamp((day->>2)::bigint),
    to_timestamp((day->>3)::bigint),
    to_timestamp((day->>4)::bigint),
    false
FROM json_array_elements(%(printed)s::json) AS day
ON CONFLICT (calendar, date) DO UPDATE SET
    opens_at = excluded.opens_at,
    break_starts_at = excluded.break_starts_at,
    break_ends_at = excluded.break_ends_at,
    closes_at = excluded.closes_at
"""
DELETE_UNPUBLISHED = """
DELETE FROM trading_sessions
WHERE calendar = %(calendar)s AND date > %(today)s AND NOT closed
    AND date NOT IN (SELECT (day->>0)::date FROM json_array_elements(%(printed)s::json) AS day)
"""


def write(calendar: str, printed: str) -> None:
    """Store the sessions of a calendar as `market.calendars` prints them. A closed day stays closed."""
    _execute(WRITE, calendar=calendar, printed=printed)


def delete_unpublished(calendar: str, printed: str, today: date) -> None:
    """Delete the sessions after a day that are published no more, but for those that an operator closed."""
    _execute(DELETE_UNPUBLISHED, calendar=calendar, printed=printed, today=today)


def _execute(statement: str, **values: str | date) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
