"""Drawings of the scorecard as SVG, made here so that they need no script."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.formatting import axis_ticks


@dataclass(frozen=True)
class Axis:
    """A scale from left to right, in per cent of the drawing's width."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float], least: float) -> "Axis":
        """Wide enough for all of these, and from -least to least at any rate."""
        distances = [abs(value) for value in values]
        most = max([least, *distances])
        return cls(-most * 1.15, most * 1.15)

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0), 1), 2)

    @property
    def zero(self) -> float:
        return self.at(0)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        return [
            (self.at(value), f"{value:+.2g}" if value else "0")
            for value in axis_ticks(self.low, self.high, 4)
        ]


@dataclass(frozen=True)
class Dot:
    """A mean with its interval on an axis, in per cent. `low` and `high`: None without an interval."""

    middle: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, axis: Axis, mean: float | None, interval: tuple[float, float] | None) -> "Dot | None":
        if mean is None:
            return None
        low, high = interval or (None, None)
        return cls(
            axis.at(mean),
            None if low is None else axis.at(low),
            None if high is None else axis.at(high),
        )


SIDE, MARGIN = 300, 40


@dataclass(frozen=True)
class Rate:
    """One point of a calibration: where it stands in the drawing, and its interval."""

    x: float
    y: float
    low: float
    high: float


def shares(stated: float, observed: float, interval: tuple[float, float]) -> Rate:
    """What was said against what came, both as shares of 0 to 1, in a square of SIDE with a MARGIN."""
    return Rate(across(stated), down(observed), down(interval[0]), down(interval[1]))


def across(share: float) -> float:
    return round(MARGIN + share * (SIDE - MARGIN - 8), 1)


def down(share: float) -> float:
    return round(8 + (1 - share) * (SIDE - MARGIN - 8), 1)
