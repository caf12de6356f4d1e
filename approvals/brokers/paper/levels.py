"""Where the legs of an order stood over time: a moved one is judged by the level of then. Pure.

Levels are floats on the basis of the order, NaN where there is none, which no price reaches.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np

from approvals.brokers.base import Leg, Side
from market.prices import INSTANT, Floats, Instants, to_instant


@dataclass(frozen=True, slots=True)
class Change:
    """A leg that was changed: from `at` on it stands at `level`, or asks for `quantity`, as of that day."""

    change_id: UUID
    leg: Leg
    at: datetime
    level: Decimal | None = None
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """The level of a leg: `first`, and each of the moves from its instant on, oldest first."""

    first: float
    moves: tuple[tuple[datetime, float], ...] = ()

    def at_each(self, instants: Instants) -> Floats:
        levels = np.array([self.first, *(level for _, level in self.moves)], dtype=np.float64)
        starts = np.array([to_instant(start) for start, _ in self.moves], dtype=INSTANT)
        return levels[np.searchsorted(starts, instants, side="right")]

    def at(self, instant: datetime) -> float:
        return next((level for start, level in reversed(self.moves) if start <= instant), self.first)

    def moved_at(self, instant: datetime) -> datetime | None:
        """Return since when it stands where it does at an instant; None where it was not moved by then."""
        return next((start for start, _ in reversed(self.moves) if start <= instant), None)

    def during(self, opened_at: datetime, closed_at: datetime) -> list[float]:
        """Return where it stood from one instant to another."""
        moved = [level for start, level in self.moves if opened_at < start < closed_at]
        return [self.at(opened_at), *moved]


@dataclass(frozen=True, slots=True)
class Exits:
    """The stop and the target of a position. `side`: that of the position."""

    side: Side
    stop: Steps
    target: Steps

    def worst_stop(self, opened_at: datetime, closed_at: datetime) -> float:
        """Return the stop that counts in a bar: the one that was surely reached when it was."""
        levels = self.stop.during(opened_at, closed_at)
        return float(np.min(levels) if self.side is Side.BUY else np.max(levels))

    def best_target(self, opened_at: datetime, closed_at: datetime) -> float:
        """Return the target that counts in a bar: the one that was surely reached when it was."""
        levels = self.target.during(opened_at, closed_at)
        return float(np.max(levels) if self.side is Side.BUY else np.min(levels))
