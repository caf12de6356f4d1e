"""What is held, what it cost and what it made: sums of fills. And what the account is exposed to."""

from approvals.positions.account import (
    Unknown,
    day_began,
    day_result,
    equity_curve,
    lock_account,
    newest_snapshot,
)
from approvals.positions.exposures import exposure
from approvals.positions.holdings import Position, of, open_positions, realised_today
from approvals.positions.protection import Protected, protected

__all__ = [
    "Position",
    "Protected",
    "Unknown",
    "day_began",
    "day_result",
    "equity_curve",
    "exposure",
    "lock_account",
    "newest_snapshot",
    "of",
    "open_positions",
    "protected",
    "realised_today",
]
