"""What is held, what it cost and what it made: sums of fills. And what the account is exposed to."""

from approvals.positions.account import (
    Account,
    Unknown,
    account,
    currencies,
    day_began,
    equity_curve,
    lock_account,
)
from approvals.positions.actionable import Effect, SignalCounts, actionable, effect_of
from approvals.positions.book import Book
from approvals.positions.exposures import exposure
from approvals.positions.holdings import Position, held_for_analysts, of, open_positions, realised_today
from approvals.positions.protection import Protected, guarded, protected

__all__ = [
    "Account",
    "Book",
    "Effect",
    "Position",
    "Protected",
    "SignalCounts",
    "Unknown",
    "account",
    "actionable",
    "currencies",
    "day_began",
    "effect_of",
    "equity_curve",
    "exposure",
    "guarded",
    "held_for_analysts",
    "lock_account",
    "of",
    "open_positions",
    "protected",
    "realised_today",
]
