"""Bars with the moments at which they really opened: a daily bar is stamped with its date."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import INSTANT, Instants, Timeframe
from market.sessions import Sessions
from signals.lifetimes import Calendars
from signals.panel import Panel
from signals.trades import Rows

ROUNDING = np.timedelta64(1, "s")  # walking through sessions is arithmetic with fractions of them
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Timed:
    """A panel with when each of its bars opened. `bounds`: where each symbol's rows begin, and the end."""

    panel: Panel
    timeframe: Timeframe
    calendars: Calendars
    opens: Instants
    bounds: Rows

    @classmethod
    def of(cls, panel: Panel, timeframe: Timeframe, calendars: Calendars) -> "Timed":
        bounds = np.searchsorted(panel.symbol, np.arange(len(panel.symbols) + 1))
        opens = panel.bars.opened_at
        if not timeframe.is_intraday:
            opens = opens.copy()
            for number, symbol in enumerate(panel.symbols):
                rows = slice(bounds[number], bounds[number + 1])
                opens[rows] = _opening(calendars.sessions[calendars.of[symbol]], timeframe, opens[rows])
        return cls(panel, timeframe, calendars, opens, bounds)

    def numbers(self, symbols: Sequence[str]) -> Numbers:
        """Return which of the panel's symbols these are."""
        return np.searchsorted(np.array(self.panel.symbols), np.array(symbols))

    def holding(self, numbers: Numbers, stamps: Instants) -> Rows:
        """The last row of each symbol that is stamped with a moment or an earlier one; -1 where none is."""
        return self._held(self._first(self.panel.bars.opened_at, numbers, stamps, "right"), numbers)

    def before(self, numbers: Numbers, moments: Instants) -> Rows:
        """Return the last row of each symbol that opened before a moment; -1 where there is none."""
        return self._held(self._first(self.opens, numbers, moments, "left"), numbers)

    def _held(self, following: Rows, numbers: Numbers) -> Rows:
        return np.where(following > self.bounds[numbers], following - 1, -1)

    def _first(self, opens: Instants, numbers: Numbers, moments: Instants, side: str) -> Rows:
        first_rows = np.empty(len(numbers), dtype=np.intp)
        for number in np.unique(numbers):
            start, end = self.bounds[number], self.bounds[number + 1]
            of_number = numbers == number
            first_rows[of_number] = start + np.searchsorted(opens[start:end], moments[of_number], side=side)  # type: ignore[call-overload]
        return first_rows

    def is_last(self, numbers: Numbers, rows: Rows) -> NDArray[np.bool_]:
        """Return whether each row is the newest of its symbol."""
        newest: NDArray[np.bool_] = rows + 1 == self.bounds[numbers + 1]
        return newest

    def lasting(self, numbers: Numbers, entered: Rows, own: Timeframe, bars: int) -> Rows:
        """In how many rows a trade lasts that may last so many bars of another timeframe, in session time.

        More than there are rows where that time is not over on these bars.
        """
        until = self._walk(numbers, self.opens[entered], own, bars) - ROUNDING
        last = self.before(numbers, until)
        closed_at, _ = self.calendars.times(self.timeframe, self.panel, last, 1)
        is_over = ~np.isnat(until) & (~self.is_last(numbers, last) | (closed_at >= until))
        return np.where(is_over, np.maximum(last - entered + 1, 1), len(self.panel) + 1)

    def _walk(self, numbers: Numbers, moments: Instants, own: Timeframe, bars: int) -> Instants:
        until = np.empty(len(moments), dtype=INSTANT)
        names = np.array([self.calendars.of[symbol] for symbol in self.panel.symbols])[numbers]
        for name in np.unique(names):
            of_name = names == name
            until[of_name] = self.calendars.sessions[str(name)].walk(own, moments[of_name], bars)
        return until


def _opening(sessions: Sessions, timeframe: Timeframe, stamps: Instants) -> Instants:
    """When the first session of each daily or weekly bar opened; its stamp where no session is known."""
    days = stamps.astype("datetime64[D]")
    if not len(sessions.dates):
        return stamps
    following = np.minimum(np.searchsorted(sessions.dates, days), len(sessions.dates) - 1)
    length = np.timedelta64(timeframe.length.days, "D")
    first = sessions.dates[following]
    is_known = (first >= days) & (first - length < days)
    return np.where(is_known, sessions.opens[following], stamps)
