"""Prices on another basis than the stored one, which is adjusted for splits alone. No Django, no clock.

Total return as data vendors adjust closes for it (CRSP's "Data Definitions and Calculations"; Yahoo's
"adjusted close"): each price before an ex-date is multiplied by (1 - dividend / last close before it), so
that its change is what a holder made who put each dividend back into the share.
"""

from collections.abc import Iterable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from market.prices import Floats

Days = NDArray[np.datetime64]
Step = tuple[date, float]


def dividend_factor(dividend: float, close: float) -> float | None:
    """Return the factor of prices before an ex-date; None for a dividend that is no part of the close.

    Both are of the same shares; `close` is the last one before the ex-date.
    """
    return 1 - dividend / close if 0 < dividend < close else None


def factors(days: Days, steps: Iterable[Step]) -> Floats:
    """Return for each day the product of the steps whose date lies after it."""
    product = np.ones(len(days))
    for day, factor in steps:
        product[days < np.datetime64(day)] *= factor
    return product
