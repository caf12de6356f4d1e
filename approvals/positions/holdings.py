"""What is held of each symbol, by us and by others."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from approvals.models import Fill
from approvals.positions import round_trips
from approvals.positions.account import day_began
from approvals.positions.accounting import Balance, Split, Trade, fold

ZERO = Decimal(0)


@dataclass(frozen=True)
class Position:
    """The sum of our fills of a symbol, restated for later splits. Negative quantities are short.

    `average_cost` per share, commissions not included. `realised`: what closed shares made since it was last
    flat (when it is flat: in the last round), less the commissions of all fills. `unrealised`: what the open
    ones make at `price`, the newest quote; None without one. `foreign`: shares that the account holds and we
    did not cause; what they cost is the broker's average. `currency`: empty when the instrument is not known.
    """

    symbol: str
    quantity: int
    average_cost: Decimal
    realised: Decimal
    price: Decimal | None
    unrealised: Decimal | None
    foreign: int
    opened_at: datetime | None
    brokers_cost: Decimal
    currency: str

    @property
    def is_open(self) -> bool:
        return self.quantity != 0 or self.foreign != 0

    @property
    def sign(self) -> int:
        return 1 if self.quantity > 0 else -1

    @property
    def newest_price(self) -> Decimal:
        """The newest quote, or what it cost where there is none."""
        return self.price or self.average_cost or self.brokers_cost

    @property
    def value(self) -> Decimal:
        """What all shares of the account are worth; at cost where there is no price."""
        return abs(self.quantity + self.foreign) * self.newest_price


def of(symbol: str) -> Position:
    """Return our position in a symbol, flat when there is none."""
    return _position(round_trips.holdings([symbol])[symbol])


def open_positions() -> list[Position]:
    """Return those that are not flat, or that the account holds without us, by symbol."""
    held = map(_position, round_trips.holdings().values())
    return [position for position in held if position.is_open]


def _position(held: round_trips.Holding) -> Position:
    price = None if held.price is None else Decimal(f"{held.price:.6f}")
    return Position(
        held.symbol,
        held.balance.quantity,
        held.balance.average_cost,
        held.balance.realised,
        price,
        None if price is None else held.balance.unrealised(price),
        held.foreign,
        held.balance.opened_at,
        held.brokers_cost,
        held.currency,
    )


def realised_today(at: datetime) -> Decimal:
    """Return what the exchange day has realised, commissions taken off."""
    began = day_began(at)
    today: dict[str, list[Trade]] = defaultdict(list)
    for fill in Fill.objects.ours().filter(executed_at__gte=began):
        trade = Trade(fill.signed_quantity, fill.price, fill.commission, fill.executed_at)
        today[fill.symbol].append(trade)
    before = round_trips.holdings(today, began) if today else {}
    results = (
        _realised(today[symbol], before[symbol].balance, before[symbol].splits, began) for symbol in today
    )
    return sum(results, ZERO)


def _realised(trades: list[Trade], before: Balance, splits: Sequence[Split], began: datetime) -> Decimal:
    later = [split for split in splits if split.date > began.date()]
    return fold(trades, later, before).realised - before.realised


def held_for_analysts() -> list[dict[str, Any]]:
    """Return the open positions as an analyst is given them: no account, no money."""
    return [
        {
            "symbol": position.symbol,
            "quantity": position.quantity + position.foreign,
            "average_price": float(position.average_cost or position.brokers_cost),
        }
        for position in open_positions()
    ]
