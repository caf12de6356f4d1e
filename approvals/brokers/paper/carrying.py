"""What holding shares costs and brings beside dividends: borrow fees of shorts, and parts of shares paid out.

Each night that a short is held costs its value at the close, times the yearly rate, over 360 days; a weekend
has three nights. The part of a share that a split leaves is paid in cash, a short pays it, at the last close
before the split. Both are written down once, with price and rate; what is known better later of how many
shares there were is a further row of the difference. Nothing is counted while no price is stored.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from approvals.brokers.base import Execution
from approvals.brokers.paper.account import CENT, in_order, times
from approvals.brokers.paper.market import Market, Night, Restating

ZERO = Decimal(0)
FINEST = Decimal("0.000001")  # of a share, of a price
YEAR = 360  # days, as brokers count fees
OPEN_FOR = timedelta(days=400)  # how far back a fee is still charged or corrected
LATEST = timedelta(hours=26)  # for which a bar is waited for
LONGEST_WEEKEND = timedelta(days=5)


class What(StrEnum):
    BORROW = "borrow fee"
    LIEU = "cash in lieu"


class Line(NamedTuple):
    """What a charge is for. `day`: of the session after which the night comes, or of the split."""

    what: What
    symbol: str
    day: date


@dataclass(frozen=True, slots=True)
class Carried:
    """Money for shares that were held: negative when it was paid. `quantity`: negative for a short.

    `price`: for one share. `rate`, `nights`: of a borrow fee, a year's rate.
    """

    line: Line
    quantity: Decimal
    price: Decimal
    cash: Decimal
    rate: Decimal = ZERO
    nights: int = 0

    @property
    def symbol(self) -> str:
        return self.line.symbol

    @property
    def words(self) -> str:
        """Return what it is for, as the account's statement says it."""
        shares = f"{abs(self.quantity).normalize():f} {self.symbol}"
        if self.line.what is What.LIEU:
            return f"Cash in lieu of {shares} after the split of {self.line.day}"
        nights = "1 night" if self.nights == 1 else f"{self.nights} nights"
        return f"Borrow fee of {self.line.day} for {shares}, {nights} at {self.rate * 100:.2f}% a year"


class Due(NamedTuple):
    """What a line is about, before its price is known.

    `quantity`: exact; `at`: the close that prices it; `ratio`: new shares for each one of then.
    """

    line: Line
    quantity: Fraction
    at: datetime
    ratio: Fraction
    nights: int


def due(
    symbol: str,
    executions: Sequence[Execution],
    restatings: Sequence[Restating],
    nights_of: Callable[[str, datetime], Sequence[Night]],
    at: datetime,
) -> Iterator[Due]:
    """Yield what has fallen due of a symbol by now. `nights_of`: the nights since an instant."""
    stretches = list(_stretches(executions, restatings, at))
    for stretch in stretches:
        if stretch.split and stretch.left_over:
            line = Line(What.LIEU, symbol, stretch.since.date())
            closes = [night.closed_at for night in nights_of(symbol, stretch.since - LONGEST_WEEKEND)]
            at_close = max((close for close in closes if close <= stretch.since), default=stretch.since)
            yield Due(line, stretch.left_over, at_close, stretch.split.ratio, 0)
    shorts = [stretch for stretch in stretches if stretch.shares < 0 and stretch.until > at - OPEN_FOR]
    nights = nights_of(symbol, max(shorts[0].since, at - OPEN_FOR)) if shorts else []
    for night in nights:
        for stretch in shorts:
            if stretch.since <= night.closed_at < stretch.until:
                line = Line(What.BORROW, symbol, night.day)
                yield Due(line, Fraction(stretch.shares), night.closed_at, Fraction(1), night.nights)


class _Stretch(NamedTuple):
    """For how long how many shares were held, and what began it."""

    since: datetime
    until: datetime
    shares: int
    split: Restating | None
    left_over: Fraction


