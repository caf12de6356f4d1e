"""95 % intervals of means, from counts and sums alone. Pure.

Student's t. R is mostly one of two values, so few cases deceive every method. In 20,000 drawn samples of 10
the interval held the mean in 95 %, in samples of 5 in 87 to 92 %; the bootstrap in 90 to 92 % and in 82 to
90 %. Hence LEAST.
"""

import math
from dataclasses import dataclass

from core.statistics import Z95

LEAST = 10  # cases below which there is no interval
SMALL = {1: 12.7062, 2: 4.30265, 3: 3.18245, 4: 2.77645}
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Sample:
    """How many values, their sum and the sum of their squares: what adds up over groups."""

    size: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.size + other.size, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float | None:
        return self.total / self.size if self.size else None

    @property
    def variance(self) -> float:
        """Of one value, estimated from two or more."""
        return max(0.0, self.squares - self.total**2 / self.size) / (self.size - 1)

    @property
    def interval(self) -> Interval:
        """Of the mean; None below LEAST values."""
        if self.size < LEAST:
            return None
        middle, half = self.total / self.size, t95(self.size - 1) * math.sqrt(self.variance / self.size)
        return middle - half, middle + half


def difference(first: Sample, other: Sample) -> tuple[float, float, float]:
    """Return the mean of one less that of the other, with its interval; each has LEAST values.

    B. L. Welch, The Generalization of Student's Problem when Several Different Population Variances are
    Involved, Biometrika 34, 1947.
    """
    parts = [sample.variance / sample.size for sample in (first, other)]
    middle = first.total / first.size - other.total / other.size
    if not sum(parts):
        return middle, middle, middle
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (first.size - 1) + parts[1] ** 2 / (other.size - 1))
    half = t95(freedom) * math.sqrt(sum(parts))
    return middle, middle - half, middle + half


def t95(freedom: float) -> float:
    """Return how many standard errors hold 95 % of Student's t, to four digits.

    Fisher's expansion around the normal: R. A. Fisher and E. A. Cornish, The Percentile Points of
    Distributions Having Known Cumulants, Technometrics 2, 1960.
    """
    if freedom < 5:
        return SMALL[max(1, int(freedom))]
    z, v = Z95, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92_160 * v**4)
    )
