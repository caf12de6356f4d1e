"""Which bars of the last sessions are stored: a row for each instrument, a cell for each session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from market.models import Gap
from market.prices import Timeframe
from market.sessions import SETTLES_AFTER

SESSIONS, PER_PAGE = 5, 50
NEXT_CYCLE = timedelta(minutes=1)  # a bar that has just become final is fetched by it

MARKS = {"full": "✓", "part": "◐", "none": "✕", "unasked": "○", "soon": "·"}

# What lacks bars stands first. That is told from what was noted, never by counting the bars of all: a gap, no
# answer yet or none since a session that is over, a history that begins inside these sessions.
GRID = """
WITH recent AS (
    SELECT calendar, date, opens_at, closes_at,
        CASE WHEN %(intraday)s THEN opens_at ELSE date::timestamptz END AS starts_at,
        CASE WHEN %(intraday)s THEN closes_at ELSE date::timestamptz + interval '1 day' END AS ends_at
    FROM (
        SELECT *, row_number() OVER (PARTITION BY calendar ORDER BY date DESC) AS back
        FROM trading_sessions
        WHERE NOT closed AND opens_at <= %(at)s AND date > %(at)s::date - 20
          AND calendar IN (SELECT calendar FROM instruments WHERE watched OR in_use)
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
    WHERE watched OR in_use
), listed AS (
    SELECT *, count(*) OVER () AS in_all, count(*) FILTER (WHERE NOT lacks) OVER () AS complete
    FROM judged ORDER BY lacks DESC, symbol LIMIT %(limit)s OFFSET %(offset)s
)
SELECT
    symbol, in_all, complete, delay, answered_through >= starts_at, date, opens_at, closes_at,
    (
        SELECT count(*) FROM candles
        WHERE candles.symbol = listed.symbol AND timeframe = %(timeframe)s AND is_final
          AND opened_at >= starts_at AND opened_at < ends_at
    ),
    ARRAY(
        SELECT DISTINCT reason FROM gaps
        WHERE gaps.symbol = listed.symbol AND timeframe = %(timeframe)s
          AND last_at >= starts_at AND first_at < ends_at
        ORDER BY reason
    )
FROM listed LEFT JOIN recent USING (calendar)
ORDER BY lacks DESC, symbol, date
"""


@dataclass(frozen=True)
class Cell:
    """How many bars of a session there should be by now, how many there are, and why some are not.

    `asked`: a provider has answered for bars of this session.
    """

    date: date
    expected: int
    stored: int
    reasons: Sequence[str] = ()
    asked: bool = True

    @property
    def share(self) -> float:
        """From 0 to 1; rounded, it is neither 1 while a bar is missing nor 0 while one is there."""
        if self.stored >= self.expected:
            return 1.0
        return min(max(self.stored / self.expected, 0.01), 0.99) if self.stored else 0.0

    @property
    def day(self) -> str:
        """As short as it can be told: Mon 4."""
        return f"{self.date:%a} {self.date.day}"

    @cached_property
    def state(self) -> str:
        if self.expected == 0:
            return "soon"
        if self.stored >= self.expected:
            return "full"
        if self.stored:
            return "part"
        return "none" if self.asked else "unasked"

    @property
    def mark(self) -> str:
        """So that the state does not hang on its colour; with the share of a part."""
        mark = MARKS[self.state]
        return f"{mark} {100 * self.share:.0f} %" if self.state == "part" else mark

    @cached_property
    def says(self) -> str:
        """In words, for whoever cannot see the mark."""
        if self.state == "soon":
            return "no bar has closed yet"
        if self.state == "unasked":
            return "not fetched yet"
        why = ", ".join(str(Gap.Reason(reason).label) for reason in self.reasons)
        return f"{self.stored} of {self.expected} bars" + (f": {why}" if why else "")


@dataclass(frozen=True)
class Row:
    """An instrument's last sessions, oldest first; none where its calendar is not known."""

    symbol: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """A page of what bars are fetched of: what lacks some first, then by symbol.

    `in_all`: how many instruments there are; `complete`: how many of them lack nothing.
    """

    timeframe: Timeframe
    page: int
    rows: Sequence[Row]
    in_all: int
    complete: int

    @property
    def lacking(self) -> int:
        return self.in_all - self.complete


def grid(at: datetime, timeframe: Timeframe, page: int = 1) -> Grid:
    """One query."""
    values: dict[str, Any] = {
        "at": at,
        "sessions": SESSIONS,
        "timeframe": timeframe.value,
        "intraday": timeframe.is_intraday,
        "length": timeframe.length,
        "settles": settles(timeframe),
        "limit": PER_PAGE,
        "offset": (page - 1) * PER_PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(GRID, values)
        found = cursor.fetchall()
    rows = [
        Row(symbol, [_cell(at, timeframe, *session[3:]) for session in sessions if session[5] is not None])
        for symbol, sessions in groupby(found, key=itemgetter(0))
    ]
    in_all, complete = found[0][1:3] if found else (0, 0)
    return Grid(timeframe, page, rows, in_all, complete)


def _cell(
    at: datetime,
    timeframe: Timeframe,
    delay: int,
    asked: bool | None,
    day: date,
    opens_at: datetime,
    closes_at: datetime,
    stored: int,
    reasons: Sequence[str],
) -> Cell:
    due = expected(timeframe, opens_at, closes_at, at - timedelta(seconds=delay))
    return Cell(day, due, stored, reasons, bool(asked))


def expected(timeframe: Timeframe, opens_at: datetime, closes_at: datetime, at: datetime) -> int:
    """How many bars of a session are final and could have been fetched by then."""
    length, until = timeframe.length, at - settles(timeframe)
    if not timeframe.is_intraday:
        return int(until >= closes_at)
    if until >= closes_at:
        return -(-(closes_at - opens_at) // length)
    return max((until - opens_at) // length, 0)


@cache
def settles(timeframe: Timeframe) -> timedelta:
    """How long after its close a bar is there at the latest."""
    after: timedelta = SETTLES_AFTER[timeframe].astype("timedelta64[us]").item()
    return after + NEXT_CYCLE
