"""Which bars of the last sessions are stored: a row for each instrument, a cell for each session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from market.models import Gap
from market.prices import Timeframe

SESSIONS, PER_PAGE = 5, 50
TIMEFRAME = Timeframe.M15  # all longer intraday bars are built from it or fetched with it
SETTLES = timedelta(seconds=90)  # a bar that has just closed is fetched by the next cycle

GRID = """
WITH recent AS (
    SELECT calendar, date, opens_at, closes_at FROM (
        SELECT *, row_number() OVER (PARTITION BY calendar ORDER BY date DESC) AS back
        FROM trading_sessions
        WHERE NOT closed AND opens_at <= %(at)s AND date > %(at)s::date - 20
          AND calendar IN (SELECT calendar FROM instruments WHERE watched)
    ) AS numbered
    WHERE back <= %(sessions)s
), listed AS (
    SELECT symbol, calendar, count(*) OVER () AS in_all, EXISTS (
        SELECT FROM gaps JOIN recent ON recent.calendar = instruments.calendar
        WHERE gaps.symbol = instruments.symbol AND timeframe = %(timeframe)s
          AND last_at >= opens_at AND first_at < closes_at
    ) AS has_gap
    FROM instruments WHERE watched
    ORDER BY has_gap DESC, symbol LIMIT %(limit)s OFFSET %(offset)s
)
SELECT
    listed.symbol, in_all, coalesce(delay_seconds, 0), date, opens_at, closes_at,
    (
        SELECT count(*) FROM candles
        WHERE candles.symbol = listed.symbol AND timeframe = %(timeframe)s
          AND opened_at >= opens_at AND opened_at < closes_at
    ),
    ARRAY(
        SELECT DISTINCT reason FROM gaps
        WHERE gaps.symbol = listed.symbol AND timeframe = %(timeframe)s
          AND last_at >= opens_at AND first_at < closes_at
        ORDER BY reason
    )
FROM listed LEFT JOIN recent USING (calendar) LEFT JOIN quotes ON quotes.symbol = listed.symbol
ORDER BY has_gap DESC, listed.symbol, date
"""


@dataclass(frozen=True)
class Cell:
    """How many bars of a session there should be by now, how many there are, and why some are not."""

    date: date
    expected: int
    stored: int
    reasons: Sequence[str]

    @property
    def share(self) -> float:
        return min(self.stored / self.expected, 1.0) if self.expected else 1.0

    @property
    def state(self) -> str:
        if self.expected == 0:
            return "soon"
        if self.stored >= self.expected:
            return "full"
        return "part" if self.stored else "none"

    @property
    def says(self) -> str:
        """In words, for whoever cannot see the mark."""
        if self.state == "soon":
            return "no bar has closed yet"
        why = ", ".join(str(Gap.Reason(reason).label) for reason in self.reasons)
        return f"{self.stored} of {self.expected} bars" + (f": {why}" if why else "")


@dataclass(frozen=True)
class Row:
    """An instrument's last sessions, oldest first; none where its calendar is not known."""

    symbol: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Grid:
    """A page of the watchlist: those with a gap first, then by symbol. `in_all`: how many are watched."""

    rows: Sequence[Row]
    in_all: int


def grid(at: datetime, page: int = 1) -> Grid:
    """One query."""
    values: dict[str, Any] = {
        "at": at,
        "sessions": SESSIONS,
        "timeframe": TIMEFRAME.value,
        "limit": PER_PAGE,
        "offset": (page - 1) * PER_PAGE,
    }
    with connection.cursor() as cursor:
        cursor.execute(GRID, values)
        found = cursor.fetchall()
    rows = [
        Row(symbol, [_cell(at, *session[2:]) for session in sessions if session[3] is not None])
        for symbol, sessions in groupby(found, key=itemgetter(0))
    ]
    return Grid(rows, found[0][1] if found else 0)


def _cell(
    at: datetime,
    delay: int,
    day: date,
    opens_at: datetime,
    closes_at: datetime,
    stored: int,
    reasons: Sequence[str],
) -> Cell:
    return Cell(day, expected(opens_at, closes_at, at - timedelta(seconds=delay)), stored, reasons)


def expected(opens_at: datetime, closes_at: datetime, at: datetime) -> int:
    """How many bars of a session have closed and could have been fetched by then."""
    length = TIMEFRAME.length
    if at >= closes_at + SETTLES:
        return -(-(closes_at - opens_at) // length)
    return max((at - SETTLES - opens_at) // length, 0)
