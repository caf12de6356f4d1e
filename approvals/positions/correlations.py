"""Which instruments move together: the correlation of their daily returns.

What moves together is one bet, however many names it has.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import numpy as np

from market.prices import Bars, Timeframe
from market.store import read_bars

RETURNS = 60  # that are compared
ENOUGH = 40  # of them; fewer say nothing
TOGETHER = 0.7  # above this they are one bet
SLACK = 45  # bars more are read, for days on which only one of two was traded: weekends, holidays, gaps

Pair = tuple[str, str]


def read_correlations(
    symbols: Collection[str], others: Collection[str], at: datetime
) -> dict[Pair, float | None]:
    """Return how each symbol moves with each of the others; None where too few bars say. One query."""
    wanted = sorted({*symbols, *others})
    bars = read_bars(wanted, Timeframe.D1, last=RETURNS + 1 + SLACK, until=at, closed=True)
    return correlations(bars, ((symbol, other) for symbol in symbols for other in others if symbol != other))


def correlations(bars: Mapping[str, Bars], pairs: Iterable[Pair]) -> dict[Pair, float | None]:
    """Return the correlation of the newest daily returns of each pair, on the days that both were traded."""
    return {(one, other): _correlation(bars[one], bars[other]) for one, other in pairs}


def _correlation(one: Bars, other: Bars) -> float | None:
    _, rows, columns = np.intersect1d(one.opened_at, other.opened_at, assume_unique=True, return_indices=True)
    first, second = (
        np.diff(np.log(closes[-RETURNS - 1 :])) for closes in (one.close[rows], other.close[columns])
    )
    if len(first) < ENOUGH or not first.std() or not second.std():
        return None
    return float(np.corrcoef(first, second)[0, 1])
