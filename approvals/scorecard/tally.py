"""Counts of outcomes by how they ended, and the R that they made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, F, Q, Sum

from approvals.scorecard.intervals import Sample
from core.statistics import wilson
from signals.trades import End

RACED = Q(race__in=[End.TARGET, End.STOP])
SUMS: dict[str, Any] = {
    "size": Count("pk"),
    "cases": Count("r"),
    "total": Sum("r", default=0.0),
    "planned": Sum("planned_r", default=0.0),
    "squares": Sum(F("r") * F("r"), default=0.0),
    "void": Count("pk", filter=Q(end=End.VOID)),
    "missed": Count("pk", filter=Q(end=End.MISSED, is_final=True)),
    "open": Count("pk", filter=Q(is_final=False)),
    "opposites": Count("pk", filter=Q(end=End.OPPOSITE)),
    "timeouts": Count("pk", filter=Q(end__in=[End.TIMEOUT, End.SESSION_CLOSE])),
    "targets": Count("pk", filter=Q(race=End.TARGET)),
    "stops": Count("pk", filter=Q(race=End.STOP)),
    "lucky": Sum("luck", filter=RACED, default=0.0),
}


@dataclass(frozen=True)
class Tally:
    """Outcomes of one ledger. They add up. Shares are 0 to 1, None is unknown.

    `size`: all of them: `sample` has the R of those that ended, the others are void, missed or still open.
    `targets` and `stops` traded first, also after an opposite event had ended the trade; `lucky`: the sum of
    what chance would give at each of these. `planned`: the sum of the results over their planned risk.
    """

    size: int = 0
    void: int = 0
    missed: int = 0
    open: int = 0
    opposites: int = 0
    timeouts: int = 0
    targets: int = 0
    stops: int = 0
    lucky: float = 0.0
    planned: float = 0.0
    sample: Sample = field(default_factory=Sample)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Tally":
        """From a row of SUMS."""
        counts = {name: row[name] for name in COUNTS}
        return cls(**counts, sample=Sample(row["cases"], row["total"], row["squares"]))

    def __add__(self, other: "Tally") -> "Tally":
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Tally(**counts, sample=self.sample + other.sample)

    @property
    def cases(self) -> int:
        return self.sample.size

    @property
    def target_rate(self) -> float | None:
        return share(self.targets, self._raced)

    @property
    def target_rate_low(self) -> float | None:
        return wilson(self.targets, self._raced)[0] if self._raced else None

    @property
    def target_rate_high(self) -> float | None:
        return wilson(self.targets, self._raced)[1] if self._raced else None

    @property
    def luck(self) -> float | None:
        return share(self.lucky, self._raced)

    @property
    def timeout_rate(self) -> float | None:
        return share(self.timeouts, self.cases)

    @property
    def average_r(self) -> float | None:
        return self.sample.mean

    @property
    def average_r_low(self) -> float | None:
        return self.sample.interval[0] if self.sample.interval else None

    @property
    def average_r_high(self) -> float | None:
        return self.sample.interval[1] if self.sample.interval else None

    @property
    def average_planned_r(self) -> float | None:
        return share(self.planned, self.cases)

    @property
    def _raced(self) -> int:
        return self.targets + self.stops


COUNTS = ("size", "void", "missed", "open", "opposites", "timeouts", "targets", "stops", "lucky", "planned")


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
