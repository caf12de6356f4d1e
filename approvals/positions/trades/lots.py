"""Which shares a sale sold: the lots of an account, matched as the tax office asks. Decimal, pure.

A lot is shares of one transaction that are still held: bought, or sold short. Money is that of all the shares
of a lot, and every cent of it ends up in some lot: sums over lots are the sums over their transactions. A
split changes how many shares a lot has, never what was paid for it.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum

from approvals.positions.accounting import FINEST, Split

ZERO = Decimal(0)
SMALLEST = Decimal("0.00000001")  # part of the money of a lot that is divided


@dataclass(frozen=True, slots=True)
class Transaction:
    """Shares that changed hands: bought when `quantity` is positive, sold when negative; never zero.

    `key`: of whoever gives it; decides the order of those of one instant. `price`: for one share.
    `commission`: for all of them; negative where the exchange paid a rebate.
    """

    key: int
    quantity: Decimal
    price: Decimal
    commission: Decimal
    at: datetime

    @property
    def value(self) -> Decimal:
        """Return what the shares were worth; never negative."""
        return self.price * abs(self.quantity)


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares that are held, of one transaction. `quantity` is negative when short.

    `value`: what they were bought or sold short for. `commission`: what of the transaction's is theirs.
    """

    opened: Transaction
    quantity: Decimal
    value: Decimal
    commission: Decimal


@dataclass(frozen=True, slots=True)
class ClosedLot:
    """Shares that were bought and sold, or sold short and bought back. `quantity` is negative when short.

    `closed`: None for the part of a share that a split left over, which is paid out at what it cost.
    `opened_for`, `closed_for`: what the shares were worth then, without the commissions.
    """

    opened: Transaction
    closed: Transaction | None
    closed_at: datetime
    quantity: Decimal
    opened_for: Decimal
    closed_for: Decimal
    open_commission: Decimal
    close_commission: Decimal

    @property
    def is_short(self) -> bool:
        return self.quantity < 0

    @property
    def gross(self) -> Decimal:
        return self.opened_for - self.closed_for if self.is_short else self.closed_for - self.opened_for

    @property
    def net(self) -> Decimal:
        return self.gross - self.open_commission - self.close_commission

    @property
    def proceeds(self) -> Decimal:
        """Return what the sale brought, its commission taken off."""
        if self.is_short:
            return self.opened_for - self.open_commission
        return self.closed_for - self.close_commission

    @property
    def basis(self) -> Decimal:
        """Return what the purchase cost, its commission included."""
        if self.is_short:
            return self.closed_for + self.close_commission
        return self.opened_for + self.open_commission


@dataclass(frozen=True, slots=True)
class Matched:
    """The closed lots in the order of their closing, and the lots that are still held, oldest first."""

    closed: Sequence[ClosedLot]
    held: Sequence[Lot]


Taking = Iterable[tuple[Lot, Decimal]]
Names = Mapping[int, Mapping[int, Decimal]]
Choice = Callable[[Transaction, Sequence[Lot]], Taking]


class Method(StrEnum):
    """Which lots a closing takes when nobody has named any."""

    FIFO = "fifo"
    LIFO = "lifo"

    def choose(self, closing: Transaction, lots: Sequence[Lot]) -> Taking:
        """Return the lots as they are taken, each with how many of its shares at most."""
        ordered = lots if self is Method.FIFO else reversed(lots)
        return ((lot, abs(lot.quantity)) for lot in ordered)


def named(names: Names, otherwise: Method = Method.FIFO) -> Choice:
    """Return a choice that takes lots as they were named, and then as `otherwise` says.

    `names`: of the key of a closing transaction, how many shares it takes of each opening one, by its key.
    """

    def choose(closing: Transaction, lots: Sequence[Lot]) -> Taking:
        wanted = names.get(closing.key, {})
        yield from ((lot, wanted[lot.opened.key]) for lot in lots if lot.opened.key in wanted)
        yield from otherwise.choose(closing, lots)

    return choose


