"""The books of an account, kept from the broker's own record alone. Nothing of Jax is imported here.

Money is cash that moved: what a round trip made is the cash of its deals from flat to flat, whatever lots
one thinks of. Decimals are exact, nothing is rounded.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True)
class Deal:
    """Shares that changed hands: negative when sold. `is_ours`: the order was not a person's by hand."""

    at: datetime
    symbol: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    is_ours: bool

    @property
    def cash(self) -> Decimal:
        return -self.quantity * self.price


@dataclass(frozen=True)
class Ratio:
    """An old share is so many from this day on."""

    day: date
    symbol: str
    ratio: Decimal


@dataclass(frozen=True)
class Trip:
    """What is ours from flat to flat."""

    symbol: str
    opened_at: datetime
    closed_at: datetime
    gross: Decimal
    commission: Decimal


@dataclass
class Books:
    """`ours` and `others`: shares by symbol. `cash`: what all deals moved, commissions included."""

    cash: Decimal = ZERO
    ours: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    others: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    trips: list[Trip] = field(default_factory=list)
    _open: dict[str, list[Deal]] = field(default_factory=lambda: defaultdict(list))

    def add(self, deal: Deal) -> None:
        """Book a deal. A sale by hand takes the owner's own shares first, then ours."""
        self.cash += deal.cash - deal.commission
        if deal.is_ours:
            self._add_ours(deal)
            return
        own = min(-deal.quantity, self.others[deal.symbol]) if deal.quantity < 0 else -deal.quantity
        self.others[deal.symbol] -= own
        if left := deal.quantity + own:
            share = deal.commission * left / deal.quantity
            self._add_ours(Deal(deal.at, deal.symbol, left, deal.price, share, is_ours=True))

    def split(self, ratio: Ratio) -> None:
        """Restate what is held."""
        for held in (self.ours, self.others):
            held[ratio.symbol] *= ratio.ratio

    def _add_ours(self, deal: Deal) -> None:
        deals = self._open[deal.symbol]
        deals.append(deal)
        self.ours[deal.symbol] += deal.quantity
        if self.ours[deal.symbol] == 0:
            gross, commission = sum(d.cash for d in deals), sum(d.commission for d in deals)
            trip = Trip(deal.symbol, deals[0].at, deal.at, gross or ZERO, commission or ZERO)
            self.trips.append(trip)
            deals.clear()


def keep(deals: Iterable[Deal], ratios: Iterable[Ratio] = ()) -> Books:
    """Return the books of an account in which this was dealt, in the order in which it was."""
    books, splits = Books(), sorted(ratios, key=lambda ratio: ratio.day)
    for deal in sorted(deals, key=lambda deal: deal.at):
        while splits and splits[0].day <= deal.at.date():
            books.split(splits.pop(0))
        books.add(deal)
    for ratio in splits:
        books.split(ratio)
    return books
