"""The field's indicators: TA-Lib behind their names. Pure.

All take arrays of one instrument, oldest first and without NaN, and give float64 arrays of the same length
that are NaN while warming up.
"""

import sys
from typing import Any

from numpy.typing import NDArray

from market.prices import Floats

# TA-Lib imports pandas and polars when it finds them, only to accept their series: 90 MiB in every worker.
_absent = [name for name in ("pandas", "polars") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type]  # None is how Python blocks an import
try:
    import talib
finally:
    for name in _absent:
        del sys.modules[name]


def sma(values: NDArray[Any], period: int) -> Floats:
    """Simple moving average, in the unit of the values; NaN for the first `period - 1`."""
    return talib.SMA(values, period)


def rsi(close: Floats, period: int = 14) -> Floats:
    """Relative strength index, 0 to 100; NaN for the first `period`.

    Wilder's smoothing, as in TA-Lib. J. W. Wilder, New Concepts in Technical Trading Systems, 1978.
    """
    return talib.RSI(close, period)


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[Floats, Floats, Floats]:
    """MACD line (fast less slow exponential average), its exponential average, and their difference.

    In the unit of the prices; NaN for the first `slow + signal - 2`. G. Appel, Technical Analysis: Power
    Tools for Active Investors, 2005.
    """
    line, average, histogram = talib.MACD(close, fast, slow, signal)
    return line, average, histogram


def atr(high: Floats, low: Floats, close: Floats, period: int = 14) -> Floats:
    """Average true range in the unit of the prices; NaN for the first `period`. Wilder, 1978."""
    return talib.ATR(high, low, close, period)
