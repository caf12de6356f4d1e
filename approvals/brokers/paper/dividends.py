"""Dividends on what the account held over their ex-dates: what is due, what was paid, what is to come."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from approvals.brokers.base import Execution
from approvals.brokers.paper.account import CENT, position
from approvals.brokers.paper.market import Dividend, Restating

Key = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Payment:
    """Cash for the shares held over an ex-date; a short pays it. `quantity`: those shares.

    Once a dividend is paid, a correction pays the difference.
    """

    symbol: str
    ex_date: date
    quantity: int
    amount: Decimal
    cash: Decimal


def payments(
    dividends: Sequence[Dividend],
    executions: Mapping[str, Sequence[Execution]],
    restatings: Mapping[str, Sequence[Restating]],
    paid: Sequence[Payment],
    at: datetime,
) -> Iterator[Payment]:
    """Yield what is still to be paid, so that the same again yields nothing.

    What was paid stays paid when its day moves, and by a clock that is behind. `dividends`: those known now.
    `executions` and `restatings`: of each symbol, all of them.
    """
    before: dict[Key, Decimal] = defaultdict(Decimal)
    for payment in paid:
        before[payment.symbol, payment.ex_date] += payment.cash
    due = {
        (dividend.symbol, dividend.ex_date): _payment(
            dividend, executions[dividend.symbol], restatings[dividend.symbol]
        )
        for dividend in dividends
        if dividend.due_at <= at or (dividend.symbol, dividend.ex_date) in before
    }
    for key in sorted(due.keys() | before.keys()):
        payment = due.get(key) or Payment(*key, 0, Decimal(0), Decimal(0))
        if payment.cash != before[key]:
            yield Payment(*key, payment.quantity, payment.amount, payment.cash - before[key])


def receivable(
    dividends: Sequence[Dividend],
    executions: Mapping[str, Sequence[Execution]],
    restatings: Mapping[str, Sequence[Restating]],
    paid: Sequence[Payment],
    at: datetime,
) -> Decimal:
    """Return what will be paid for ex-dates that have come: positive for longs, negative for shorts.

    The price falls on the ex-date and the cash comes later: between the two it is a part of the equity.
    """
    before = {(payment.symbol, payment.ex_date) for payment in paid}
    coming = (
        _payment(dividend, executions[dividend.symbol], restatings[dividend.symbol]).cash
        for dividend in dividends
        if dividend.ex_at <= at < dividend.due_at and (dividend.symbol, dividend.ex_date) not in before
    )
    return sum(coming, Decimal(0))


def _payment(dividend: Dividend, executions: Sequence[Execution], restatings: Sequence[Restating]) -> Payment:
    """Return the dividend on the shares held as the ex-date's session opened.

    A split from that open on is in them: the amount is for a share of the ex-date.
    """
    earlier = [execution for execution in executions if execution.executed_at < dividend.ex_at]
    splits = [split for split in restatings if split.at <= dividend.ex_at]
    shares = position(earlier, splits, dividend.ex_at).shares
    cash = (dividend.amount * shares).quantize(CENT, ROUND_HALF_UP)
    return Payment(dividend.symbol, dividend.ex_date, shares, dividend.amount, cash)
