"""An account's shares and cash from what happened, counted by hand: nothing of Jax's is used."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

CENT, SIX, FOUR = Decimal("0.01"), Decimal("0.000001"), Decimal("0.0001")


@dataclass(frozen=True)
class Traded:
    """Shares that changed hands: `shares` is negative when sold."""

    order: object
    at: datetime
    shares: int
    price: Decimal


@dataclass
class Happened:
    """All that moved shares or cash up to now. `closes`: the close of each session, by when it was.

    `nights`: for each of those, how many until the next. `dividends`: ex, due, for one share.
    """

    start: Decimal
    commission: str
    borrow_rate: Decimal
    trades: list[Traded] = field(default_factory=list)
    splits: list[tuple[datetime, Fraction]] = field(default_factory=list)
    closes: list[tuple[datetime, Decimal, int]] = field(default_factory=list)
    dividends: list[tuple[datetime, datetime, Decimal]] = field(default_factory=list)
    moved: list[Decimal] = field(default_factory=list)


def shares_at(happened: Happened, at: datetime, *, before: bool = False) -> int:
    """Return the shares held at an instant; `before`: what trades at that very instant does not count."""
    shares = 0
    for _, _, change in _events(happened, at, before=before):
        shares = int(shares * change) if isinstance(change, Fraction) else shares + change
    return shares


def _events(
    happened: Happened, at: datetime, *, before: bool = False
) -> list[tuple[datetime, int, int | Fraction]]:
    splits: list[tuple[datetime, int, int | Fraction]]
    splits = [(when, 0, ratio) for when, ratio in happened.splits if when <= at]
    counted = [each for each in happened.trades if each.at < at or (each.at == at and not before)]
    return sorted([*splits, *((each.at, 1, each.shares) for each in counted)], key=lambda event: event[:2])


def cash(happened: Happened, now: datetime) -> Decimal:
    """Return the cash to the cent."""
    total = happened.start + sum(happened.moved, Decimal(0))
    total -= sum((each.shares * each.price for each in happened.trades), Decimal(0))
    total -= commissions(happened.trades, happened.commission)
    total += sum(_dividends(happened, now), Decimal(0))
    total += sum(_borrowed(happened, now), Decimal(0))
    total += sum(_parts(happened, now), Decimal(0))
    return total.quantize(CENT)


def commissions(trades: Sequence[Traded], schedule: str) -> Decimal:
    """Return what all orders cost: an order's parts on one side are one for the minimum."""
    orders: dict[tuple[object, bool], list[Traded]] = defaultdict(list)
    for each in trades:
        orders[each.order, each.shares > 0].append(each)
    return sum((_commission(schedule, parts) for parts in orders.values()), Decimal(0))


def _commission(schedule: str, parts: Iterable[Traded]) -> Decimal:
    parts = list(parts)
    shares = sum(abs(each.shares) for each in parts)
    value = sum((abs(each.shares) * each.price for each in parts), Decimal(0))
    if schedule == "zero":
        return Decimal(0)
    if schedule == "per_share":
        return (shares * Decimal("0.002")).quantize(FOUR)
    if schedule == "ib_fixed":
        return min(max(shares * Decimal("0.005"), Decimal(1)), value / 100).quantize(FOUR)
    own = min(max(shares * Decimal("0.0035"), Decimal("0.35")), value / 100)
    fees = Decimal("0.0032") if parts[0].shares > 0 else Decimal("0.003366")
    return (own + fees * shares).quantize(FOUR)


def _dividends(happened: Happened, now: datetime) -> Iterable[Decimal]:
    for ex, due, amount in happened.dividends:
        if due <= now:
            yield (amount * shares_at(happened, ex, before=True)).quantize(CENT, ROUND_HALF_UP)


def _borrowed(happened: Happened, now: datetime) -> Iterable[Decimal]:
    for closed, close, nights in happened.closes:
        shares = shares_at(happened, closed) if closed <= now else 0
        if shares < 0:
            yield (shares * close * happened.borrow_rate * nights / 360).quantize(CENT, ROUND_HALF_UP)


def _parts(happened: Happened, now: datetime) -> Iterable[Decimal]:
    for at, ratio in happened.splits:
        if at > now:
            continue
        others = [split for split in happened.splits if split[0] < at]
        earlier = Happened(
            Decimal(0), "zero", Decimal(0), [each for each in happened.trades if each.at < at], others
        )
        exact = shares_at(earlier, at) * ratio
        part = exact - int(exact)
        close = max(each for each in happened.closes if each[0] <= at)[1]
        price = (close * ratio.denominator / ratio.numerator).quantize(SIX)
        yield (price * part.numerator / part.denominator).quantize(CENT, ROUND_HALF_UP)
