"""What the rejections saved or cost: rejected against approved, from the prices of their decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from approvals.scorecard.calibration import ENOUGH
from approvals.scorecard.intervals import Sample, difference


@dataclass(frozen=True)
class Decided:
    """One decision that has ended. `group`: approved or rejected."""

    signal: UUID
    symbol: str
    signal_type: str
    group: str
    decided_at: datetime
    r: float
    end: str


@dataclass(frozen=True)
class Rejections:
    """Rejected against approved. `listed`: the cases of the side that has too few, while it has."""

    approved: Sample
    rejected: Sample
    listed: Sequence[Decided] = ()

    @property
    def needed(self) -> int:
        """Cases on each side from which on there is a difference."""
        return ENOUGH

    @property
    def are_few(self) -> bool:
        return min(self.approved.size, self.rejected.size) < ENOUGH

    @property
    def has_listed(self) -> bool:
        """Whether there are cases to be listed."""
        return any(0 < sample.size < ENOUGH for sample in (self.approved, self.rejected))

    @property
    def difference(self) -> float | None:
        """The average R of what was approved less that of what was rejected."""
        return self._compared[0] if self._compared else None

    @property
    def difference_low(self) -> float | None:
        return self._compared[1] if self._compared else None

    @property
    def difference_high(self) -> float | None:
        return self._compared[2] if self._compared else None

    @cached_property
    def _compared(self) -> tuple[float, float, float] | None:
        return None if self.are_few else difference(self.approved, self.rejected)
