"""Small drawings as SVG, made here so that they need no script: scales, ticks, lines."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 2, 2, 10, 24


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers from `low` to `high`, some `about` of them: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True)
class Tick:
    y: float
    says: str


@dataclass(frozen=True)
class Curve:
    """A line over time. `points`: "x,y" pairs; empty below two values."""

    points: str
    ticks: Sequence[Tick]
    first: datetime | None
    last: datetime | None
    low: Decimal | None
    high: Decimal | None

    @classmethod
    def of(cls, values: Sequence[tuple[datetime, Decimal]]) -> "Curve":
        if len(values) < 2:
            return cls("", [], None, None, None, None)
        times, heights = [at.timestamp() for at, _ in values], [float(value) for _, value in values]
        low, high = min(heights), max(heights)
        margin = (high - low) * 0.05 or max(abs(high) * 0.001, 1.0)
        bottom, top = low - margin, high + margin
        across = (WIDTH - LEFT - RIGHT) / (times[-1] - times[0])

        def y(value: float) -> float:
            return TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

        points = " ".join(
            f"{LEFT + (at - times[0]) * across:.1f},{y(value):.1f}"
            for at, value in zip(times, heights, strict=True)
        )
        marks = [Tick(round(y(value), 1), f"{value:,.0f}") for value in ticks(bottom, top)]
        lowest, highest = min(value for _, value in values), max(value for _, value in values)
        return cls(points, marks, values[0][0], values[-1][0], lowest, highest)


@dataclass(frozen=True)
class Axis:
    """A scale from left to right, in per cent of the drawing's width."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float], least: float) -> "Axis":
        """Wide enough for all of these, and from -least to least at any rate."""
        there = [abs(value) for value in values]
        most = max([least, *there])
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
            (self.at(value), f"{value:+.2g}" if value else "0") for value in ticks(self.low, self.high, 4)
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


def shares(said: float, came: float, interval: tuple[float, float]) -> Rate:
    """What was said against what came, both as shares of 0 to 1, in a square of SIDE with a MARGIN."""
    return Rate(across(said), down(came), down(interval[0]), down(interval[1]))


def across(share: float) -> float:
    return round(MARGIN + share * (SIDE - MARGIN - 8), 1)


def down(share: float) -> float:
    return round(8 + (1 - share) * (SIDE - MARGIN - 8), 1)
