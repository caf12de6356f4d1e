"""Whether more confidence meant more targets."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import starmap

from approvals.scorecard.tally import share
from core.statistics import wilson

ENOUGH = 30  # cases that a rate stands on


@dataclass(frozen=True)
class Confidence:
    """The signals of one confidence that reached target or stop. Shares are 0 to 1."""

    confidence: Decimal
    cases: int
    targets: int

    @property
    def target_rate(self) -> float:
        return self.targets / self.cases

    @property
    def target_rate_low(self) -> float:
        return wilson(self.targets, self.cases)[0]

    @property
    def target_rate_high(self) -> float:
        return wilson(self.targets, self.cases)[1]

    @property
    def squared_error(self) -> float:
        """Summed over the cases, with the confidence taken as the chance of a target."""
        chance = float(self.confidence)
        return self.targets * (1 - chance) ** 2 + (self.cases - self.targets) * chance**2


@dataclass(frozen=True)
class Bin:
    """Confidences of one tenth together: what they said on average, and what came. Shares are 0 to 1."""

    cases: int
    targets: int
    every: Sequence[Confidence]

    @property
    def mean_confidence(self) -> float:
        return sum(float(confidence.confidence) * confidence.cases for confidence in self.every) / self.cases

    @property
    def target_rate(self) -> float:
        return self.targets / self.cases

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Wilson."""
        return wilson(self.targets, self.cases)


@dataclass(frozen=True)
class Calibration:
    """Confidence against what came first, over all signals that reached target or stop.

    `brier` and what follows from it is None below 30 cases. `skill`: 1 is perfect, 0 no better than to
    say the base rate of every signal, below 0 worse than that.

    G. W. Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78, 1950.
    """

    every: Sequence[Confidence] = ()

    @classmethod
    def of(cls, rows: Sequence[tuple[Decimal, int, int]]) -> "Calibration":
        return cls(sorted(starmap(Confidence, rows), key=lambda confidence: confidence.confidence))

    @property
    def cases(self) -> int:
        return sum(confidence.cases for confidence in self.every)

    @property
    def values(self) -> list[Confidence]:
        """Those of enough cases each."""
        return [confidence for confidence in self.every if confidence.cases >= ENOUGH]

    @property
    def too_few(self) -> int:
        """Cases of confidences that have too few of them."""
        return self.cases - sum(confidence.cases for confidence in self.values)

    @property
    def bins(self) -> list["Bin"]:
        """The confidences by tenths, those tenths that have enough cases together."""
        tenths: dict[int, list[Confidence]] = defaultdict(list)
        for confidence in self.every:
            tenths[min(int(confidence.confidence * 10), 9)].append(confidence)
        bins = [
            Bin(sum(x.cases for x in confidences), sum(x.targets for x in confidences), confidences)
            for confidences in tenths.values()
        ]
        return [confidence for confidence in bins if confidence.cases >= ENOUGH]

    @property
    def base_rate(self) -> float | None:
        return share(sum(confidence.targets for confidence in self.every), self.cases)

    @property
    def brier(self) -> float | None:
        if self.cases < ENOUGH:
            return None
        return sum(confidence.squared_error for confidence in self.every) / self.cases

    @property
    def base_brier(self) -> float | None:
        """That of saying the base rate of every signal."""
        if self.base_rate is None or self.cases < ENOUGH:
            return None
        return self.base_rate * (1 - self.base_rate)

    @property
    def skill(self) -> float | None:
        """None too where all signals ended alike."""
        return 1 - self.brier / self.base_brier if self.brier is not None and self.base_brier else None
