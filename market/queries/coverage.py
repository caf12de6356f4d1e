"""Which bars of the last sessions are stored, and why some are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.queries import fetch_all
from market.prices import Timeframe

# What lacks bars stands first. That is told from what was noted, never by counting the bars of all: a gap, no
# answer yet or none since a session that is over, a history that begins inside these sessions.
COVERAGE = """
WITH recent AS (
    SELECT calendar, date, opens_at, break_starts_at, break_ends_at, closes_at,
        CASE WHEN %(intraday)s THEN opens_at ELSE date::timestamptz END AS starts_at,
        CASE WHEN %(intraday)s THEN closes_at ELSE date::timestamptz + interval '1 day' END AS ends_at
    FROM (
        SELECT *, row_number() OVER (PARTITION BY calendar ORDER BY date DESC) AS back
        FROM trading_sessions
        WHERE NOT closed AND opens_at <= %(at)s AND date > %(at)s::date - 20
          AND calendar IN (
              SELECT calendar FROM instruments WHERE watched OR (in_use AND NOT delisting_followed)
          )
    ) AS numbered
    WHERE back <= %(sessions)s
), gapped AS MATERIALIZED (
    SELECT DISTINCT gaps.symbol
    FROM gaps JOIN instruments USING (symbol) JOIN recent USING (calendar)
    WHERE timeframe = %(timeframe)s AND last_at >= starts_at AND first_at < ends_at
), judged AS MATERIALIZED (
    SELECT instruments.symbol, calendar, answered_through, coalesce(delay_seconds, 0) AS delay,
        answered_through IS NULL OR gapped.symbol IS NOT NULL OR EXISTS (
            SELECT FROM recent
            WHERE recent.calendar = instruments.calendar AND answered_through < ends_at - %(length)s
              AND closes_at + %(settles)s + delay_seconds * interval '1 second' <= %(at)s
        ) OR coalesce((
            SELECT min(opened_at) FROM candles
            WHERE candles.symbol = instruments.symbol AND timeframe = %(timeframe)s
        ) > (SELECT min(starts_at) FROM recent WHERE recent.calendar = instruments.calendar), true
        ) AS lacks
    FROM instruments
    LEFT JOIN gapped ON gapped.symbol = instruments.symbol
    LEFT JOIN candle_progress AS progress
      ON progress.symbol = instruments.symbol AND timeframe = %(timeframe)s
    WHERE watched OR (in_use AND NOT delisting_followed)
), listed AS (
    SELECT *, count(*) OVER () AS in_all, count(*) FILTER (WHERE NOT lacks) OVER () AS complete
    FROM judged ORDER BY lacks DESC, symbol LIMIT %(limit)s OFFSET %(offset)s
)
SELECT
    symbol, in_all, complete, delay, coalesce(answered_through >= starts_at, false) AS is_answered,
    date, opens_at, break_starts_at, break_ends_at, closes_at,
    (
        SELECT count(*) FROM candles
        WHERE candles.symbol = listed.symbol AND timeframe = %(timeframe)s AND is_final
          AND opened_at >= starts_at AND opened_at < ends_at
    ) AS stored,
    ARRAY(
        SELECT DISTINCT reason FROM gaps
        WHERE gaps.symbol = listed.symbol AND timeframe = %(timeframe)s
          AND last_at >= starts_at AND first_at < ends_at
        ORDER BY reason
    ) AS reasons
FROM listed LEFT JOIN recent USING (calendar)
ORDER BY lacks DESC, symbol, date
"""


@dataclass(frozen=True)
class SessionBars:
    """How many final bars of an instrument's session are stored, and why some are not.

    `in_all`: how many instruments are listed; `complete`: how many of them lack nothing. `delay`: that of the
    feed, in seconds. `is_answered`: whether a provider has answered for bars of this session. An instrument
    whose calendar is not known has one row, without a session.
    """

    symbol: str
    in_all: int
    complete: int
    delay: int
    is_answered: bool
    date: date | None
    opens_at: datetime
    break_starts_at: datetime | None
    break_ends_at: datetime | None
    closes_at: datetime
    stored: int
    reasons: Sequence[str]


def coverage(
    at: datetime, timeframe: Timeframe, settles: timedelta, *, sessions: int, limit: int, offset: int
) -> list[SessionBars]:
    """Return the bars of the last sessions of a page of instruments, those that lack some first. One query.

    `settles`: how long after its close a bar is there at the latest.
    """
    values = {
        "at": at,
        "sessions": sessions,
        "timeframe": timeframe.value,
        "intraday": timeframe.is_intraday,
        "length": timeframe.length,
        "settles": settles,
        "limit": limit,
        "offset": offset,
    }
    return fetch_all(SessionBars, COVERAGE, values)
