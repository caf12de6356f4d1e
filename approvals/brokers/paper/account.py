"""What the account holds and is worth: sums over executions, restated for splits since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from approvals.brokers.base import Account, Execution, Holding, Instrument
from approvals.brokers.paper.market import Restating, factor

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Position:
    """Shares of a symbol with what they cost; parts of a share, left by splits, are counted until asked for.

    `price` is the last one that is known.
    """

    quantity: Fraction
    cost: Decimal
    price: Decimal

    @property
    def shares(self) -> int:
        return int(self.quantity)

    @property
    def average_cost(self) -> Decimal:
        return _times(self.cost, 1 / self.quantity) if self.quantity else Decimal(0)

    @property
    def value(self) -> Decimal:
        return self.price * self.shares

    def holding(self, instrument: Instrument) -> Holding:
        return Holding(instrument, Decimal(self.shares), self.average_cost.quantize(Decimal("0.000001")))


def position(executions: Iterable[Execution], restatings: Sequence[Restating], at: datetime) -> Position:
    """Return the sum of a symbol's executions, oldest first: what adds is averaged in, what closes is not."""
    quantity, cost, price = Fraction(0), Decimal(0), Decimal(0)
    for execution in executions:
        ratio = factor(restatings, execution.executed_at, at)
        price = _times(execution.price, 1 / ratio)
        change = execution.side.sign * execution.quantity * ratio
        if quantity * change >= 0:
            cost += _times(price, change)
        elif abs(change) <= abs(quantity):
            cost = _times(cost, (quantity + change) / quantity)
        else:
            cost = _times(price, quantity + change)
        quantity += change
    return Position(quantity, cost, price)


def cash(equity: Decimal, executions: Iterable[Execution], dividends: Iterable[Decimal]) -> Decimal:
    """Return what is left of the equity that the account was opened with, and what dividends added."""
    spent = sum(
        (
            execution.side.sign * execution.quantity * execution.price + (execution.commission or 0)
            for execution in executions
        ),
        Decimal(0),
    )
    return equity - spent + sum(dividends, Decimal(0))


def account(
    currency: str,
    money: Decimal,
    held: Mapping[str, Position],
    reserved: Decimal,
    receivable: Decimal = Decimal(0),
) -> Account:
    """Return a cash account. A short's proceeds buy nothing, and its whole value is kept back besides.

    `reserved`: what working entries would cost. `receivable`: dividends to come for ex-dates that have come;
    they count for the equity and buy nothing, what a short owes is kept back.
    """
    equity = money + receivable + sum((position.value for position in held.values()), Decimal(0))
    shorts = [position for position in held.values() if position.quantity < 0]
    kept_back = -sum((position.cost + position.value for position in shorts), Decimal(0))
    free = max(money - reserved - kept_back + min(receivable, Decimal(0)), Decimal(0))
    return Account(currency, equity.quantize(CENT), money.quantize(CENT), free.quantize(CENT))


def _times(price: Decimal, ratio: Fraction) -> Decimal:
    return price * ratio.numerator / ratio.denominator
