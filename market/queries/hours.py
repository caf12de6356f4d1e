"""Which session of a calendar is open; the calendars of the watchlist with their hours and feeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.queries import fetch_all

# The session of each calendar in which an instant lies, as `TradingSession.objects.open_at`.
OPEN_SESSIONS = """
SELECT calendar, opens_at, closes_at FROM trading_sessions
WHERE NOT closed AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 2
  AND opens_at <= %(at)s AND closes_at > %(at)s
"""

# What the bar on top of every page shows of the watchlist.
WATCHED_CALENDARS = f"""
SELECT calendar, instruments, feeds, closes_at, (
        SELECT min(opens_at) FROM trading_sessions
        WHERE trading_sessions.calendar = watchlist.calendar AND NOT closed AND opens_at > %(at)s
          AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 15
    ) AS opens_at
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
ORDER BY instruments DESC, calendar
"""


@dataclass(frozen=True)
class WatchedCalendar:
    """A calendar of the watchlist, with how many instruments trade on it.

    `feeds`: those that their quotes come from, with the longest stated delay of each in seconds.
    `closes_at`: of the session that is open; None when none is. `opens_at`: of the next one that is stored.
    """

    calendar: str
    instruments: int
    feeds: Mapping[str, int]
    closes_at: datetime | None
    opens_at: datetime | None


def watched_calendars(at: datetime) -> list[WatchedCalendar]:
    """Return each watched calendar with its hours around `at`, that of most instruments first. One query."""
    return fetch_all(WatchedCalendar, WATCHED_CALENDARS, {"at": at})
