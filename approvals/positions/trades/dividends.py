"""The dividends of what was held over their ex-dates, as they belong to a round trip. Decimal, pure.

They count when they fall off the price: a dividend of which the trade has seen the fall is the trade's,
whenever it is paid.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from math import prod

from approvals.positions.accounting import Split
from approvals.positions.trades.lots import ZERO
from approvals.positions.trades.rounds import Round

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash for one share of the ex-date. `ex_at`: when its session opens; who holds the share then has it."""

    ex_date: date
    ex_at: datetime
    amount: Decimal


def paid(trip: Round, dividends: Iterable[Dividend], splits: Sequence[Split]) -> Decimal:
    """Return what the dividends made of a round trip, each in whole cents; negative for a short, who owes."""
    return sum((_paid(trip, dividend, splits) for dividend in dividends), ZERO)


def _paid(trip: Round, dividend: Dividend, splits: Sequence[Split]) -> Decimal:
    shares = ZERO
    for lot in trip.lots:
        if lot.opened.at < dividend.ex_at <= lot.closed_at:
            later = (split.ratio for split in splits if dividend.ex_date < split.date <= lot.closed_at.date())
            shares += lot.quantity / prod(later, start=Decimal(1))
    return (shares * dividend.amount).quantize(CENT, ROUND_HALF_UP)
