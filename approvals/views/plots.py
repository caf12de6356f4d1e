"""Small drawings as SVG, made here so that they need no script: scales, ticks, lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 72, 8, 10, 24


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
