"""Which bars of the last sessions are stored: a row for each instrument, a cell for each session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter

from django.utils.functional import cached_property

from market.models import Gap
from market.prices import Timeframe
from market.queries.coverage import SessionBars, coverage
from market.sessions import SETTLES_AFTER

SESSIONS, PER_PAGE = 5, 50
NEXT_CYCLE = timedelta(minutes=1)  # a bar that has just become final is fetched by it

MARKS = {"full": "✓", "part": "◐", "none": "✕", "unasked": "○", "soon": "·"}


@dataclass(frozen=True)
class Cell:
    """How many bars of a session there should be by now, how many there are, and why some are not.

    `is_answered`: a provider has answered for bars of this session.
    """

    date: date
    expected: int
    stored: int
    reasons: Sequence[str] = ()
    is_answered: bool = True

    @property
    def share(self) -> float:
        """From 0 to 1; rounded, it is neither 1 while a bar is missing nor 0 while one is there."""
        if self.stored >= self.expected:
            return 1.0
        return min(max(self.stored / self.expected, 0.01), 0.99) if self.stored else 0.0

    @property
    def day(self) -> str:
        """The weekday and the day of the month: Mon 4."""
        return _day(self.date)

    @cached_property
    def state(self) -> str:
        if self.expected == 0:
            return "soon"
        if self.stored >= self.expected:
            return "full"
        if self.stored:
            return "part"
        return "none" if self.is_answered else "unasked"

    @property
    def mark(self) -> str:
        """So that the state does not hang on its colour; with the share of a part."""
        mark = MARKS[self.state]
        return f"{mark} {100 * self.share:.0f} %" if self.state == "part" else mark

    @cached_property
    def says(self) -> str:
        """The same in words, for users who cannot see the mark."""
        if self.state == "soon":
            return "no bar has closed yet"
        if self.state == "unasked":
            return "not fetched yet"
        why = ", ".join(str(Gap.Reason(reason).label) for reason in self.reasons)
        return f"{self.stored} of {self.expected} bars" + (f": {why}" if why else "")


@lru_cache(maxsize=64)  # a page shows the same few for each instrument
def _day(day: date) -> str:
    return f"{day:%a} {day.day}"


@dataclass(frozen=True)
class InstrumentCoverage:
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
    rows: Sequence[InstrumentCoverage]
    in_all: int
    complete: int

    @property
    def lacking(self) -> int:
        return self.in_all - self.complete


def grid(at: datetime, timeframe: Timeframe, page: int = 1) -> Grid:
    """Return a page of the grid. One query."""
    bars = coverage(
        at,
        timeframe,
        settles(timeframe),
        sessions=SESSIONS,
        limit=PER_PAGE,
        offset=(page - 1) * PER_PAGE,
    )
    rows = [
        InstrumentCoverage(
            symbol, [_cell(at, timeframe, day, session) for session in sessions if (day := session.date)]
        )
        for symbol, sessions in groupby(bars, key=attrgetter("symbol"))
    ]
    return Grid(timeframe, page, rows, bars[0].in_all if bars else 0, bars[0].complete if bars else 0)


def _cell(at: datetime, timeframe: Timeframe, day: date, session: SessionBars) -> Cell:
    due = expected(timeframe, _halves(session), at - timedelta(seconds=session.delay))
    return Cell(day, due, session.stored, session.reasons, session.is_answered)


def _halves(session: SessionBars) -> list[tuple[datetime, datetime]]:
    """Return when it trades: once, or before and after its break."""
    if session.break_starts_at is None or session.break_ends_at is None:
        return [(session.opens_at, session.closes_at)]
    return [(session.opens_at, session.break_starts_at), (session.break_ends_at, session.closes_at)]


def expected(timeframe: Timeframe, halves: Sequence[tuple[datetime, datetime]], at: datetime) -> int:
    """Return how many bars of a session are final and could have been fetched by then."""
    length, until = timeframe.length, at - settles(timeframe)
    if not timeframe.is_intraday:
        return int(until >= halves[-1][1])
    return sum(_closed(begins_at, ends_at, length, until) for begins_at, ends_at in halves)


def _closed(begins_at: datetime, ends_at: datetime, length: timedelta, until: datetime) -> int:
    if until >= ends_at:
        return -(-(ends_at - begins_at) // length)
    return max((until - begins_at) // length, 0)


@cache
def settles(timeframe: Timeframe) -> timedelta:
    """Return how long after its close a bar is there at the latest."""
    after: timedelta = SETTLES_AFTER[timeframe].astype("timedelta64[us]").item()
    return after + NEXT_CYCLE
