"""What makes a bar unfit, and why. No Django, no clock. (Quotes: `market.quality.quotes`.)

Unfit rows are refused and counted by reason; nothing is repaired. A bar that is well formed but jumps is
stored and flagged as suspect until evidence supports it.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.prices import IN_WRONG_UNIT, Bars, Flags, Floats, to_datetime
from market.quality.evidence import TYPICAL_OVER_BARS, Doubted, believable_run

NOT_ASKED = "symbol_not_asked"
UNKNOWN_TIMEFRAME = "unknown_timeframe"
NOT_FINITE = "price_not_finite"
NOT_POSITIVE = "price_not_positive"
LOW_ABOVE_HIGH = "low_above_high"
OUTSIDE_RANGE = "open_or_close_outside_range"
FUTURE = "time_in_future"
NO_TIME = "time_missing"
WRONG_UNIT = "time_in_wrong_unit"
NEGATIVE_VOLUME = "negative_volume"
DUPLICATE = "duplicate"

JUMP_IN_TYPICAL_MOVES = 8.0
JUMP_SHARE = 0.20
LEAST_BARS = 5
# Earlier bars of a symbol that are enough to judge the next one as if all were there.
CONTEXT_BARS = 2 * TYPICAL_OVER_BARS


KEPT_ROWS = 500  # of a cycle: a provider whose every row is nonsense is known by then


class Refused(NamedTuple):
    """What identifies a refused row. `stamp`: its opening in ISO format, empty for quotes and without one."""

    source: str
    symbol: str
    timeframe: str
    stamp: str
    reason: str


@dataclass
class Rejections:
    """Refused rows: how many for each reason, one readable example of each, and the first 500 as they came.

    `source`, `feed`, `timeframe`: of the rows that are added. `rows`: of equal ones how often, the feed, and
    the values that came last.
    """

    source: str = ""
    feed: str = ""
    timeframe: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    rows: dict[Refused, tuple[int, str, Mapping[str, object]]] = field(default_factory=dict)

    def add(self, reason: str, example: str, count: int = 1) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + count
        self.examples.setdefault(reason, example)

    def keep(
        self, reason: str, symbol: str, stamp: str, values: Mapping[str, object], times: int = 1
    ) -> None:
        """Keep a row as it came, unless there are many already. What it counts for is added by itself."""
        self._keep(Refused(self.source, symbol, self.timeframe, stamp, reason), times, self.feed, values)

    def _keep(self, row: Refused, times: int, feed: str, values: Mapping[str, object]) -> None:
        if row in self.rows or len(self.rows) < KEPT_ROWS:
            before = self.rows[row][0] if row in self.rows else 0
            self.rows[row] = (before + times, feed, values)

    def join(self, others: "Rejections") -> None:
        for reason, count in others.counts.items():
            self.add(reason, others.examples[reason], count)
        for row, (times, feed, values) in others.rows.items():
            self._keep(row, times, feed, values)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def as_json(self) -> dict[str, dict[str, int | str]]:
        """Return count and example by reason, as `ingestion_runs.rejected` holds them."""
        return {
            reason: {"count": count, "example": self.examples[reason]}
            for reason, count in self.counts.items()
        }


def fit_bars(bars: Bars, symbol: str, until: np.datetime64, rejections: Rejections) -> Bars:
    """Return the bars that can be believed, by `opened_at`, each opening once: of several the last given.

    A bar opened after `until` lies in the future. Exact repetitions are dropped without being counted: pages
    overlap. A vwap that is no price becomes NaN. Bars without a flaw are handed back as they are.
    """
    fit = (
        (bars.low > 0)
        & (bars.low <= bars.open)
        & (bars.low <= bars.close)
        & (bars.open <= bars.high)
        & (bars.close <= bars.high)
        & (bars.high < np.inf)
        & (((bars.volume >= 0) & (bars.volume < np.inf)) | np.isnan(bars.volume))
        & (bars.opened_at <= until)
    )
    if not fit.all():
        _count_unfit(bars[~fit], symbol, until, rejections)
        bars = bars[fit]
    return _with_plain_vwap(_in_order(bars, symbol, rejections))


def _count_unfit(bars: Bars, symbol: str, until: np.datetime64, rejections: Rejections) -> None:
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    left = np.ones(len(bars), dtype=np.bool_)
    for reason, guilty in (
        (NOT_FINITE, ~np.isfinite(prices).all(axis=0) | (bars.volume == np.inf)),
        (NOT_POSITIVE, (prices <= 0).any(axis=0)),
        (LOW_ABOVE_HIGH, bars.low > bars.high),
        (OUTSIDE_RANGE, (prices > bars.high).any(axis=0) | (prices < bars.low).any(axis=0)),
        (NO_TIME, np.isnat(bars.opened_at)),
        (WRONG_UNIT, bars.opened_at == IN_WRONG_UNIT),
        (FUTURE, bars.opened_at > until),
        (NEGATIVE_VOLUME, bars.volume < 0),
    ):
        rows = np.flatnonzero(guilty & left)
        if rows.size:
            _refuse(bars, rows, symbol, reason, rejections)
        left &= ~guilty


def _refuse(bars: Bars, rows: NDArray[np.intp], symbol: str, reason: str, rejections: Rejections) -> None:
    rejections.add(reason, _readable(bars, int(rows[0]), symbol), rows.size)
    for row in rows[:KEPT_ROWS].tolist():
        has_time = not (np.isnat(bars.opened_at[row]) or bars.opened_at[row] == IN_WRONG_UNIT)
        stamp = to_datetime(bars.opened_at[row]).isoformat() if has_time else ""
        values = {name: getattr(bars, name)[row].item() for name in ("open", "high", "low", "close")}
        rejections.keep(reason, symbol, stamp, values | {"volume": _volume(bars, row)})


def _volume(bars: Bars, row: int) -> float | None:
    volume: float = bars.volume[row].item()
    return None if math.isnan(volume) else volume


def _readable(bars: Bars, row: int, symbol: str) -> str:
    opened = bars.opened_at[row]
    when = "no time" if np.isnat(opened) else to_datetime(opened).isoformat()
    return (
        f"{symbol} {when} open {bars.open[row]:g} high {bars.high[row]:g} low {bars.low[row]:g} "
        f"close {bars.close[row]:g} volume {bars.volume[row]:.15g}"
    )


def _in_order(bars: Bars, symbol: str, rejections: Rejections) -> Bars:
    if bool((bars.opened_at[1:] > bars.opened_at[:-1]).all()):
        return bars
    bars = bars[np.argsort(bars.opened_at, kind="stable")]
    last = np.append(bars.opened_at[1:] != bars.opened_at[:-1], True)
    replaced = np.flatnonzero(~last)
    differs = np.zeros(len(replaced), dtype=np.bool_)
    for column in (bars.open, bars.high, bars.low, bars.close, bars.volume):
        kept, dropped = column[replaced + 1], column[replaced]
        differs |= (kept != dropped) & ~(np.isnan(kept) & np.isnan(dropped))
    if differs.any():
        _refuse(bars, replaced[differs], symbol, DUPLICATE, rejections)
    return bars[last]


def _with_plain_vwap(bars: Bars) -> Bars:
    nonsense = (bars.vwap <= 0) | np.isinf(bars.vwap)
    if not nonsense.any():
        return bars
    return replace(bars, vwap=np.where(nonsense, np.nan, bars.vwap))


def suspects(bars: Bars, starts: NDArray[np.intp] | None = None) -> Flags:
    """Return which bars hold a jump that no evidence supports (yet).

    `bars` are oldest first; of several symbols one after the other when `starts` names each one's first row.
    A jump is a move of at least 20 % and of more than 8 typical moves (the median log true range of the 20
    bars before), inside the bar (low to high) or from the last believed close to the bar's open or close.
    `market.quality.evidence` says what makes it believed.

    When a price level is not believed, the way back to the last believed one is no jump. Fewer than 5 earlier
    bars judge nothing; with `CONTEXT_BARS` earlier ones a bar is judged as if the whole history were there.
    """
    flags, jumps = np.zeros((2, len(bars)), dtype=np.bool_)
    firsts = np.zeros(1, dtype=np.intp) if starts is None else starts
    ends = np.append(firsts[1:], len(bars))
    done = -1
    for row in _large_moves(bars):
        symbol = np.searchsorted(firsts, row, side="right") - 1
        first, end = int(firsts[symbol]), int(ends[symbol])
        if row > max(done, first + LEAST_BARS - 1):
            done = _judge_from(row, first, end, bars, flags, jumps)
    return flags


def _large_moves(bars: Bars) -> Iterator[int]:
    """Return rows with a move of 20 %: all that can begin a jump."""
    large = bars.high >= bars.low * (1 + JUMP_SHARE)
    before = bars.close[:-1]
    for price in (bars.open, bars.close):
        large[1:] |= (price[1:] >= before * (1 + JUMP_SHARE)) | (price[1:] <= before * (1 - JUMP_SHARE))
    yield from np.flatnonzero(large).tolist()


def _judge_from(row: int, first: int, end: int, bars: Bars, flags: Flags, jumps: Flags) -> int:
    """Judge this row, and those after it until the price level is believed again; the last row judged."""
    level = float(bars.close[row - 1])
    while row < end:
        limit = JUMP_IN_TYPICAL_MOVES * _typical_move(row, first, bars, flags)
        leaves = any(_is_jump(level, price[row], limit) for price in (bars.open, bars.close))
        inside = _is_jump(bars.low[row], bars.high[row], limit)
        if not (leaves or inside):
            return row
        jumps[row] = True
        doubted = Doubted.of(bars, row, first, end, level, flags)
        believed = not leaves or doubted.is_level_supported()
        flags[row] = not (believed and (not inside or doubted.is_range_supported()))
        flags[believable_run(bars, row, jumps)] = False
        if believed or not flags[row]:
            return row
        row += 1
    return end


def _typical_move(row: int, first: int, bars: Bars, flags: Flags) -> float:
    """Return the median log true range of the believed bars among the 20 before this row."""
    oldest = max(first, row - TYPICAL_OVER_BARS)
    recent = oldest + np.flatnonzero(~flags[oldest:row])
    if recent.size < LEAST_BARS:
        return math.inf
    high, low, close = bars.high[recent], bars.low[recent], bars.close[recent]
    high[1:] = np.maximum(high[1:], close[:-1])
    low[1:] = np.minimum(low[1:], close[:-1])
    ranges: Floats = np.log(high / low)
    return float(np.median(ranges))


def _is_jump(before: float, after: float, limit: float) -> bool:
    change = after / before
    return (change >= 1 + JUMP_SHARE or change <= 1 - JUMP_SHARE) and abs(math.log(change)) > limit