def _stretches(
    executions: Sequence[Execution], restatings: Sequence[Restating], at: datetime
) -> Iterator[_Stretch]:
    steps, shares = list[_Stretch](), 0
    for event in in_order(executions, restatings, at):
        if isinstance(event, Restating):
            exact = shares * event.ratio
            shares = int(exact)
            steps.append(_Stretch(event.at, event.at, shares, event, exact - shares))
        else:
            shares += event.side.sign * event.quantity
            steps.append(_Stretch(event.executed_at, event.executed_at, shares, None, Fraction(0)))
    ends = [*(step.since for step in steps[1:]), datetime.max.replace(tzinfo=at.tzinfo)]
    for step, end in zip(steps, ends, strict=True):
        yield step._replace(until=end)


@dataclass(frozen=True, slots=True)
class Pricing:
    """What a due line comes to: by the stored market, and by the rates that are charged."""

    market: Market
    at: datetime
    rate_of: Callable[[str], Decimal]

    def price(self, due: Due) -> Decimal | None:
        """Return the last close by then, on the basis of after a split; None while none is known for certain.

        A bar that is missing for a day is not waited for any longer.
        """
        listing = self.market.listing(due.line.symbol)
        if listing is None or listing.is_restating:
            return None
        bars = self.market.bars(due.line.symbol, due.at - LONGEST_WEEKEND, due.at)
        if not bars or (bars[-1].closed_at < due.at and self.at < due.at + LATEST):
            return None
        close = Decimal(f"{(bars[-1].plain or bars[-1]).close:.6f}")
        return times(close, 1 / due.ratio).quantize(FINEST)


def unwritten(executions: Sequence[Execution], before: Sequence[Carried], pricing: Pricing) -> list[Carried]:
    """Return what is still to be written down, so that the same again yields nothing."""
    known: dict[Line, list[Carried]] = defaultdict(list)
    for carried in before:
        known[carried.line].append(carried)
    new = [_carried(line, known.pop(line.line, []), pricing) for line in _due_of(executions, pricing)]
    new += [_taken_back(earlier, pricing.at) for earlier in known.values()]
    return [carried for carried in new if carried and carried.quantity]


def _due_of(executions: Sequence[Execution], pricing: Pricing) -> Iterator[Due]:
    market, at = pricing.market, pricing.at
    for symbol, of_symbol in by_symbol(executions).items():
        restatings = market.restatings(symbol, of_symbol[0].executed_at)
        yield from due(symbol, of_symbol, restatings, market.nights, at)


def _carried(due: Due, earlier: Sequence[Carried], pricing: Pricing) -> Carried | None:
    """Return the difference to what was written down; price and rate stay those of the first time."""
    quantity = _finest(due.quantity)
    if earlier:
        first = earlier[0]
        if quantity == sum(each.quantity for each in earlier):
            return None
    else:
        price = pricing.price(due)
        if price is None:
            return None
        rate = pricing.rate_of(due.line.symbol) if due.line.what is What.BORROW else ZERO
        first = Carried(due.line, quantity, price, ZERO, rate, due.nights)
    cash = _cash(first, due.quantity) - sum((each.cash for each in earlier), ZERO)
    return replace(first, quantity=quantity - sum((each.quantity for each in earlier), ZERO), cash=cash)


def _taken_back(earlier: Sequence[Carried], at: datetime) -> Carried | None:
    """Return what undoes lines that are not due any more: a split that was withdrawn, say.

    Fees of long ago stay as they are: nobody looks for their nights any more.
    """
    first = earlier[0]
    quantity = sum((each.quantity for each in earlier), ZERO)
    is_old = first.line.what is What.BORROW and first.line.day <= (at - OPEN_FOR).date() + timedelta(days=1)
    if not quantity or is_old:
        return None
    return replace(first, quantity=-quantity, cash=-sum((each.cash for each in earlier), ZERO))


def _cash(terms: Carried, quantity: Fraction) -> Decimal:
    value = times(terms.price, quantity)
    if terms.line.what is What.BORROW:
        value = value * terms.rate * terms.nights / YEAR
    return value.quantize(CENT, ROUND_HALF_UP)


def _finest(quantity: Fraction) -> Decimal:
    return (Decimal(quantity.numerator) / quantity.denominator).quantize(FINEST)


def by_symbol(executions: Sequence[Execution]) -> Mapping[str, list[Execution]]:
    """Return the executions of each symbol, in their order."""
    sorted_out: dict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        sorted_out[execution.symbol].append(execution)
    return sorted_out
