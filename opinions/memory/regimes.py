"""In which kind of market a bar lies, from what its strategy saw: so that cases can be told apart. Pure."""

import math
from collections.abc import Mapping

from market.prices import Timeframe

BARS_A_YEAR = {
    Timeframe.M1: 252 * 390,
    Timeframe.M5: 252 * 78,
    Timeframe.M15: 252 * 26,
    Timeframe.H1: 252 * 7,
    Timeframe.D1: 252,
    Timeframe.W1: 52,
}
# A random walk's mean range is this many of its standard deviations.
# M. Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, 1980.
RANGE_PER_SIGMA = math.sqrt(8 / math.pi)
CALM, WILD = 0.20, 0.40  # of a year, as a share of the price
UNKNOWN = "unknown"


def trend(values: Mapping[str, float]) -> str:
    """bullish when price > faster > slower average, bearish the other way round, else neutral; or unknown."""
    price, fast, slow = (values.get(name) for name in ("price", "trend_fast", "trend_slow"))
    if price is None or fast is None or slow is None:
        return UNKNOWN
    if price > fast > slow:
        return "bullish"
    return "bearish" if price < fast < slow else "neutral"


def volatility(values: Mapping[str, float], timeframe: Timeframe) -> str:
    """calm below 20 % a year, wild above 40 %, normal between: the ATR as a random walk would make it."""
    price, atr = values.get("price"), values.get("atr")
    if not price or atr is None:
        return UNKNOWN
    yearly = atr / price / RANGE_PER_SIGMA * math.sqrt(BARS_A_YEAR[timeframe])
    if yearly < CALM:
        return "calm"
    return "wild" if yearly > WILD else "normal"


def regime(values: Mapping[str, float], timeframe: Timeframe) -> str:
    """Trend and volatility in two words."""
    return f"{trend(values)} {volatility(values, timeframe)}"
