"""What trades in one instrument come to: average cost, as brokers count it. Decimal, pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
FINEST = Decimal("0.000001")  # finer parts of a share come from ratios that are no finite decimals


@dataclass(frozen=True, slots=True)
class Trade:
    """Shares that changed hands: bought when `quantity` is positive, sold when negative.

    `price` is per share, `commission` for all of them; neither is negative.
    """

    quantity: int
    price: Decimal
    commission: Decimal
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class Split:
    """From `date` (of the exchange, as in UTC) on one old share is `ratio` new ones."""

    date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """What trades left. `quantity` is negative when short; `average_cost` is 0 when flat.

    `realised`: what the closed shares made, less the commissions of all trades. `opened_at`: when the first
    of these shares came; None when flat. A sale of more than is held opens a new position in what is left.
    """

    quantity: int = 0
    average_cost: Decimal = ZERO
    realised: Decimal = ZERO
    opened_at: datetime | None = None

    def unrealised(self, price: Decimal) -> Decimal:
        """Return what the open shares would make at this price, before commissions."""
        return (price - self.average_cost) * self.quantity


FLAT = Balance()


def fold(trades: Iterable[Trade], splits: Iterable[Split] = (), start: Balance = FLAT) -> Balance:
    """Return the balance after these trades, given in any order, on the share basis after all of the splits.

    A split comes before the trades of its day. `start`: what was there before all of them.
    """
    balance, coming = start, deque(sorted(splits, key=lambda split: split.date))
    for trade in sorted(trades, key=in_order):
        while coming and coming[0].date <= trade.executed_at.date():
            balance = _restated(balance, coming.popleft())
        balance = _after(balance, trade)
    for split in coming:
        balance = _restated(balance, split)
    return balance


def in_order(trade: Trade) -> tuple[Any, ...]:
    """Trades of one instant have an order of their own, so that it does not matter in which they came."""
    return trade.executed_at, trade.quantity, trade.price, trade.commission


def _restated(balance: Balance, split: Split) -> Balance:
    """The same in new shares. A part of a share is paid out: at what it cost, as far as is known here."""
    shares = int((balance.quantity * split.ratio).quantize(FINEST))
    if shares == 0:
        return Balance(realised=balance.realised)
    return Balance(shares, balance.average_cost / split.ratio, balance.realised, balance.opened_at)


def _after(balance: Balance, trade: Trade) -> Balance:
    held, realised = balance.quantity, balance.realised - trade.commission
    if held == 0:
        return Balance(trade.quantity, trade.price, realised, trade.executed_at)
    if (held > 0) == (trade.quantity > 0):
        return _added(balance, trade, realised)
    closed = min(abs(held), abs(trade.quantity)) * (1 if held > 0 else -1)
    realised += (trade.price - balance.average_cost) * closed
    left = held + trade.quantity
    if left == 0:
        return Balance(realised=realised)
    if (left > 0) == (held > 0):
        return Balance(left, balance.average_cost, realised, balance.opened_at)
    return Balance(left, trade.price, realised, trade.executed_at)


def _added(balance: Balance, trade: Trade, realised: Decimal) -> Balance:
    total = balance.quantity + trade.quantity
    cost = balance.average_cost * balance.quantity + trade.price * trade.quantity
    return Balance(total, cost / total, realised, balance.opened_at)
