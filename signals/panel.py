"""The input of strategies: closed bars of one timeframe, one symbol after the other. No Django, no clock."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from market.prices import Bars, Flags, Floats, Instants, to_instant
from market.quality import evidence

Integers = NDArray[np.int32]
Rows = NDArray[np.intp]
T = TypeVar("T", bound=np.generic)
DIGESTED = 200
UNKNOWN_DIGESTED = -(2.0**62)  # in place of a volume that is not known
COLUMNS = ("bars", "symbol", "source", "session", "slot", "tick")


@dataclass(frozen=True)
class Jump:
    """A move of the size of a share split that nothing explains. `factor`: 7.0 to a seventh."""

    symbol: str
    opened_at: datetime
    factor: float


class Payouts(NamedTuple):
    """The dividends of a share, each for one share of the bars' basis.

    `at`: the opening of the ex-date's session, its date where bars are stamped with dates. `span`: how long
    after its opening a bar may hold an ex-date in its midst: a week for weekly bars, else 0.
    """

    at: Instants
    amount: Floats
    span: np.timedelta64 = np.timedelta64(0, "us")


@dataclass(frozen=True)
class Panel:
    """Bars of one timeframe as columns of equal length: all of one symbol, oldest first, then the next one's.

    `starts` intp: the first row of each run. A run is one symbol's bars; nothing is ever compared across
    runs. `symbol` int32: whose bar, as an index into `symbols`. `source` int32: a number for the provider and
    feed of the bar, alike when both are. `session` int32: the trading session, growing. `slot` int32: which
    bar of its session (0 for daily ones). `tick` float64: the smallest price step on the bar's price basis.
    `late`: an outage of ours lies between this bar and the one before. `jumps`: moves that may be unrecorded
    splits; the bars count as they are. `dividends` by symbol, for what is held on these bars.
    """

    bars: Bars
    starts: NDArray[np.intp]
    symbol: Integers
    symbols: tuple[str, ...]
    source: Integers
    session: Integers
    slot: Integers
    tick: Floats
    late: Flags
    jumps: tuple[Jump, ...] = ()
    dividends: Mapping[str, Payouts] = field(default_factory=dict)
    cache: dict[Any, Any] = field(
        default_factory=dict, repr=False, compare=False
    )  # indicators, once computed

    def __len__(self) -> int:
        return len(self.bars)

    @classmethod
    def of(cls, bars: Bars, symbol: str = "", tick: float = 0.01) -> "Panel":
        """Make a panel of one symbol's bars, all of one source, each the first bar of its own session."""
        size = len(bars)
        return cls(
            bars=bars,
            starts=np.zeros(1 if size else 0, dtype=np.intp),
            symbol=np.zeros(size, dtype=np.int32),
            symbols=(symbol,),
            source=np.zeros(size, dtype=np.int32),
            session=np.arange(size, dtype=np.int32),
            slot=np.zeros(size, dtype=np.int32),
            tick=np.full(size, tick),
            late=np.zeros(size, dtype=np.bool_),
        )

    @property
    def seen(self) -> "tuple[Panel, Rows]":
        """What strategies see: the panel without bars in doubt, and the row here of each of its bars."""
        seen: tuple[Panel, Rows] = self.once("seen", self._seen)
        return seen

    def _seen(self) -> "tuple[Panel, Rows]":
        rows = np.flatnonzero(~self.bars.suspect)
        if len(rows) == len(self):
            return self, rows
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        starts = np.searchsorted(rows, self.starts)
        # An outage before a bar in doubt lies before the next one that is seen.
        is_first = np.diff(columns["symbol"], prepend=-1) > 0
        late = (np.diff(np.cumsum(self.late)[rows], prepend=0) > 0) & ~is_first
        seen = replace(self, starts=np.unique(starts[starts < len(rows)]), late=late, cache={}, **columns)
        return seen, rows

    @property
    def without_doubt(self) -> Bars:
        """The bars as they read without their doubted prices: the second of the two readings."""
        bars: Bars = self.once("without doubt", lambda: evidence.without_doubt(self.bars, self.starts))
        return bars

    @property
    def ends(self) -> NDArray[np.intp]:
        """The row after the last one of each run."""
        return np.append(self.starts[1:], len(self)) if len(self) else self.starts

    @property
    def run(self) -> NDArray[np.intp]:
        """Which run each bar is in."""
        sizes = self.ends - self.starts
        runs: NDArray[np.intp] = self.once("run", lambda: np.repeat(np.arange(len(sizes)), sizes))
        return runs

    def once(self, key: object, compute: Callable[[], Any]) -> Any:
        """Return what `compute` gives, computed the first time only."""
        if key not in self.cache:
            self.cache[key] = compute()
        return self.cache[key]

    def find(self, symbol: str, opened_at: datetime) -> int | None:
        """Return the row of a symbol's bar; None when it is not there. `symbols` are sorted."""
        number = bisect_left(self.symbols, symbol)
        if number == len(self.symbols) or self.symbols[number] != symbol:
            return None
        start, end = np.searchsorted(self.symbol, [number, number + 1]).tolist()
        instant = to_instant(opened_at)
        row = start + int(np.searchsorted(self.bars.opened_at[start:end], instant))
        return row if row < end and self.bars.opened_at[row] == instant else None

    @property
    def payouts(self) -> tuple[Floats, Floats]:
        """The dividends of each row: those whose ex-date its bar opens, and those within the bar."""
        payouts: tuple[Floats, Floats] = self.once("payouts", self._payouts)
        return payouts

    def _payouts(self) -> tuple[Floats, Floats]:
        opening, within = np.zeros(len(self)), np.zeros(len(self))
        for symbol, given in self.dividends.items():
            number = bisect_left(self.symbols, symbol)
            start, end = np.searchsorted(self.symbol, [number, number + 1]).tolist()
            if start == end:
                continue
            opened_at = self.bars.opened_at[start:end]
            rows = np.searchsorted(opened_at, given.at)
            is_within = (rows > 0) & (given.at - opened_at[np.maximum(rows - 1, 0)] < given.span)
            is_opening = ~is_within & (rows < len(opened_at))
            np.add.at(within, start + rows[is_within] - 1, given.amount[is_within])
            np.add.at(opening, start + rows[is_opening], given.amount[is_opening])
        return opening, within

    def earned(self, entered: Rows, exited: Rows, at_open: Flags) -> Floats:
        """Return the dividends of a share that is held from the open of one row to that of another.

        `at_open`: whether it is given away there, else at the close. Who buys on the ex-date has none.
        """
        if not self.dividends:
            return np.zeros(len(entered))
        opening, within = self.once("earned", lambda: tuple(map(_sums_before, self.payouts)))
        first = np.minimum(entered, len(self) - 1)
        earned: Floats = opening[exited + 1] - opening[first + 1]
        earned += within[exited + ~at_open] - within[first]
        return earned

    def digest(self, row: int) -> str:
        """Return a hash of a bar and up to 199 before it: equal when these bars are."""
        first = int(np.searchsorted(self.symbol, self.symbol[row]))
        behind = self.bars[max(first, row - DIGESTED + 1) : row + 1]
        columns = (
            behind.opened_at,
            behind.open,
            behind.high,
            behind.low,
            behind.close,
            _digested(behind.volume),
        )
        return blake2b(b"".join(column.tobytes() for column in columns), digest_size=16).hexdigest()

    def before(self, column: NDArray[T]) -> NDArray[T]:
        """Return each row's value on the bar before. The first of a run has none: NaN, or False for flags."""
        earlier = np.empty_like(column)
        earlier[1:] = column[:-1]
        earlier[self.starts] = np.nan if column.dtype.kind == "f" else 0
        return earlier

    def volume_ratio(self, period: int) -> Floats:
        """Return each bar's volume over the mean of the last `period` bars, itself included.

        For intraday bars those of the same slot in the last `period` sessions: volume has the shape of the
        day. A quarter more sessions may lie between when the slot is missing in some. NaN where there are
        fewer, where they are not all of one source, or where the volume of one is not known.
        """
        ratio: Floats = self.once(("volume_ratio", period), lambda: self._volume_ratio(period))
        return ratio

    def _volume_ratio(self, period: int) -> Floats:
        if not len(self):
            return np.empty(0)
        order = np.lexsort((self.slot, self.run)) if self.slot.any() else np.arange(len(self))
        slot, run = self.slot[order], self.run[order]
        given, source = self.bars.volume[order], self.source[order]
        unknown = np.isnan(given)
        volume, unknowns = np.where(unknown, 0, given), np.cumsum(unknown)
        is_first = np.append(True, (slot[1:] != slot[:-1]) | (run[1:] != run[:-1]))
        number = np.arange(len(order)) - np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
        mixed = np.cumsum(np.append(False, source[1:] != source[:-1]))
        oldest = np.maximum(np.arange(len(order)) - period + 1, 0)
        total = _sums_of_last(period, volume)
        session = self.session[order]
        is_near = (session - session[oldest] < sessions_of(period)) | (not self.slot.any())
        is_known = unknowns - unknowns[oldest] + unknown[oldest] == 0
        comparable = is_near & (number >= period - 1) & (mixed == mixed[oldest]) & (total > 0) & is_known
        ratio = np.full(len(order), np.nan)
        ratio[order] = np.divide(volume * period, total, out=np.full(len(order), np.nan), where=comparable)
        return ratio

    def indicator(self, function: Callable[..., Any], *columns: str, **parameters: int) -> Any:
        """Compute an indicator of each run for itself, laid end to end; as many as `function` gives.

        `function` takes arrays (here the named columns of the bars) and gives arrays of the same length.
        """
        return self.once(
            (function, columns, *parameters.items()), lambda: self._indicator(function, columns, parameters)
        )

    def _indicator(self, function: Callable[..., Any], columns: tuple[str, ...], parameters: Any) -> Any:
        values = [getattr(self.bars, name) for name in columns]
        parts = [
            function(*(value[start:end] for value in values), **parameters)
            for start, end in list(pairwise([*self.starts.tolist(), len(self)])) or [(0, 0)]
        ]
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(part) for part in zip(*parts, strict=True))
        return np.concatenate(parts)


def sessions_of(period: int) -> int:
    """Return over how many sessions `period` bars of one slot may be spread."""
    return period + period // 4


def _sums_of_last(period: int, volume: Floats) -> Floats:
    """Return the sum of the last `period` values, itself included: the same whatever is before them.

    Whole ones are summed as integers. Running sums of fractions would depend on where they began, and a
    backtest begins earlier than a scan.
    """
    whole = volume.astype(np.int64)
    if (whole == volume).all():
        sums = np.cumsum(whole)
        return np.append(sums[:period], sums[period:] - sums[:-period]).astype(np.float64)
    total = volume.copy()
    for back in range(1, min(period, len(volume))):
        total[back:] += volume[:-back]
    return total


def _sums_before(values: Floats) -> Floats:
    """Return the sum of all values before each row, and of all."""
    return np.append(0.0, np.cumsum(values))


def _digested(volume: Floats) -> NDArray[np.generic]:
    """Return volumes as they were digested before they could be fractions: stored digests still hold."""
    counts = np.where(np.isnan(volume), UNKNOWN_DIGESTED, volume)
    whole = counts.astype(np.int64)
    return whole if (whole == counts).all() else counts
