"""What the paper broker asks of the market. Prices are on the basis of their own day, not of today's."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from market.prices import Flags, Floats, Instants, to_instant


@dataclass(frozen=True)
class Quotes:
    """Quotes of one symbol as columns of equal length, in the order in which they arrived.

    `as_of` datetime64[us] UTC; `in_session` whether the quote lies in the regular session; `price` (of the
    last trade), `bid`, `ask`, `bid_size` and `ask_size` (shares shown there) float64, these four NaN where
    the book of the whole market is not known.
    """

    as_of: Instants
    in_session: Flags
    price: Floats
    bid: Floats
    ask: Floats
    bid_size: Floats
    ask_size: Floats

    def __len__(self) -> int:
        return len(self.as_of)

    def __getitem__(self, rows: "slice | Flags | NDArray[np.intp]") -> "Quotes":
        return Quotes(*(getattr(self, column.name)[rows] for column in fields(self)))

    def until(self, end: datetime) -> tuple["Quotes", bool]:
        """Return those that arrived before the first one from `end` on; and whether there was such a one."""
        beyond = np.flatnonzero(self.as_of >= to_instant(end))
        return (self[: beyond[0]], True) if len(beyond) else (self, False)

    def only_from(self, start: datetime) -> "Quotes":
        """Return the same rows, of which those of before do not count."""
        return replace(self, in_session=self.in_session & (self.as_of >= to_instant(start)))

    def with_book(self, half_spread: float) -> "Quotes":
        """Return the same with a book assumed around the last trade where none is known."""
        return replace(
            self,
            bid=np.where(np.isnan(self.bid), self.price - half_spread, self.bid),
            ask=np.where(np.isnan(self.ask), self.price + half_spread, self.ask),
        )

    def times(self, ratios: Floats) -> "Quotes":
        """Return the prices on another share basis; sizes stay those of the day."""
        return replace(self, price=self.price * ratios, bid=self.bid * ratios, ask=self.ask * ratios)


@dataclass(frozen=True, slots=True)
class Bar:
    """A closed, regular bar. A daily one opens and closes with its session.

    `volume`: the shares that traded in it; NaN: not known. `opens_session`: its open is the auction that a
    session opens with. `half_spread`: how far from its prices the bid and the ask are taken to be. `plain`:
    the same as it reads without its doubted prices; None where no price is in doubt.
    """

    opened_at: datetime
    closed_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float = math.nan
    opens_session: bool = False
    half_spread: float = 0.0
    plain: "Bar | None" = None

    def times(self, ratio: float, half_spread: float) -> "Bar":
        """Return the prices on another share basis, with a spread assumed around each of them."""
        prices = {name: getattr(self, name) * ratio for name in ("open", "high", "low", "close")}
        plain = self.plain and self.plain.times(ratio, half_spread)
        return replace(self, **prices, half_spread=half_spread * ratio, plain=plain)


@dataclass(frozen=True, slots=True)
class Restating:
    """From an instant on (a session's open) one old share is `ratio` new ones."""

    at: datetime
    ratio: Fraction


@dataclass(frozen=True, slots=True)
class Night:
    """The time after a session's close: `nights` until the next one opens, three over a weekend."""

    day: date
    closed_at: datetime
    nights: int


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash for each share held as the ex-date's session opens, at `ex_at`; paid out at `due_at`.

    `currency`: of the amount.
    """

    symbol: str
    ex_date: date
    ex_at: datetime
    due_at: datetime
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of a currency is worth in the account's, as of when, and who says so."""

    value: Decimal
    as_of: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one share that does not trade any more is closed at, and why, in words."""

    price: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What must be known of an instrument to trade it.

    `lag`: how long after its own time a quote that counts may still arrive. `is_restating`: a split was seen
    and the history does not stand on its basis yet. `settlement`: None for what still trades.
    `is_halted`: its exchange has halted trading.
    """

    currency: str
    tick_size: Decimal | None
    lag: timedelta
    is_restating: bool = False
    settlement: Settlement | None = None
    is_halted: bool = False


class Market(Protocol):
    """What is known of the market when it is asked; later rows are left out."""

    def listing(self, symbol: str) -> Listing | None:
        """None for a symbol that is not known."""
        ...

    def quotes(self, symbol: str, since: datetime) -> Quotes:
        """Return the fresh quotes whose own time is later than `since`."""
        ...

    def bars(self, symbol: str, since: datetime, until: datetime) -> Sequence[Bar]:
        """Return the bars that opened from `since` on and closed by `until`, one after the other.

        Of the finest stored timeframe; where it has a gap, the next one counts, of whatever timeframe.
        """
        ...

    def bar_end(self, symbol: str, at: datetime) -> datetime | None:
        """When the bar that `at` lies in closes, in the finest timeframe stored there; None without bars."""
        ...

    def restatings(self, symbol: str, since: datetime) -> Sequence[Restating]:
        """Return the splits later than `since`."""
        ...

    def nights(self, symbol: str, since: datetime) -> Sequence[Night]:
        """Return those of the sessions that have closed from `since` on, oldest first."""
        ...

    def dividends(self, symbols: Mapping[str, datetime]) -> Sequence[Dividend]:
        """Return the dividends whose ex-date has come, of each symbol since an instant."""
        ...

    def exchange_rate(self, currency: str, into: str) -> ExchangeRate | str:
        """Return the rate that money moves at, or why there is none."""
        ...

    def price(self, symbol: str) -> tuple[datetime, Decimal] | None:
        """Return the newest quote's time and price."""
        ...


def factor(restatings: Sequence[Restating], since: datetime, until: datetime) -> Fraction:
    """Return how many shares of `until` one share of `since` is."""
    return prod(
        (restating.ratio for restating in restatings if since < restating.at <= until), start=Fraction(1)
    )


def restated(shares: int, restatings: Sequence[Restating], since: datetime, until: datetime) -> int:
    """Return how many whole shares of `until` those of `since` are; each split pays out the part of one."""
    for restating in restatings:
        if since < restating.at <= until:
            shares = int(shares * restating.ratio)
    return shares
