"""What the account holds and is worth: sums over executions, restated for splits since."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from approvals.brokers.base import Account, Execution, Holding, Instrument
from approvals.brokers.paper.market import Restating

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Position:
    """Shares of a symbol with what they cost, whole ones: a split pays out the part that it leaves of one.

    `price` is the last one that is known.
    """

    shares: int
    cost: Decimal
    price: Decimal

    @property
    def average_cost(self) -> Decimal:
        return self.cost / self.shares if self.shares else Decimal(0)

    @property
    def value(self) -> Decimal:
        return self.price * self.shares

    def holding(self, instrument: Instrument) -> Holding:
        return Holding(instrument, Decimal(self.shares), self.average_cost.quantize(Decimal("0.000001")))


def position(executions: Iterable[Execution], restatings: Sequence[Restating], at: datetime) -> Position:
    """Return the sum of a symbol's executions, oldest first: what adds is averaged in, what closes is not."""
    held = Position(0, Decimal(0), Decimal(0))
    for event in in_order(executions, restatings, at):
        held = _restated(held, event.ratio) if isinstance(event, Restating) else _after(held, event)
    return held


def in_order(
    executions: Iterable[Execution], restatings: Iterable[Restating], at: datetime
) -> Iterator[Execution | Restating]:
    """Yield what happened to a symbol's shares up to an instant; a split comes before what trades at its own.

    `executions`: oldest first.
    """
    splits = deque(sorted((split for split in restatings if split.at <= at), key=lambda split: split.at))
    for execution in executions:
        while splits and splits[0].at <= execution.executed_at:
            yield splits.popleft()
        yield execution
    yield from splits


def _restated(held: Position, ratio: Fraction) -> Position:
    shares = held.shares * ratio
    whole = int(shares)
    cost = times(held.cost, whole / shares) if shares else held.cost
    return Position(whole, cost, times(held.price, 1 / ratio))


def _after(held: Position, execution: Execution) -> Position:
    price, change = execution.price, execution.side.sign * execution.quantity
    shares = held.shares + change
    if held.shares * change >= 0:
        cost = held.cost + price * change
    elif abs(change) <= abs(held.shares):
        cost = held.cost * shares / held.shares
    else:
        cost = price * shares
    return Position(shares, cost, price)


def cash(equity: Decimal, executions: Iterable[Execution], charges: Iterable[Decimal]) -> Decimal:
    """Return what is left of the equity that the account was opened with, and what `charges` added."""
    spent = sum(
        (
            execution.side.sign * execution.quantity * execution.price + (execution.commission or 0)
            for execution in executions
        ),
        Decimal(0),
    )
    return equity - spent + sum(charges, Decimal(0))


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
    shorts = [position for position in held.values() if position.shares < 0]
    kept_back = -sum((position.cost + position.value for position in shorts), Decimal(0))
    free = max(money - reserved - kept_back + min(receivable, Decimal(0)), Decimal(0))
    return Account(currency, equity.quantize(CENT), money.quantize(CENT), free.quantize(CENT))


def times(price: Decimal, ratio: Fraction) -> Decimal:
    return price * ratio.numerator / ratio.denominator
