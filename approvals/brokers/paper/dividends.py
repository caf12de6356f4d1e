"""Dividends on what the account held over their ex-dates: what is due, what was paid, what is to come.

One in another currency is paid in the account's, at the rate of the moment in which it is paid; while none is
known it waits. What is due and what was paid are compared in the dividend's own currency.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from approvals.brokers.base import Execution
from approvals.brokers.paper.account import CENT, position
from approvals.brokers.paper.market import Dividend, ExchangeRate, Restating

ZERO = Decimal(0)


class Key(NamedTuple):
    """A dividend, or several that a share pays on one day in one currency."""

    symbol: str
    ex_date: date
    currency: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Cash for the shares held over an ex-date; a short pays it. `quantity`: those shares.

    `value`: in the currency of the dividend; `cash`: in the account's, at `rate`, which is None where the two
    are one, and where all that was paid is taken back. Once it is paid, a correction pays the difference.
    """

    symbol: str
    ex_date: date
    quantity: int
    amount: Decimal
    cash: Decimal
    currency: str
    value: Decimal
    rate: ExchangeRate | None = None

    @property
    def key(self) -> Key:
        return Key(self.symbol, self.ex_date, self.currency)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due in another currency and not paid, because no rate is known. `value`: in that currency."""

    key: Key
    quantity: int
    amount: Decimal
    value: Decimal
    why: str


@dataclass(frozen=True)
class Entitlement:
    """What the shares that were held over an ex-date bring, in the dividend's own currency."""

    dividend: Dividend
    quantity: int
    value: Decimal

    @classmethod
    def of(
        cls, dividend: Dividend, executions: Sequence[Execution], restatings: Sequence[Restating]
    ) -> "Entitlement":
        """Count the shares as the ex-date's session opened: a split from that open on is in them."""
        earlier = [execution for execution in executions if execution.executed_at < dividend.ex_at]
        splits = [split for split in restatings if split.at <= dividend.ex_at]
        shares = position(earlier, splits, dividend.ex_at).shares
        return cls(dividend, shares, (dividend.amount * shares).quantize(CENT, ROUND_HALF_UP))

    @property
    def key(self) -> Key:
        return Key(self.dividend.symbol, self.dividend.ex_date, self.dividend.currency)


RateOf = Callable[[Key], ExchangeRate | str | None]  # a text: why there is none; None: the account's currency


def payments(
    entitlements: Sequence[Entitlement], paid: Sequence[Payment], rate_of: RateOf, at: datetime
) -> Iterator[Payment | Waiting]:
    """Yield what is still to be paid, or waits for a rate, so that the same again yields nothing.

    What was paid stays paid when its day moves, and by a clock that is behind.
    """
    value: dict[Key, Decimal] = defaultdict(Decimal)
    cash: dict[Key, Decimal] = defaultdict(Decimal)
    for payment in paid:
        value[payment.key] += payment.value
        cash[payment.key] += payment.cash
    due = {each.key: each for each in entitlements if each.dividend.due_at <= at or each.key in value}
    for key in sorted(due.keys() | value.keys()):
        entitled = due.get(key)
        if entitled is None or not entitled.value:
            if cash[key] or value[key]:
                yield Payment(key.symbol, key.ex_date, 0, ZERO, -cash[key], key.currency, -value[key])
        elif entitled.value != value[key]:
            yield _payment(entitled, entitled.value - value[key], rate_of(key))


def _payment(entitled: Entitlement, value: Decimal, rate: ExchangeRate | str | None) -> Payment | Waiting:
    key, quantity, amount = entitled.key, entitled.quantity, entitled.dividend.amount
    if isinstance(rate, str):
        return Waiting(key, quantity, amount, value, rate)
    cash = value if rate is None else (value * rate.value).quantize(CENT, ROUND_HALF_UP)
    return Payment(key.symbol, key.ex_date, quantity, amount, cash, key.currency, value, rate)


def receivable(
    entitlements: Sequence[Entitlement], paid: Sequence[Payment], rate_of: RateOf, at: datetime
) -> Decimal:
    """Return what will be paid for ex-dates that have come: positive for longs, negative for shorts.

    The price falls on the ex-date and the cash comes later: between the two it is a part of the equity. What
    no rate is known of is not counted.
    """
    before = {payment.key for payment in paid}
    return sum(
        (
            _worth(each.value, rate_of(each.key))
            for each in entitlements
            if each.dividend.ex_at <= at < each.dividend.due_at and each.key not in before
        ),
        ZERO,
    )


def _worth(value: Decimal, rate: ExchangeRate | str | None) -> Decimal:
    if isinstance(rate, str):
        return ZERO
    return value if rate is None else (value * rate.value).quantize(CENT, ROUND_HALF_UP)