def match(
    transactions: Iterable[Transaction], splits: Iterable[Split] = (), choose: Choice = Method.FIFO.choose
) -> Matched:
    """Return the lots that the transactions of one instrument, given in any order, closed and left.

    A split comes before the transactions of its day. A sale of more than is held opens a short lot.
    """
    book, coming = _Book(choose), deque(sorted(splits, key=lambda split: split.date))
    for transaction in sorted(transactions, key=lambda transaction: (transaction.at, transaction.key)):
        while coming and coming[0].date <= transaction.at.date():
            book.restate(coming.popleft())
        book.add(transaction)
    for split in coming:
        book.restate(split)
    return Matched(book.closed, book.held)


class _Book:
    """The lots that are held while transactions are gone through, all long or all short."""

    def __init__(self, choose: Choice) -> None:
        self._choose = choose
        self.held: list[Lot] = []
        self.closed: list[ClosedLot] = []

    def add(self, transaction: Transaction) -> None:
        coming = Lot(transaction, transaction.quantity, transaction.value, transaction.commission)
        if self.held and (self.held[0].quantity > 0) != (coming.quantity > 0):
            for lot, most in self._choose(transaction, tuple(self.held)):
                coming = self._close(lot, most, coming)
                if not coming.quantity:
                    return
        self.held.append(coming)

    def _close(self, lot: Lot, most: Decimal, closing: Lot) -> Lot:
        """Close shares of the lot by what is left of a closing transaction; return what is left then."""
        row = next((row for row, held in enumerate(self.held) if held.opened is lot.opened), None)
        if row is None:
            return closing
        lot = self.held[row]
        shares = min(most, abs(lot.quantity), abs(closing.quantity))
        gone, kept = divided(lot, shares)
        paid, left = divided(closing, shares)
        self.closed.append(
            ClosedLot(
                lot.opened,
                closing.opened,
                closing.opened.at,
                gone.quantity,
                gone.value,
                paid.value,
                gone.commission,
                paid.commission,
            )
        )
        self.held[row : row + 1] = [kept] if kept.quantity else []
        return left

    def restate(self, split: Split) -> None:
        """State the lots in new shares; where only whole ones were held, the part that is left is paid."""
        was_whole = not sum(lot.quantity for lot in self.held) % 1
        self.held = [_restated(lot, split.ratio) for lot in self.held]
        total = sum((lot.quantity for lot in self.held), ZERO)
        if was_whole:
            self._pay_out(abs(total) % 1, split.date)

    def _pay_out(self, shares: Decimal, day: date) -> None:
        at = datetime.combine(day, time(), UTC)
        while shares:
            gone, kept = divided(self.held[0], min(shares, abs(self.held[0].quantity)))
            self.closed.append(
                ClosedLot(
                    gone.opened,
                    None,
                    at,
                    gone.quantity,
                    gone.value,
                    gone.value,
                    gone.commission,
                    ZERO,
                )
            )
            self.held[:1] = [kept] if kept.quantity else []
            shares -= abs(gone.quantity)


def _restated(lot: Lot, ratio: Decimal) -> Lot:
    return replace(lot, quantity=(lot.quantity * ratio).quantize(FINEST))


def divided(lot: Lot, shares: Decimal) -> tuple[Lot, Lot]:
    """Return so many shares of a lot (at most all), and the rest, each with its part of the money."""
    quantity = shares if lot.quantity > 0 else -shares
    if quantity == lot.quantity:
        return lot, replace(lot, quantity=ZERO, value=ZERO, commission=ZERO)
    value, commission = (
        (money * quantity / lot.quantity).quantize(SMALLEST) for money in (lot.value, lot.commission)
    )
    part = replace(lot, quantity=quantity, value=value, commission=commission)
    rest = replace(
        lot,
        quantity=lot.quantity - quantity,
        value=lot.value - value,
        commission=lot.commission - commission,
    )
    return part, rest
