"""Which session of a calendar is open; the calendars of the watchlist with their hours and feeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.queries import fetch_all

# The session of each calendar that is open at an instant, as `TradingSession.objects.open_at`. After a break
# it opened when that ended.
OPEN_SESSIONS = """
SELECT calendar, CASE WHEN break_ends_at <= %(at)s THEN break_ends_at ELSE opens_at END AS opens_at, closes_at
FROM trading_sessions
WHERE NOT closed AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 2
  AND opens_at <= %(at)s AND closes_at > %(at)s
  AND (break_starts_at IS NULL OR %(at)s < break_starts_at OR %(at)s >= break_ends_at)
"""

# What the bar on top of every page shows of the watchlist.
WATCHED_CALENDARS = f"""
SELECT calendar, instruments, feeds, open_sessions.closes_at, next.opens_at,
    open_sessions.closes_at IS NULL AND coalesce(next.opens_at = next.break_ends_at, false) AS is_break
FROM (
    SELECT calendar, sum(instruments)::int AS instruments,
        coalesce(json_object_agg(feed, delay) FILTER (WHERE feed IS NOT NULL), '{{}}') AS feeds
    FROM (
        SELECT calendar, feed, count(*) AS instruments, max(delay_seconds) AS delay
        FROM instruments LEFT JOIN quotes USING (symbol) WHERE watched GROUP BY calendar, feed
    ) AS by_feed
    GROUP BY calendar
) AS watchlist
LEFT JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
LEFT JOIN LATERAL (
    SELECT begins_at AS opens_at, break_ends_at
    FROM trading_sessions CROSS JOIN LATERAL (VALUES (opens_at), (break_ends_at)) AS halves (begins_at)
    WHERE trading_sessions.calendar = watchlist.calendar AND NOT closed AND begins_at > %(at)s
      AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 15
    ORDER BY begins_at LIMIT 1
) AS next ON true
ORDER BY instruments DESC, calendar
"""


@dataclass(frozen=True)
class WatchedCalendar:
    """A calendar of the watchlist, with how many instruments trade on it.

    `feeds`: those that their quotes come from, with the longest stated delay of each in seconds.
    `closes_at`: of the session that is open; None when none is. `opens_at`: when it opens next, as far as is
    stored. `is_break`: a session's break lasts until then.
    """

    calendar: str
    instruments: int
    feeds: Mapping[str, int]
    closes_at: datetime | None
    opens_at: datetime | None
    is_break: bool


def watched_calendars(at: datetime) -> list[WatchedCalendar]:
    """Return each watched calendar with its hours around `at`, that of most instruments first. One query."""
    return fetch_all(WatchedCalendar, WATCHED_CALENDARS, {"at": at})
