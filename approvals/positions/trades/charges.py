"""Which round trip a charge belongs to: that of what was executed last before it. Decimal, pure.

A charge that names an execution is of its trip. Of others, of a symbol, brokers say a day at most: those are
of what was traded last until the end of that day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from approvals.positions.trades.lots import ZERO, Transaction
from approvals.positions.trades.rounds import Round


@dataclass(frozen=True, slots=True)
class Charged:
    """Money that was charged (below zero) or given back. `key`: of a transaction; None: it is not told."""

    at: datetime
    amount: Decimal
    key: int | None


def charges(
    trips: Sequence[Round], transactions: Iterable[Transaction], charged: Iterable[Charged]
) -> list[Decimal]:
    """Return what each trip was charged. What belongs to none of them, as it is still held, is left out.

    What was sold by the transaction that opened the next trip, too, belongs to the earlier one.
    """
    sums = [ZERO] * len(trips)
    traded = sorted(transactions, key=lambda transaction: (transaction.at, transaction.key))
    trip_of: dict[int, int] = {}
    for number, trip in enumerate(trips):
        for transaction in (*trip.entries, *trip.exits):
            trip_of.setdefault(transaction.key, number)
    for charge in charged:
        number = trip_of.get(charge.key or _last(traded, charge.at), -1)
        if number >= 0:
            sums[number] += charge.amount
    return sums


def _last(traded: Sequence[Transaction], at: datetime) -> int:
    """Return the key of what was executed last by the end of a day; 0 where nothing was."""
    before = [transaction.key for transaction in traded if transaction.at.date() <= at.date()]
    return before[-1] if before else 0
