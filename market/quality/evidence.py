"""What makes a bar that jumps believable. No Django, no clock.

The prices around it, and the volume of daily and weekly bars (an intraday one has the shape of the day):

- A new price level: the next close is nearer to it than to the old one; or the volume is many times typical
  and the move no decimal slip (less than fivefold), or the next close still a jump away from the old level.
- A wide range: at least a third of it lies between the open, the close and the prices of the next bar, and
  the volume is twice the typical one. On an ordinary volume the next bar must trade through half of it, and a
  third lie between the closes around it; where volumes are unknown half must, the next bar's prices included.
- A wide range on a volume many times typical, when what no other price is near of it is less than 60 % away
  and lies on the side to which the price moved.
- Several jumps in a row whose closes move as widely: a market that swings, not a row of bad prints.

The thresholds stand between real days and bad prints of 17 US shares and funds, 1998 to 2021: a bad print is
a lonely wick on an ordinary volume, or one against the move of its day.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from market.prices import Bars, Flags, Floats

TYPICAL_OVER_BARS = 20
JUMP = math.log(1.2)
RAISED, MANY = 2.0, 4.0  # times the typical volume
DECIMAL_SLIP = math.log(5.0)
# A trade that far away was cancelled as clearly erroneous after the flash crash of 6 May 2010.
ERRONEOUS = math.log(2.5)
COVERED, COVERED_BY_NEXT = 1 / 3, 1 / 2
LONELY = 1 / 4  # of the range, against the move of the bar
RUN, RUN_MOVE = 3, JUMP / 2
Prices = tuple[float, float, float, float]
SOUND = math.log(1.1)  # from the last believed close: a range of a fifth reaches beyond it
DAY = np.timedelta64(24, "h")


@dataclass(frozen=True)
class Doubted:
    """A bar that jumps, and what was traded around it.

    `level`: the last believed close. `volume`: in typical ones; 1 where it says nothing, None where it is not
    known. `next`: open, high, low and close of the bar after it, None when there is none yet.
    """

    open: float
    high: float
    low: float
    close: float
    level: float
    volume: float | None
    next: Prices | None

    @classmethod
    def of(cls, bars: Bars, row: int, first: int, end: int, level: float, flags: Flags) -> "Doubted":
        following = _prices(bars, row + 1) if row + 1 < end else None
        return cls(*_prices(bars, row), level, _volume_ratio(bars, row, first, flags), following)

    def is_level_supported(self) -> bool:
        """Return whether the move away from the level before is believed."""
        if self._is_volume(MANY) and abs(math.log(self.close / self.level)) < DECIMAL_SLIP:
            return True
        if self.next is None:
            return False
        after = math.log(self.next[-1] / self.level)
        is_far = abs(after) >= JUMP and after * math.log(self.close / self.level) > 0
        is_nearer = abs(math.log(self.next[-1] / self.close)) < abs(after)
        return is_nearer or (is_far and self._is_volume(MANY))

    def is_range_supported(self) -> bool:
        """Return whether the range from low to high is believed."""
        if self._is_volume(MANY) and self._is_explained_by_volume():
            return True
        if self.next is None:
            return False
        open_, high, low, close = self.next
        if self.volume is None:
            return self._share(self.level, self.close, high, low) >= COVERED_BY_NEXT
        if self._is_volume(RAISED):
            return self._share(*self._trusted(), self.close, high, low) >= COVERED
        is_traded_again = self._share(low, high) >= COVERED_BY_NEXT
        return is_traded_again and self._share(self.level, self.close, open_, close) >= COVERED

    def _is_volume(self, times: float) -> bool:
        return self.volume is not None and self.volume >= times

    def _is_explained_by_volume(self) -> bool:
        near = (self.level, self.close, *(self.next or ()))
        above, below = math.log(self.high / max(near)), math.log(min(near) / self.low)
        against = above if self.close < self.level else below
        is_with_the_move = against <= LONELY * math.log(self.high / self.low)
        return is_with_the_move and max(above, below) < ERRONEOUS

    def _trusted(self) -> tuple[float, ...]:
        """Return the open when it lies among the prices before and after: bad first prints are frequent."""
        near = (self.level, self.close, *(self.next or ()))
        return (self.open,) if min(near) <= self.open <= max(near) else ()

    def _share(self, *prices: float) -> float:
        """Return how much of the range lies between the lowest and the highest of these prices."""
        top, bottom = min(max(prices), self.high), max(min(prices), self.low)
        return math.log(top / bottom) / math.log(self.high / self.low) if top > bottom else 0.0


def _prices(bars: Bars, row: int) -> Prices:
    return float(bars.open[row]), float(bars.high[row]), float(bars.low[row]), float(bars.close[row])


def _volume_ratio(bars: Bars, row: int, first: int, flags: Flags) -> float | None:
    """Return the volume over the median of the believed bars among the 20 before; see `Doubted`."""
    oldest = max(first, row - TYPICAL_OVER_BARS)
    if row == oldest or np.diff(bars.opened_at[oldest : row + 1]).min() < DAY:
        return 1.0
    is_known = ~np.isnan(bars.volume[oldest:row]) & ~flags[oldest:row]
    if np.isnan(bars.volume[row]) or not is_known.any():
        return None
    typical = np.median(bars.volume[oldest:row][is_known])
    return float(bars.volume[row] / typical) if typical > 0 else None


def believable_run(bars: Bars, row: int, jumps: Flags) -> slice:
    """Return the rows of the jumps in a row up to this one, when they are a market that swings; else none."""
    begin = row + 1
    while jumps[begin - 1]:
        begin -= 1
    moves = np.abs(np.log(bars.close[begin : row + 1] / bars.close[begin - 1 : row]))
    is_swinging = len(moves) >= RUN and bool(((moves >= RUN_MOVE) & (moves < ERRONEOUS)).all())
    return slice(begin, row + 1) if is_swinging else slice(0, 0)


def without_doubt(bars: Bars, starts: NDArray[np.intp]) -> Bars:
    """Return the bars as they read without their doubted prices; the same object where none is suspect.

    `starts`: the first row of each run of bars. Of a suspect bar the prices within 10 % of the last believed
    close of its run stand; the range is that of those, and an open or close beyond is that close.
    """
    rows = np.flatnonzero(bars.suspect)
    if not len(rows):
        return bars
    level = _believed_closes(bars, starts, rows)
    columns = [getattr(bars, name).copy() for name in ("open", "high", "low", "close")]
    sound = [
        np.where(np.abs(np.log(column[rows] / level)) < SOUND, column[rows], np.nan) for column in columns
    ]
    open_, close = (np.where(np.isnan(prices), level, prices) for prices in (sound[0], sound[3]))
    top, bottom = np.fmax(sound[1], np.fmax(open_, close)), np.fmin(sound[2], np.fmin(open_, close))
    for column, prices in zip(columns, (open_, top, bottom, close), strict=True):
        column[rows] = prices
    return replace(bars, open=columns[0], high=columns[1], low=columns[2], close=columns[3])


def _believed_closes(bars: Bars, starts: NDArray[np.intp], rows: NDArray[np.intp]) -> Floats:
    """Return the last close before each row that is not suspect; its own open where its run has none."""
    newest = np.maximum.accumulate(np.where(bars.suspect, -1, np.arange(len(bars))))[rows]
    is_of_run = newest >= starts[np.searchsorted(starts, rows, side="right") - 1]
    return np.where(is_of_run, bars.close[newest], bars.open[rows])
