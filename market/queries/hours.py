"""Which session of a calendar is open, and the trading hours of the watchlist."""

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
TRADING_HOURS = f"""
SELECT calendar, instruments, closes_at, (
        SELECT min(opens_at) FROM trading_sessions
        WHERE trading_sessions.calendar = watchlist.calendar AND NOT closed AND opens_at > %(at)s
          AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 15
    ) AS opens_at
FROM (
    SELECT calendar, count(*) AS instruments FROM instruments WHERE watched GROUP BY calendar
) AS watchlist
LEFT JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
ORDER BY instruments DESC, calendar
"""


@dataclass(frozen=True)
class TradingHours:
    """A calendar of the watchlist, with how many instruments trade on it.

    `closes_at`: of the session that is open; None when none is. `opens_at`: of the next one that is stored.
    """

    calendar: str
    instruments: int
    closes_at: datetime | None
    opens_at: datetime | None


def trading_hours(at: datetime) -> list[TradingHours]:
    """Return the hours around `at` of each watched calendar, that of most instruments first. One query."""
    return fetch_all(TradingHours, TRADING_HOURS, {"at": at})
