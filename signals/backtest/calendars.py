"""Until when ideas could be entered, each by the calendar of its instrument."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from market import sessions
from market.models import Instrument
from market.prices import INSTANT, Instants, Timeframe
from market.sessions import Sessions
from signals import lifetimes
from signals.panel import Panel
from signals.trades import Rows


@dataclass(frozen=True)
class Calendars:
    """Which calendar each symbol has, and the sessions of those calendars."""

    of: dict[str, str]
    sessions: dict[str, Sessions]

    @classmethod
    def load(cls, symbols: Iterable[str]) -> "Calendars":
        of = dict(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "calendar"))
        return cls(of, {name: sessions.load(name) for name in sorted(set(of.values()))})

    def expires(self, panel: Panel, rows: Rows, timeframe: Timeframe, bars: int) -> Instants:
        """When ideas at these rows expire; NaT where the sessions do not reach so far."""
        calendar = np.array([self.of.get(symbol, "") for symbol in panel.symbols])
        until = np.full(len(rows), np.datetime64("NaT"), dtype=INSTANT)
        for name, known in self.sessions.items():
            mine = (calendar == name)[panel.symbol[rows]]
            closed_at = known.closes_of(timeframe, panel.bars.opened_at[rows[mine]])
            until[mine] = lifetimes.expires(known, timeframe, closed_at, bars)
        return until
