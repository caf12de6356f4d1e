"""What makes the bars of a file unfit, said of their lines."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from market.imports.csvfile.problems import BadFile, Problems
from market.prices import Bars, Flags, Floats, Instants, Timeframe, to_datetime

MOST_VOLUME = 2.0**50  # shares; room is left for splits
FEW = 20  # with fewer bars than this their spacing says little


def check_prices(prices: dict[str, Floats], lines: Sequence[int], problems: Problems) -> None:
    """Check that prices are finite, above zero, and between the low and the high."""
    high, low = prices["high"], prices["low"]
    for what, price in prices.items():
        for i in _where(~(np.isfinite(price) & (price > 0))):
            problems.add(lines[i], f"{what} is {price[i]:.10g}, not a price above zero")
    for i in _where(high < low):
        problems.add(lines[i], f"high {high[i]:.10g} is below low {low[i]:.10g}")
    for what in ("open", "close"):
        price = prices[what]
        for i in _where(price > high):
            problems.add(lines[i], f"{what} {price[i]:.10g} is above high {high[i]:.10g}")
        for i in _where(price < low):
            problems.add(lines[i], f"{what} {price[i]:.10g} is below low {low[i]:.10g}")


def check_volume(volume: Floats, lines: Sequence[int], problems: Problems) -> None:
    """Check that volumes are numbers of shares; NaN is one that is not known."""
    for i in _where(~(np.isnan(volume) | ((volume >= 0) & (volume < MOST_VOLUME)))):
        problems.add(lines[i], f"volume is {volume[i]:.10g}, not a number of shares")


def check_times(
    opened_at: Instants, timeframe: Timeframe, until: np.datetime64, lines: Sequence[int], problems: Problems
) -> None:
    """Check that no time is in the future, and that a bar of the timeframe can open there."""
    for i in _where(opened_at >= until):
        problems.add(lines[i], f"{_shown(opened_at[i])} lies in the future")
    if timeframe.is_intraday:
        for i in _where(_within(opened_at, timeframe) > np.timedelta64(0)):
            problems.add(lines[i], f"{_shown(opened_at[i])} is not where a bar of {timeframe} opens")


def check_spacing(opened_at: Instants, timeframe: Timeframe) -> None:
    """Refuse bars on the grid of a coarser timeframe with BadFile: the wrong one was named."""
    coarser = [other for other in Timeframe if other.length > timeframe.length and _all_on(opened_at, other)]
    if coarser and len(opened_at) >= FEW:
        raise BadFile(
            f"these are not bars of {timeframe}: each is {coarser[-1]}, or several, after the one before."
            f" Is the timeframe {coarser[-1]}?"
        )


def each_once(bars: Bars, timeframe: Timeframe, lines: Sequence[int], problems: Problems) -> NDArray[np.intp]:
    """Return the rows by time, each bar once. The same bar twice is harmless, unless its numbers differ."""
    order = np.argsort(bars.opened_at, kind="stable")
    times = bars.opened_at[order]
    again = np.flatnonzero(times[1:] == times[:-1]) + 1  # NaT equals nothing
    for i in again:
        row, before = int(order[i]), int(order[i - 1])
        if not _same(bars, row, before):
            problems.add(
                lines[row],
                f"the bar of {_shown(times[i])} is on line {lines[before]} too, with other numbers",
            )
    return np.delete(order, again)


def _where(flags: Flags) -> list[int]:
    return [int(i) for i in np.flatnonzero(flags)]


def _shown(opened_at: np.datetime64) -> str:
    return f"{to_datetime(opened_at):%Y-%m-%d %H:%M:%S} UTC"


def _within(opened_at: Instants, timeframe: Timeframe) -> NDArray[np.timedelta64]:
    return (opened_at - np.datetime64(0, "us")) % np.timedelta64(timeframe.length)


def _all_on(opened_at: Instants, timeframe: Timeframe) -> bool:
    return len(np.unique(_within(opened_at, timeframe))) == 1


def _same(bars: Bars, row: int, other: int) -> bool:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return all(np.array_equal(column[row], column[other], equal_nan=True) for column in columns)
