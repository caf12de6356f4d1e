"""Random walks for tests: prices and volumes that strategies have something to say about."""

from datetime import datetime

import numpy as np

from market.prices import INSTANT, Bars, Timeframe, to_instant


def walk(
    size: int,
    seed: int = 1,
    *,
    start: datetime,
    timeframe: Timeframe = Timeframe.D1,
    deviation: float = 0.015,
) -> Bars:
    """Bars one after the other, in cents, with wicks and a changing volume."""
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, deviation, size))), 2) + 0.01
    opened = np.concatenate([close[:1], close[:-1]])
    wick = np.round(close * deviation * random.random((2, size)), 2)
    stamps = to_instant(start) + np.arange(size) * np.timedelta64(timeframe.length)
    bars = Bars.of(
        stamps.astype(INSTANT),
        opened,
        np.maximum(opened, close) + wick[0],
        np.maximum(np.minimum(opened, close) - wick[1], 0.01),
        close,
        random.integers(1_000, 9_000, size),
    )
    bars.final[:] = True
    return bars
