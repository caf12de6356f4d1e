"""What a sample says about the truth behind it, and what a row of results looked like. Pure."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z95 = 1.959963984540054  # a normal variable lies within so many standard deviations in 95 of 100 cases
RESAMPLES = 2_000
SEED = 20_100_101
AT_ONCE = 2_000_000  # drawn values in memory: 16 MB


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, 0 to 1, from `successes` of `trials`.

    (0, 1) when there is no trial.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, Journal of the
    American Statistical Association 22, 1927.
    """
    if not trials:
        return 0.0, 1.0
    share, weight = successes / trials, Z95**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z95 / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Floats, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Return the 95 % interval of the mean behind a sample, in its unit; NaN below two values.

    The percentile bootstrap: B. Efron, Bootstrap Methods: Another Look at the Jackknife, Annals of Statistics
    7, 1979. The values count as independent of each other. The same values give the same interval, in any
    order.
    """
    if len(values) < 2:
        return math.nan, math.nan
    random, ordered = np.random.default_rng(SEED), np.sort(values)
    rows = max(1, AT_ONCE // len(values))
    means = [
        ordered[random.integers(0, len(values), (min(rows, resamples - done), len(values)))].mean(axis=1)
        for done in range(0, resamples, rows)
    ]
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def profit_factor(results: Floats) -> float:
    """Return all gains over all losses; infinite without a loss, NaN without either."""
    gains, losses = float(results[results > 0].sum()), -float(results[results < 0].sum())
    if losses:
        return gains / losses
    return math.inf if gains else math.nan


def by_moment(results: Floats, moments: NDArray[np.generic]) -> Floats:
    """Return the results in the order of their moments, those of one moment summed."""
    if not len(results):
        return results
    _, places = np.unique(moments, return_inverse=True)
    sums: Floats = np.bincount(places, weights=results).astype(np.float64)
    return sums


def largest_drawdown(results: Floats) -> float:
    """Return the deepest fall of the running sum below its highest point so far, or its start, in its unit.

    Not negative. `results` in the order in which they came.
    """
    level = np.append(0.0, np.cumsum(results))
    return float((np.maximum.accumulate(level) - level).max())


def largest_fall(levels: Floats) -> float:
    """Return the deepest fall of a price below its highest point so far, as a share of that point; 0 to 1."""
    return float((1 - levels / np.maximum.accumulate(levels)).max()) if len(levels) else math.nan


def growth(results: Floats, share: float) -> float:
    """Return the growth of capital, as a share of it, when `share` of it is at risk at each result in R.

    `results` in the order in which they came; what is lost once cannot win again.
    """
    steps = np.maximum(1 + share * results, 0)
    return float(np.prod(steps)) - 1
