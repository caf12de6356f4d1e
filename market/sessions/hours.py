"""The sessions of an exchange in memory: which bars they have, when those close and are final. No Django."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from market.prices import INSTANT, Flags, Instants, Timeframe, to_datetime, to_instant

FIRST_DAY = date(1990, 1, 1)
DAY = np.timedelta64(1, "D")
MONDAY = np.datetime64("1970-01-05", "D")
SETTLES_AFTER = {timeframe: np.timedelta64(30, "s") for timeframe in Timeframe} | {
    Timeframe.D1: np.timedelta64(20, "m"),
    Timeframe.W1: np.timedelta64(20, "m"),
}
NO_BREAKS = np.empty(0, dtype=INSTANT)


@dataclass(frozen=True)
class Sessions:
    """The sessions of one calendar, oldest first: `dates` datetime64[D]; the others datetime64[us] UTC.

    A session is open from `opens` to `closes`. At some exchanges nothing trades over lunch, from `rests` to
    `resumes` (NaT where there is no break): it is not open then, no bar opens there and none reaches across.
    """

    calendar: str
    dates: NDArray[np.datetime64]
    opens: Instants
    closes: Instants
    rests: Instants = field(default_factory=lambda: NO_BREAKS)
    resumes: Instants = field(default_factory=lambda: NO_BREAKS)

    @cached_property
    def _halves(self) -> tuple[Instants, Instants]:
        """Return when trading begins and ends, twice for a session with a break."""
        has_break = ~np.isnat(self.rests)
        begins, ends = (
            np.append(self.opens, self.resumes[has_break]),
            np.append(self.closes, self.rests[has_break]),
        )
        return np.sort(begins), np.sort(ends)

    def is_open(self, at: datetime) -> bool:
        return bool(self.cover(np.array([to_instant(at)]))[0])

    def trading_since(self, at: datetime) -> datetime | None:
        """Return when what trades at `at` began to, at the open or after a break; None while nothing does."""
        begins, ends = self._halves
        last = int(np.searchsorted(begins, to_instant(at), side="right")) - 1
        return to_datetime(begins[last]) if last >= 0 and to_instant(at) < ends[last] else None

    def cover(self, instants: Instants) -> Flags:
        """Return whether the exchange is open at each instant: inside a session, not in its break."""
        return _cover(*self._halves, instants)

    def near(self, instants: Instants, margin: timedelta = timedelta(0)) -> Flags:
        """Return whether each instant lies in a session, breaks included, or at most `margin` around one."""
        wide = np.timedelta64(margin)
        return _cover(self.opens - wide, self.closes + wide, instants)

    def regular(self, timeframe: Timeframe, opened_at: Instants) -> Flags:
        """Whether each bar is of the regular session. Daily and weekly ones are when their days have one."""
        if timeframe.is_intraday:
            return _cover(*self._halves, opened_at)
        days = opened_at.astype("datetime64[D]")
        days_with_session = self.dates if timeframe is Timeframe.D1 else _mondays(self.dates)
        return np.isin(days, days_with_session)

    def grid(self, timeframe: Timeframe, start: np.datetime64, end: np.datetime64) -> Instants:
        """Return the openings of all regular bars in [start, end), oldest first."""
        if timeframe is Timeframe.D1:
            openings = self.dates.astype(INSTANT)
        elif timeframe is Timeframe.W1:
            openings = np.unique(_mondays(self.dates)).astype(INSTANT)
        else:
            openings = self._intraday(timeframe, start, end)
        return openings[(openings >= start) & (openings < end)]

    def _intraday(self, timeframe: Timeframe, start: np.datetime64, end: np.datetime64) -> Instants:
        begins, ends = self._halves
        near = (ends > start) & (begins < end)
        opens, closes, step = begins[near], ends[near], np.timedelta64(timeframe.length)
        counts = -(-(closes - opens) // step)
        before = np.cumsum(counts) - counts
        number = np.arange(counts.sum()) - np.repeat(before, counts)
        return np.repeat(opens, counts) + number * step

    def closes_of(self, timeframe: Timeframe, opened_at: Instants) -> Instants:
        """Return when each bar closes: its length later.

        At its session's close or break if that is earlier, or if the bar is daily.
        """
        if timeframe.is_intraday:
            bar_ends, (begins, ends) = opened_at + np.timedelta64(timeframe.length), self._halves
            if not len(begins):
                return bar_ends
            last = np.maximum(np.searchsorted(begins, opened_at, side="right") - 1, 0)
            is_inside = _cover(begins, ends, opened_at)
            return np.where(is_inside, np.minimum(bar_ends, ends[last]), bar_ends)
        after = opened_at.astype("datetime64[D]") + (DAY if timeframe is Timeframe.D1 else 7 * DAY)
        if not len(self.dates):
            return after.astype(INSTANT)
        last = np.searchsorted(self.dates, after, side="left") - 1
        has_session = (last >= 0) & (self.dates[np.maximum(last, 0)] >= opened_at.astype("datetime64[D]"))
        return np.where(has_session, self.closes[np.maximum(last, 0)], after.astype(INSTANT))

    def final(
        self, timeframe: Timeframe, opened_at: Instants, at: datetime, delay: timedelta = timedelta(0)
    ) -> Flags:
        """Whether each bar is closed and settled at `at`, seen through a feed that is `delay` behind."""
        lag = np.timedelta64(delay) if timeframe.is_intraday else np.timedelta64(0, "us")
        return self.closes_of(timeframe, opened_at) + SETTLES_AFTER[timeframe] + lag <= to_instant(at)

    def newest_final(
        self, timeframe: Timeframe, at: datetime, delay: timedelta = timedelta(0)
    ) -> datetime | None:
        """Return the opening of the newest regular bar that is final at `at`."""
        for days in (15, 60):
            grid = self.grid(timeframe, to_instant(at - timedelta(days=days)), to_instant(at))
            done = grid[self.final(timeframe, grid, at, delay)]
            if len(done):
                return to_datetime(done[-1])
        return None

    def back(self, timeframe: Timeframe, count: int, at: datetime) -> datetime:
        """Return the opening of the bar `count` bars before `at`, of the first one when there are fewer."""
        span, end = timeframe.length * count, to_instant(at)
        while True:
            start = max(to_instant(at - span - timedelta(days=7)), np.datetime64(FIRST_DAY, "us"))
            grid = self.grid(timeframe, start, end)
            if len(grid) >= count or start == np.datetime64(FIRST_DAY, "us"):
                return to_datetime(grid[-count:][0]) if len(grid) else at - span
            span *= 2

    def walk(self, timeframe: Timeframe, instants: Instants, bars: float) -> Instants:
        """Return each instant moved by so many bars of session time, back when negative.

        Closed hours and breaks do not count.

        A daily bar is one session, however long, a weekly one five. Where it ends between two sessions, or
        in a break, the answer is the end of what is before. NaT where the known sessions do not reach so far.
        """
        moved = np.full(len(instants), np.datetime64("NaT", "us"))
        if not len(self.opens):
            return moved
        (begins, ends), lengths = self._halves, self._bars_in_halves(timeframe)
        totals = np.cumsum(lengths)
        last = np.searchsorted(begins, instants, side="right") - 1
        here = np.maximum(last, 0)
        gone = np.minimum((instants - begins[here]) / (ends[here] - begins[here]), 1)
        target = totals[here] - lengths[here] * (1 - gone) + bars
        # Rounding must not carry the close of one session into the next.
        half = np.searchsorted(totals, target - 1e-9)
        is_reached = (last >= 0) & (target >= 0) & (half < len(totals))
        half = np.minimum(half, len(totals) - 1)
        share = 1 - (totals[half] - target) / lengths[half]
        length = (ends[half] - begins[half]).astype(np.int64)
        reached = begins[half] + np.round(share * length).astype("timedelta64[us]")
        moved[is_reached] = reached[is_reached]
        return moved

    def _bars_in_halves(self, timeframe: Timeframe) -> NDArray[np.float64]:
        begins, ends = self._halves
        if timeframe.is_intraday:
            return (ends - begins) / np.timedelta64(timeframe.length)
        session = np.searchsorted(self.opens, begins, side="right") - 1
        lengths = (ends - begins).astype(np.float64)
        share: NDArray[np.float64] = lengths / np.bincount(session, weights=lengths)[session]
        return share if timeframe is Timeframe.D1 else share / 5

    def next_close(self, instants: Instants) -> Instants:
        """Return the close of the first session that closes at or after each instant.

        NaT where none is known.
        """
        following = np.searchsorted(self.closes, instants)
        closes = np.append(self.closes, np.datetime64("NaT", "us"))
        return closes[following]

    def buckets(self, timeframe: Timeframe, opened_at: Instants) -> Instants:
        """Return the opening of each regular bar's built bar: 1w on Monday, 1h on the session's own grid.

        That begins anew after a break.
        """
        if timeframe is Timeframe.W1:
            return _mondays(opened_at.astype("datetime64[D]")).astype(INSTANT)
        begins, _ = self._halves
        opens = begins[np.searchsorted(begins, opened_at, side="right") - 1]
        step = np.timedelta64(timeframe.length)
        return opens + (opened_at - opens) // step * step

    def date_of(self, at: datetime) -> date | None:
        """Return the date of the session that is open at `at`, or was the last to open before."""
        last = int(np.searchsorted(self.opens, to_instant(at), side="right")) - 1
        day: date | None = self.dates[last].item() if last >= 0 else None
        return day

    def stretch(self, at: datetime) -> tuple[datetime, datetime] | None:
        """Return from when to when it is open without a break at `at`, or was last; None: not known."""
        begins, ends = self._halves
        last = int(np.searchsorted(begins, to_instant(at), side="right")) - 1
        return (to_datetime(begins[last]), to_datetime(ends[last])) if last >= 0 else None

    def traded_until(self, at: datetime) -> datetime:
        """Return `at` while the exchange is open, else when it last closed (`at` when that is not known)."""
        last = self.stretch(at)
        return min(at, last[1]) if last else at

    def next_open(self, at: datetime) -> datetime | None:
        """Return when a session or its second half begins next; None when none is known."""
        begins, _ = self._halves
        later = begins[begins > to_instant(at)]
        return to_datetime(later[0]) if len(later) else None


def _cover(begins: Instants, ends: Instants, instants: Instants) -> Flags:
    """Return whether each instant lies in one of these stretches of time, which do not overlap."""
    if not len(begins):
        return np.zeros(len(instants), dtype=np.bool_)
    last = np.searchsorted(begins, instants, side="right") - 1
    return (last >= 0) & (instants < ends[np.maximum(last, 0)])


def _mondays(days: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    return days - (days - MONDAY) % (7 * DAY)
