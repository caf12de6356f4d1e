"""When bars closed, and how long a signal waits for a decision."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from market import sessions
from market.prices import Flags, Instants, Timeframe, to_instant
from market.sessions import Sessions
from signals.panel import Panel

LONGEST = np.timedelta64(timedelta(hours=24))
NEVER = np.datetime64("NaT", "us")
STALE_AFTER_BARS, STALE_AFTER_MINUTES = 2, 5


@dataclass(frozen=True)
class Calendars:
    """The sessions that instruments trade in. `of`: the calendar of each symbol."""

    of: Mapping[str, str]
    sessions: Mapping[str, Sessions]

    @classmethod
    def load(
        cls, of: Mapping[str, str], since: datetime | None = None, until: datetime | None = None
    ) -> "Calendars":
        """Load the sessions that close after `since` and open before `until`."""
        return cls(of, {name: sessions.load(name, since, until) for name in sorted(set(of.values()))})

    def times(
        self, timeframe: Timeframe, panel: Panel, rows: NDArray[np.intp], lifetime: int
    ) -> tuple[Instants, Instants]:
        """Return when the bars of these rows closed, and when signals of theirs expire (NaT: unknown)."""
        opened_at = panel.bars.opened_at[rows]
        closed_at, expires_at = np.full((2, len(rows)), NEVER)
        for calendar, is_on_calendar in self._parts(panel, rows):
            closed_at[is_on_calendar] = calendar.closes_of(timeframe, opened_at[is_on_calendar])
            expires_at[is_on_calendar] = expires(calendar, timeframe, closed_at[is_on_calendar], lifetime)
        return closed_at, expires_at

    def _parts(self, panel: Panel, rows: NDArray[np.intp]) -> Iterator[tuple[Sessions, Flags]]:
        names = np.array([self.of[symbol] for symbol in panel.symbols])
        symbol = panel.symbol[rows]
        for name, calendar in self.sessions.items():
            is_on_calendar = (names == name)[symbol]
            if is_on_calendar.any():
                yield calendar, is_on_calendar

    def decidable_since(self, timeframe: Timeframe, lifetime: int, at: datetime) -> dict[str, np.datetime64]:
        """Return by symbol since when bars opened whose signals can still be decided on at `at`."""
        walked = self._walked(timeframe, to_instant(at), -lifetime - 1)
        return {symbol: self._first(symbol) if np.isnat(since) else since for symbol, since in walked.items()}

    def _first(self, symbol: str) -> np.datetime64:
        opens = self.sessions[self.of[symbol]].opens
        first: np.datetime64 = opens[0] if len(opens) else NEVER
        return first

    def stale_before(self, timeframe: Timeframe, at: datetime) -> dict[str, np.datetime64]:
        """Return by symbol the instant that the newest bar must have closed at to be up to date, or later."""
        return self._walked(timeframe, to_instant(at), -STALE_AFTER_BARS, minutes=-STALE_AFTER_MINUTES)

    def _walked(
        self, timeframe: Timeframe, start: np.datetime64, bars: int, minutes: int = 0
    ) -> dict[str, np.datetime64]:
        reached = {}
        for name, calendar in self.sessions.items():
            shifted = calendar.walk(Timeframe.M1, np.array([start]), minutes)
            reached[name] = calendar.walk(timeframe, shifted, bars)[0]
        return {symbol: reached[name] for symbol, name in self.of.items()}

    def most_slots(self, timeframe: Timeframe) -> int:
        """Return how many bars the longest session has."""
        if not timeframe.is_intraday:
            return 1
        step = np.timedelta64(timeframe.length)
        longest = (
            int((-((calendar.opens - calendar.closes) // step)).max(initial=1))
            for calendar in self.sessions.values()
        )
        return max(longest, default=1)


def expires(calendar: Sessions, timeframe: Timeframe, closed_at: Instants, bars: int) -> Instants:
    """Return when signals at bars that closed then expire: after `bars` bars of session time.

    No signal waits longer than 24 hours, unless nothing trades at that moment: then until the close of the
    next session. NaT where the sessions that are known do not reach even that far.
    """
    ends = calendar.walk(timeframe, closed_at, bars)
    limit = closed_at + LONGEST
    rests = ~calendar.near(limit) & ~np.isin(limit, calendar.closes)
    longest = np.where(rests, calendar.next_close(limit), limit)
    return np.fmin(ends, longest)
