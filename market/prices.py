"""Plain values: timeframes, quotes and bars. No Django, no clock.

Instants inside arrays are `datetime64[us]` in UTC; single instants are aware `datetime`s.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]
Flags = NDArray[np.bool_]

INSTANT = np.dtype("datetime64[us]")
# In place of a moment that a vendor gave in another unit than it says (seconds for milliseconds).
IN_WRONG_UNIT = np.datetime64("9999-12-31", "us")


class Timeframe(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"
    W1 = "1w"

    @property
    def length(self) -> timedelta:
        return LENGTHS[self]

    @property
    def is_intraday(self) -> bool:
        return self.length < timedelta(days=1)

    @property
    def built_from(self) -> "Timeframe | None":
        """The finer timeframe this one is built from, or None when it is fetched from a provider."""
        return {Timeframe.H1: Timeframe.M15, Timeframe.W1: Timeframe.D1}.get(self)


LENGTHS = {
    Timeframe.M1: timedelta(minutes=1),
    Timeframe.M5: timedelta(minutes=5),
    Timeframe.M15: timedelta(minutes=15),
    Timeframe.H1: timedelta(hours=1),
    Timeframe.D1: timedelta(days=1),
    Timeframe.W1: timedelta(weeks=1),
}


class Feed(StrEnum):
    LIVE = "live"
    DELAYED = "delayed"
    SIMULATED = "simulated"
    IMPORTED = "imported"


class Doubt(StrEnum):
    """Why a price is not believed yet."""

    OUTSIDE_BOOK = "outside_book"
    FAR_FROM_LAST = "far_from_last"
    OFF_SCALE = "off_scale"


def to_instant(at: datetime) -> np.datetime64:
    """Return an aware datetime as `datetime64[us]` UTC. Raises ValueError when it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")


def to_datetime(instant: np.datetime64) -> datetime:
    """Return a `datetime64` as an aware datetime in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        microseconds=int(instant.astype(INSTANT).astype(np.int64))
    )


@dataclass(frozen=True, slots=True)
class QuoteTick:
    """The newest trade of an instrument with the book around it, as a provider gave it.

    Prices in the instrument's currency, sizes and volume (of the day) in shares or parts of one. None: not
    given. `halt`: why trading is halted, where the provider says so; `tells_halts`: whether it does. `doubt`:
    our judgement, why the price is not believed yet.
    """

    symbol: str
    price: float
    as_of: datetime
    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None
    volume: float | None = None
    exchange: str = ""
    halt: str = ""
    doubt: Doubt | None = None
    tells_halts: bool = True


@dataclass(frozen=True)
class Bars:
    """Bars of one symbol and timeframe as columns of equal length, oldest first.

    `opened_at` datetime64[us] UTC (a daily bar: 00:00 of its session's date); open, high, low, close and vwap
    float64 in the instrument's currency (vwap NaN when not given); volume float64 in shares, which may be
    parts of one (NaN when not given; zero is a bar without a trade); `regular` whether the bar lies in the
    regular session; `final` whether it can no longer change; `suspect` whether a jump in it waits for
    confirmation.
    """

    opened_at: Instants
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    vwap: Floats
    regular: Flags
    final: Flags
    suspect: Flags

    def __len__(self) -> int:
        return len(self.opened_at)

    def __getitem__(self, rows: "slice | Flags | NDArray[np.intp]") -> "Bars":
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))

    @classmethod
    def of(
        cls,
        opened_at: Instants | Sequence[np.datetime64],
        open: Floats | Sequence[float],
        high: Floats | Sequence[float],
        low: Floats | Sequence[float],
        close: Floats | Sequence[float],
        volume: Floats | NDArray[np.int64] | Sequence[float],
        vwap: Floats | Sequence[float] | None = None,
    ) -> "Bars":
        """Return bars as a provider gives them: not yet judged, so regular, not final and not suspect."""
        stamps = np.asarray(opened_at, dtype=INSTANT)
        size = len(stamps)
        return cls(
            opened_at=stamps,
            open=np.asarray(open, dtype=np.float64),
            high=np.asarray(high, dtype=np.float64),
            low=np.asarray(low, dtype=np.float64),
            close=np.asarray(close, dtype=np.float64),
            volume=np.asarray(volume, dtype=np.float64),
            vwap=np.full(size, np.nan) if vwap is None else np.asarray(vwap, dtype=np.float64),
            regular=np.ones(size, dtype=np.bool_),
            final=np.zeros(size, dtype=np.bool_),
            suspect=np.zeros(size, dtype=np.bool_),
        )

    @classmethod
    def empty(cls) -> "Bars":
        return cls.of([], [], [], [], [], [])

    @classmethod
    def join(cls, parts: Iterable["Bars"]) -> "Bars":
        """Return the bars of several, one after the other, in the order given."""
        kept = list(parts)
        if not kept:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, name) for part in kept]) for name in COLUMNS))

    def rows(self) -> Iterator[tuple[datetime, float, float, float, float, float]]:
        """Yield (opened_at, open, high, low, close, volume) one bar at a time, for tests and small tables."""
        for i in range(len(self)):
            yield (
                to_datetime(self.opened_at[i]),
                float(self.open[i]),
                float(self.high[i]),
                float(self.low[i]),
                float(self.close[i]),
                float(self.volume[i]),
            )


COLUMNS = tuple(field.name for field in fields(Bars))


def aggregate(bars: Bars, buckets: Instants) -> Bars:
    """Return one bar for each bucket: `buckets` names for every bar the opening of the bucket it belongs to.

    Both are oldest first and of equal length. A bucket's vwap is weighted over the bars that have one; its
    volume is known when that of all its bars is; it is regular and final when all its bars are, and suspect
    when any is.
    """
    if not len(bars):
        return bars
    starts = np.concatenate([[0], np.flatnonzero(buckets[1:] != buckets[:-1]) + 1])
    ends = np.append(starts[1:], len(bars)) - 1
    return Bars(
        opened_at=buckets[starts].astype(INSTANT),
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[ends],
        volume=np.add.reduceat(bars.volume, starts),  # NaN where one is
        vwap=_vwap(bars, starts),
        regular=np.logical_and.reduceat(bars.regular, starts),
        final=np.logical_and.reduceat(bars.final, starts),
        suspect=np.logical_or.reduceat(bars.suspect, starts),
    )


def _vwap(bars: Bars, starts: NDArray[np.intp]) -> Floats:
    weights = np.where(np.isnan(bars.vwap) | np.isnan(bars.volume), 0, bars.volume)
    traded = np.add.reduceat(weights, starts)
    turnover = np.add.reduceat(weights * np.nan_to_num(bars.vwap), starts)
    vwap = np.full(len(starts), np.nan)
    np.divide(turnover, traded, out=vwap, where=traded > 0)
    return vwap
