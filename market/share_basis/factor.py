"""Whether two accounts of the same bars differ by a share split. No Django, no clock."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from market.prices import Bars, Floats

LEAST_BARS = 3
LEAST_SHARE = 0.75  # of the bars: a correction of one at the same time must not hide a split
LEAST_CHANGE = 0.01
CENT = 0.01  # prices come rounded to cents, by some vendors cut off
LARGEST_DENOMINATOR = 20
VOLUME_DECIMALS = 8  # of a restated volume: without, 100 shares may become 100.00000000000001


def common_factor(old: Bars, new: Bars) -> float | None:
    """Return the one factor by which prices shrank from `old` to `new`: 7.0 after a 7:1 split.

    None: there is none.

    Compared are the bars of `old` that are final and not suspect and that `new` has too, with prices that are
    prices. At least three of them, and three quarters of all, must agree with the factor in all four prices,
    to the cent. Volumes are not asked: vendors restate them at another time, or never.
    """
    settled = old[old.final & ~old.suspect]
    sound = new[np.flatnonzero(((_prices(new) > 0) & (_prices(new) < np.inf)).all(axis=0))]
    _, rows, same = np.intersect1d(settled.opened_at, sound.opened_at, return_indices=True)
    before, after = _prices(settled[rows]), _prices(sound[same])
    if len(rows) < LEAST_BARS or _agree(1.0, before, after):
        return None
    for factor in _likely(float(np.median(before / after))):
        if _agree(factor, before, after):
            return factor if abs(math.log(factor)) > LEAST_CHANGE else None
    return None


def in_shares(bars: Bars, factor: Floats) -> Bars:
    """Return the bars in other shares: each one's prices divided by its factor, its volume multiplied."""
    return replace(
        bars,
        open=bars.open / factor,
        high=bars.high / factor,
        low=bars.low / factor,
        close=bars.close / factor,
        vwap=bars.vwap / factor,
        volume=np.round(bars.volume * factor, VOLUME_DECIMALS),
    )


def _prices(bars: Bars) -> Floats:
    return np.stack([bars.open, bars.high, bars.low, bars.close])


def _likely(estimate: float) -> Iterator[float]:
    """Yield the plain ratios nearest to the estimate (7, 3:2, 1:10), plainest first, then the estimate."""
    for denominator in range(1, LARGEST_DENOMINATOR + 1):
        if estimate >= 1:
            yield round(estimate * denominator) / denominator
        else:
            yield denominator / round(denominator / estimate)
    yield estimate


def _agree(factor: float, before: Floats, after: Floats) -> bool:
    explained = (np.abs(before - factor * after) <= CENT * (1 + factor)).all(axis=0)
    return bool(explained.sum() >= max(LEAST_BARS, LEAST_SHARE * explained.size))
