"""Closed lots as a tax return lists them, and losses that do not count yet in the United States. Pure.

A loss counts later when shares of the same instrument are bought within 30 days before or after the sale
(section 1091 of the Internal Revenue Code; Publication 550, "Wash Sales"): it is added to what those cost,
and they count as held for as long as the sold ones were. Each bought share takes the loss of one sold share,
the oldest purchase first. Shares of the purchase that is sold do not (Revenue Ruling 56-602), nor do those
that were gone by then. Closing a short at a loss is the same, the other way round. Purchases in other
accounts, options and funds on the same thing are not seen here.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from heapq import heapify, heappop, heappush
from itertools import count
from math import prod

from approvals.positions.accounting import FINEST, Split
from approvals.positions.trades.lots import SMALLEST, ZERO, ClosedLot, Lot, Matched

WINDOW = timedelta(days=30)
Day = Callable[[datetime], date]


@dataclass(frozen=True, slots=True)
class TaxLot:
    """A closed lot, or a part of one, as a tax return lists it. Money in the currency of the instrument.

    `quantity`: never negative. `acquired`, `sold`: of a short both are the day on which it was closed.
    `held_since`: earlier than that where it replaces what was sold at a loss, and `basis` with that loss.
    `disallowed`: what of its own loss does not count here.
    """

    lot: ClosedLot
    quantity: Decimal
    acquired: date
    sold: date
    held_since: date
    proceeds: Decimal
    basis: Decimal
    disallowed: Decimal

    @property
    def gain(self) -> Decimal:
        """Return what counts; negative for a loss."""
        return self.proceeds - self.basis + self.disallowed

    @property
    def is_long_term(self) -> bool:
        """Return whether it was held for more than a year, counted from the day after it was acquired."""
        first = self.held_since + timedelta(days=1)
        try:
            return self.sold >= first.replace(year=first.year + 1)
        except ValueError:  # 29 February
            return self.sold >= date(first.year + 1, 3, 1)


@dataclass(slots=True)
class _Shares:
    """Shares of one opening transaction that were closed at once, or that are still held.

    `turn`: of the closing among all; None while held. `shares` in those of today, so that what came before
    and after a split can be compared; `ratio`: how many of them one share of its own day is.
    """

    lot: ClosedLot | Lot
    turn: int | None
    shares: Decimal
    ratio: Decimal
    opened: date
    closed: date | None
    held_since: date
    proceeds: Decimal
    basis: Decimal
    disallowed: Decimal = ZERO
    replaces: bool = False

    @property
    def key(self) -> int:
        return self.lot.opened.key

    def cut(self, shares: Decimal) -> "_Shares":
        """Take so many of the shares away, with their part of the money, and return them."""
        basis, proceeds = (
            (money * shares / self.shares).quantize(SMALLEST) for money in (self.basis, self.proceeds)
        )
        part = replace(self, shares=shares, basis=basis, proceeds=proceeds)
        self.shares, self.basis, self.proceeds = (
            self.shares - shares,
            self.basis - basis,
            self.proceeds - proceeds,
        )
        return part


def tax_lots(matched: Matched, splits: Iterable[Split], day: Day, *, washes: bool = True) -> list[TaxLot]:
    """Return the closed lots of one instrument as a tax return lists them, in the order of their closing.

    `day`: of an instant, at the exchange. A lot of which a part replaces sold shares is listed in parts.
    Without `washes` every loss counts at once, as in most other countries.
    """
    shares = [*_closed(matched, list(splits), day), *_held(matched, day)]
    if washes:
        shares = _wash(shares)
    return [lot for _, lot in sorted(_listed(shares), key=lambda turn_and_lot: turn_and_lot[0])]


def _closed(matched: Matched, splits: list[Split], day: Day) -> Iterator[_Shares]:
    for turn, lot in enumerate(matched.closed):
        opened, closed = day(lot.opened.at), day(lot.closed_at)
        later = (split.ratio for split in splits if split.date > lot.closed_at.date())
        ratio = prod(later, start=Decimal(1))
        shares, since = abs(lot.quantity) * ratio, closed if lot.is_short else opened
        yield _Shares(lot, turn, shares, ratio, opened, closed, since, lot.proceeds, lot.basis)


def _held(matched: Matched, day: Day) -> Iterator[_Shares]:
    for lot in matched.held:
        opened = day(lot.opened.at)
        yield _Shares(lot, None, abs(lot.quantity), Decimal(1), opened, None, opened, ZERO, ZERO)


def _listed(shares: Iterable[_Shares]) -> Iterator[tuple[int, TaxLot]]:
    for part in shares:
        if isinstance(part.lot, ClosedLot) and part.turn is not None and part.closed is not None:
            acquired = part.closed if part.lot.is_short else part.opened
            quantity = (part.shares / part.ratio).quantize(FINEST)
            money = (part.proceeds, part.basis, part.disallowed)
            yield part.turn, TaxLot(part.lot, quantity, acquired, part.closed, part.held_since, *money)


def _wash(shares: list[_Shares]) -> list[_Shares]:
    """Return them with the losses moved to what replaces the sold ones, in the order of the closings."""
    bought = _Bought(sorted(shares, key=lambda part: (part.opened, part.lot.opened.key)))
    number = count(len(shares))
    waiting = [(part.turn, n, part) for n, part in enumerate(shares) if part.turn is not None]
    heapify(waiting)
    while waiting:
        _, _, sold = heappop(waiting)
        for part in bought.take_loss_of(sold):
            shares.append(part)
            if part.turn is not None:
                heappush(waiting, (part.turn, next(number), part))
    return shares


class _Bought:
    """What may replace sold shares, oldest first. What cannot any more is not looked at again."""

    def __init__(self, shares: list[_Shares]) -> None:
        self._shares = shares
        self._opened = [part.opened for part in shares]
        self._next = list(range(len(shares) + 1))  # the first from here that is not known to be gone

    def take_loss_of(self, sold: _Shares) -> Iterator[_Shares]:
        """Move the loss to what replaces the sold shares; yield the parts that were cut off for it."""
        left, loss = sold.shares, sold.basis - sold.proceeds
        for part in self._replacing(sold) if loss > 0 else ():
            shares = min(left, part.shares)
            moved = (loss * shares / left).quantize(SMALLEST) if shares < left else loss
            if shares < part.shares:
                part = part.cut(shares)
                yield part
            part.replaces = True
            part.basis += moved
            part.held_since -= _closing_day(sold) - sold.held_since
            sold.disallowed += moved
            left, loss = left - shares, loss - moved
            if not left:
                return

    def _replacing(self, sold: _Shares) -> Iterator[_Shares]:
        day = _closing_day(sold)
        row, last = bisect_left(self._opened, day - WINDOW), bisect_right(self._opened, day + WINDOW)
        while (row := self._first_left(row, sold)) < last:
            if _may_replace(self._shares[row], sold):
                yield self._shares[row]
            row += 1

    def _first_left(self, row: int, sold: _Shares) -> int:
        """Return the first row from here on of shares that are not gone when these are sold."""
        start = row
        while row < len(self._shares) and (self._next[row] != row or _is_gone(self._shares[row], sold)):
            row = max(self._next[row], row + 1)
        while start < row:
            self._next[start], start = row, max(self._next[start], start + 1)
        return row


def _closing_day(sold: _Shares) -> date:
    assert sold.closed is not None
    return sold.closed


def _is_gone(part: _Shares, sold: _Shares) -> bool:
    return part.replaces or (part.turn is not None and part.turn <= (sold.turn or 0))


def _may_replace(part: _Shares, sold: _Shares) -> bool:
    if part.lot.opened is sold.lot.opened or (part.lot.quantity < 0) != (sold.lot.quantity < 0):
        return False
    return part.turn is None or _closing(part) is not _closing(sold)


def _closing(part: _Shares) -> object:
    return part.lot.closed if isinstance(part.lot, ClosedLot) else None
