"""Which moves look like a share split, and which of these are too ordinary to be one. No Django, no clock.

From prices alone a crash to half the price is a split. What tells them apart often enough: a split is far
outside what the symbol usually does in a day, and it changes how many shares are traded, not for how much.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.prices import Bars, Floats

NEAR = 0.035  # log: prices move a little over the night of a split, too
FAR = 0.2  # at most, for a wild symbol
LEAST_WIDENED = 5  # new shares for one old, from which on a wild symbol may be off by its usual range
SMALL = (5 / 4, 4 / 3, 3 / 2, 5 / 3)  # these are as large as what earnings do to a price
RATIOS = np.array([*SMALL, 5 / 2, *range(2, 201)])  # a reverse split is one of them turned round
ROUND = (*range(2, 9), 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 120, 125, 150, 200)
OFTEN = np.isin(RATIOS, [*SMALL, 5 / 2, *ROUND])

TYPICAL_OVER_SESSIONS = 20
LEAST_SESSIONS = 5
LOOKED_BACK = 20 * 400  # bars: so many sessions of one-minute bars
LEAST_IN_RANGES, LEAST_IN_RANGES_SMALL = 4.0, 8.0  # usual ranges of a day
MOST_TURNOVER = 4.0  # usual turnovers: more of it is news, and news explain a small move
LEVEL_BARS = 3

Rows = NDArray[np.intp]
Session = NDArray[np.generic]  # growing, alike in the bars of one session


@dataclass(frozen=True)
class _Usual:
    """What the sessions before did: median log true range, median turnover of a session's first bar."""

    day_range: float
    turnover: float


def split_like(bars: Bars, session: Session, starts: Rows) -> Floats:
    """Return the split that each bar's opening looks like: 7.0 after a fall to a seventh. 0: like none.

    `bars` are oldest first, of one symbol after the other; `starts`: each one's first row. `session`: which
    trading session each bar is in.
    """
    ratios = np.zeros(len(bars))
    moves = log_moves(bars, starts)
    ends = np.append(starts[1:], len(bars))
    for row in np.flatnonzero(np.abs(moves) > math.log(SMALL[0]) - NEAR).tolist():
        symbol = int(np.searchsorted(starts, row, side="right")) - 1
        ratios[row] = _judge(row, moves[row], int(starts[symbol]), int(ends[symbol]), bars, session)
    return ratios


def log_moves(bars: Bars, starts: Rows) -> Floats:
    """Return the log of the close before over the open of each bar, 0 for the first of a symbol."""
    moves = np.zeros(len(bars))
    moves[1:] = np.log(bars.close[:-1] / bars.open[1:])
    moves[starts] = 0
    return moves


def may_hold_any(bars: Bars) -> bool:
    """Whether the bars of one symbol move so far anywhere that it is worth reading what is around."""
    moves = log_moves(bars, np.zeros(min(len(bars), 1), dtype=np.intp))
    return bool((np.abs(moves) > math.log(SMALL[0]) - NEAR).any())


def ratio_like(move: float, near: float = NEAR) -> float:
    """Return the ratio of shares that a log move is nearest to, rather one that companies choose; else 0."""
    distance = np.abs(np.log(RATIOS) - abs(move))
    nearest = int(np.argmin(distance + np.where(OFTEN, 0, near / 3)))
    if distance[nearest] > near:
        return 0.0
    return float(RATIOS[nearest] if move > 0 else 1 / RATIOS[nearest])


def _judge(row: int, move: float, first: int, end: int, bars: Bars, session: Session) -> float:
    usual = _usual(row, first, bars, session)
    ratio = ratio_like(move, _near(move, usual))
    if not ratio or not _level_holds(row, first, end, bars):
        return 0.0
    if 0.5 < ratio < 2:
        is_new_session = session[row] != session[row - 1]
        return ratio if is_new_session and _is_unlike_news(row, move, usual, bars) else 0.0
    return ratio if abs(move) >= LEAST_IN_RANGES * _known(usual.day_range) else 0.0


def _near(move: float, usual: _Usual) -> float:
    """Return how far from a ratio a move may be: penny shares move a lot over the night of a split."""
    if abs(move) < math.log(LEAST_WIDENED) - NEAR:
        return NEAR
    return min(max(NEAR, _known(usual.day_range)), FAR)


def _is_unlike_news(row: int, move: float, usual: _Usual, bars: Bars) -> bool:
    """Whether a small move is far outside the usual, without the trading that news bring."""
    if math.isnan(usual.day_range) or abs(move) < LEAST_IN_RANGES_SMALL * usual.day_range:
        return False
    turnover = float(_turnover(bars, row))
    return not usual.turnover or turnover <= MOST_TURNOVER * usual.turnover


def _turnover(bars: Bars, rows: "Rows | int") -> Floats:
    """Return price times volume, 0 where the volume is not known."""
    turnover: Floats = bars.close[rows] * np.nan_to_num(bars.volume[rows])
    return turnover


def _level_holds(row: int, first: int, end: int, bars: Bars) -> bool:
    """Whether the price stayed where it went to, and was before where it came from: a wrong print is neither.

    The last bar is all that is known while no later one is stored.
    """
    old, new = bars.close[row - 1], bars.open[row]
    earlier, later = max(first, row - LEVEL_BARS), min(end, row + LEVEL_BARS) - 1
    return _is_nearer(bars.close[later], new, old) and _is_nearer(bars.open[earlier], old, new)


def _is_nearer(price: float, one: float, other: float) -> bool:
    return abs(math.log(price / one)) < abs(math.log(price / other))


def _usual(row: int, first: int, bars: Bars, session: Session) -> _Usual:
    """Return what the sessions before the one of a bar did; NaN and 0 when there are too few."""
    oldest = max(first, row - LOOKED_BACK)
    before = oldest + int(np.searchsorted(session[oldest:row], session[row]))
    _, begins = np.unique(session[oldest:before], return_index=True)
    begins = (oldest + begins)[-TYPICAL_OVER_SESSIONS:]
    if len(begins) < LEAST_SESSIONS:
        return _Usual(math.nan, 0.0)
    start = int(begins[0])
    high = np.maximum.reduceat(bars.high[start:before], begins - start)
    low = np.minimum.reduceat(bars.low[start:before], begins - start)
    close = bars.close[begins[1:] - 1]
    high[1:], low[1:] = np.maximum(high[1:], close), np.minimum(low[1:], close)
    return _Usual(float(np.median(np.log(high / low))), float(np.median(_turnover(bars, begins))))


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value
