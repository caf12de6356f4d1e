"""On which bars a decision is played: the finest that are stored."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from market import store
from market.prices import Timeframe, to_instant

Openings = Mapping[str, np.datetime64 | None]
BEHIND = np.timedelta64(7, "D")  # over the longest holidays


@dataclass(frozen=True)
class Finest:
    """The oldest and the newest bar of each timeframe and symbol."""

    oldest: Mapping[Timeframe, Openings]
    newest: Mapping[Timeframe, Openings]

    @classmethod
    def load(cls, symbols: Collection[str]) -> "Finest":
        ordered = sorted(symbols)
        return cls(
            {timeframe: store.oldest(ordered, timeframe) for timeframe in Timeframe},
            {timeframe: store.newest(ordered, timeframe) for timeframe in Timeframe},
        )

    def of(self, symbol: str, own: Timeframe, since: datetime) -> Timeframe:
        """Return the finest timeframe that reaches from `since` to the present, at most the signal's own.

        To the present: not a week behind the newest bar of the symbol. A file of minutes that was imported
        once is no history of today.
        """
        stored = [openings[symbol] for openings in self.newest.values()]
        newest = max((openings for openings in stored if openings is not None), default=None)
        for timeframe in sorted(Timeframe, key=lambda openings: openings.length):
            if timeframe == own or newest is None:
                break
            first, last = self.oldest[timeframe][symbol], self.newest[timeframe][symbol]
            if first is None or last is None or first > to_instant(since):
                continue
            if last > newest - BEHIND:
                return timeframe
        return own
