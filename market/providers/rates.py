"""Rates of currencies as providers give them: quotes of pairs like EUR/USD. No Django or database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from market.prices import QuoteTick
from market.providers.base import Quotes
from market.providers.wire import given

NO_RATE = "no rate"


@dataclass(frozen=True)
class Rates(Quotes):
    """An answer to `rates`: quotes of pairs. `off`: why the plan gives none at all, which is no failure."""

    off: str = ""


@runtime_checkable
class GivesRates(Protocol):
    """A provider that knows rates of currencies. Not all do."""

    name: str

    def rates(self, pairs: Sequence[str], at: datetime) -> Rates:
        """Return the newest rate of each pair, as in EUR/USD: what one euro is worth in dollars.

        Raises ProviderError when nothing comes at all.
        """


def tick(pair: str, bid: object, ask: object, as_of: datetime | None) -> QuoteTick | str:
    """Return the quote of a pair, priced in the middle of its book, or why there is none."""
    low, high = given(bid), given(ask)
    sides = [side for side in (low, high) if side is not None]
    if not sides or as_of is None:
        return NO_RATE
    return QuoteTick(pair, sum(sides) / len(sides), as_of, bid=low, ask=high)
