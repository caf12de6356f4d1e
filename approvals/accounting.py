"""What a row of trades in one instrument comes to: average cost, as brokers count it. Decimal, pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)


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
    """From `date` on one old share is `ratio` new ones."""

    date: date
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """What trades left. `quantity` is negative when short; `average_cost` is 0 when flat.

    `realised`: what the closed shares made, less the commissions of all trades. `opened_at`: when it was last
    flat before the first of these shares; None when it is flat.
    """

    quantity: int = 0
    average_cost: Decimal = ZERO
    realised: Decimal = ZERO
    opened_at: datetime | None = None

    def unrealised(self, price: Decimal) -> Decimal:
        """What the open shares would make at this price, before commissions."""
        return (price - self.average_cost) * self.quantity


def fold(trades: Iterable[Trade], splits: Sequence[Split] = ()) -> Balance:
    """The balance after these trades, oldest first, on the share basis after all of the splits."""
    balance = Balance()
    for trade in trades:
        balance = _after(balance, restated(trade, splits))
    return balance


def restated(trade: Trade, splits: Sequence[Split]) -> Trade:
    """The trade in today's shares: splits after its day make more shares of a lower price."""
    ratio = Decimal(1)
    for split in splits:
        if split.date > trade.executed_at.date():
            ratio *= split.ratio
    if ratio == 1:
        return trade
    quantity = int((trade.quantity * ratio).to_integral_value(ROUND_HALF_UP))
    return Trade(quantity, trade.price / ratio, trade.commission, trade.executed_at)


def _after(balance: Balance, trade: Trade) -> Balance:
    held, realised = balance.quantity, balance.realised - trade.commission
    if held * trade.quantity >= 0:
        return _opened(balance, trade, realised)
    closed = min(abs(held), abs(trade.quantity)) * (1 if held > 0 else -1)
    realised += (trade.price - balance.average_cost) * closed
    left = held + trade.quantity
    if left == 0:
        return Balance(realised=realised)
    if left * held > 0:
        return Balance(left, balance.average_cost, realised, balance.opened_at)
    return Balance(left, trade.price, realised, trade.executed_at)


def _opened(balance: Balance, trade: Trade, realised: Decimal) -> Balance:
    total = balance.quantity + trade.quantity
    if total == 0:
        return Balance(realised=realised)
    cost = balance.average_cost * balance.quantity + trade.price * trade.quantity
    return Balance(total, cost / total, realised, balance.opened_at or trade.executed_at)
