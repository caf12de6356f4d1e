"""Round trips: what happened to an instrument while it was held, from flat to flat. Decimal, pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from approvals.positions.accounting import Split
from approvals.positions.trades.lots import ZERO, ClosedLot, Transaction, match


@dataclass(frozen=True, slots=True)
class Round:
    """A closed round trip, scaled in and out of as often as it was.

    `lots`: the shares that were held in it, in the order of their closing; never empty. Shares and averages
    are stated in the shares of the day on which each lot was closed.
    """

    lots: Sequence[ClosedLot]

    @property
    def is_short(self) -> bool:
        return self.lots[0].is_short

    @property
    def shares(self) -> Decimal:
        return sum((abs(lot.quantity) for lot in self.lots), ZERO)

    @property
    def entry(self) -> Decimal:
        """Return the average price of the entries."""
        return sum((lot.opened_for for lot in self.lots), ZERO) / self.shares

    @property
    def exit(self) -> Decimal:
        """Return the average price of the exits."""
        return sum((lot.closed_for for lot in self.lots), ZERO) / self.shares

    @property
    def gross(self) -> Decimal:
        return sum((lot.gross for lot in self.lots), ZERO)

    @property
    def commission(self) -> Decimal:
        return sum((lot.open_commission + lot.close_commission for lot in self.lots), ZERO)

    @property
    def net(self) -> Decimal:
        return self.gross - self.commission

    @property
    def opened_at(self) -> datetime:
        return min(lot.opened.at for lot in self.lots)

    @property
    def closed_at(self) -> datetime:
        return self.lots[-1].closed_at

    @property
    def entries(self) -> Sequence[Transaction]:
        """Return what opened it, oldest first."""
        return _in_order(lot.opened for lot in self.lots)

    @property
    def opened(self) -> Sequence[tuple[Transaction, Decimal]]:
        """Return what opened it, each with how many of its shares, in those of its own day."""
        worth: dict[int, Decimal] = {}
        for lot in self.lots:
            worth[lot.opened.key] = worth.get(lot.opened.key, ZERO) + lot.opened_for
        return [(entry, worth[entry.key] / entry.price if entry.price else ZERO) for entry in self.entries]

    @property
    def exits(self) -> Sequence[Transaction]:
        """Return what closed it, oldest first; a part of a share that was paid out is not among it."""
        return _in_order(lot.closed for lot in self.lots if lot.closed)


def _in_order(transactions: Iterable[Transaction]) -> Sequence[Transaction]:
    by_key = {transaction.key: transaction for transaction in transactions}
    return sorted(by_key.values(), key=lambda transaction: (transaction.at, transaction.key))


def rounds(transactions: Iterable[Transaction], splits: Iterable[Split] = ()) -> list[Round]:
    """Return the closed round trips of one instrument, oldest first; what is still held is in none."""
    matched = match(transactions, splits)
    grouped = list(_grouped(matched.closed))
    if grouped and matched.held and not _is_flat_between(grouped[-1][-1], matched.held[0].opened):
        del grouped[-1]
    return [Round(lots) for lots in grouped]


def _grouped(closed: Iterable[ClosedLot]) -> Iterator[list[ClosedLot]]:
    """Yield the lots of each round: as the oldest go first, it ends before the next one opens."""
    lots: list[ClosedLot] = []
    for lot in closed:
        if lots and _is_flat_between(lots[-1], lot.opened):
            yield lots
            lots = []
        lots.append(lot)
    if lots:
        yield lots


def _is_flat_between(last: ClosedLot, following: Transaction) -> bool:
    """Return whether nothing was held between a closing and this opening; one transaction may be both."""
    ended = (last.closed_at, last.closed.key if last.closed else following.key)
    return (following.at, following.key) >= ended
