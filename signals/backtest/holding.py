"""Buying at the first open and holding to the last close, to compare a strategy with. Pure.

In total return: dividends are put back into the share, as `market.share_basis.total_return` does. Of a bar in
doubt the lower of its two readings counts.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.statistics import largest_fall
from market.prices import Flags, Floats
from signals.panel import Panel

NONE = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True)
class Held:
    """What holding brought, and the deepest fall on the way, as shares; NaN where there was no bar."""

    gain: float
    fall: float


def hold(panel: Panel, inside: Flags, cost_bps: float, still: NDArray[np.intp] = NONE) -> list[Held]:
    """Return what holding each symbol of the panel over its bars `inside` would have brought.

    `still`: rows that are opened as if the price had stood still since the close before.
    """
    parts: list[list[Floats]] = [[] for _ in panel.symbols]
    closes = np.minimum(panel.bars.close, panel.without_doubt.close)
    growth, in_first_bar = _growth(panel)
    starts = np.union1d(panel.starts, still)
    for start, end in pairwise([*starts.tolist(), len(panel)]):
        first = start + int(np.argmax(inside[start:end]))
        if inside[first]:
            bought = panel.bars.open[first] * growth[first] / in_first_bar[first]
            prices = np.append(bought, closes[first:end] * growth[first:end])
            levels = parts[panel.symbol[start]]
            levels.append(prices / prices[0] * (levels[-1][-1] if levels else 1.0))
    cost = cost_bps / 10_000
    return [_held(np.concatenate(levels), cost) if levels else Held(math.nan, math.nan) for levels in parts]


def _growth(panel: Panel) -> tuple[Floats, Floats]:
    """Return how many shares one has become by each bar's close, and by what factor within that bar."""
    opening, within = panel.payouts
    before = panel.before(panel.bars.close)
    growth: Floats = np.cumprod(_factors(opening + within, before), dtype=np.float64)
    return growth, _factors(within, before)


def _factors(dividends: Floats, before: Floats) -> Floats:
    """Return by how much each dividend makes shares grow that it is put into; 1 for one that cannot be."""
    share = np.divide(
        dividends, before, out=np.zeros(len(before)), where=(dividends > 0) & (dividends < before)
    )
    factors: Floats = 1 / (1 - share)
    return factors


def _held(levels: Floats, cost: float) -> Held:
    return Held(float(levels[-1]) * (1 - cost) / (1 + cost) - 1, largest_fall(levels))


def mean(holdings: list[Held]) -> Held:
    """Return the mean gain and the mean of the falls: the same money in each. NaN when there is none."""
    with_bars = [holding for holding in holdings if not math.isnan(holding.gain)]
    if not with_bars:
        return Held(math.nan, math.nan)
    return Held(
        sum(holding.gain for holding in with_bars) / len(with_bars),
        sum(holding.fall for holding in with_bars) / len(with_bars),
    )
