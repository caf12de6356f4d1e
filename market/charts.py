"""What a chart draws: one stretch of bars and the gaps in it, oldest first."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.formatting import plain
from market import sessions
from market.models import Candle, Gap, Instrument
from market.prices import Timeframe, to_datetime, to_instant

SHADED = 500  # missing bars drawn per gap; a longer one is drawn shorter and says how long it is


@dataclass(frozen=True)
class Stretch:
    """The newest bars of those asked for and the gaps among them. `earlier`: there are bars before these."""

    instrument: Instrument
    timeframe: Timeframe
    candles: Sequence[Candle]
    gaps: Sequence[Gap]
    earlier: bool

    def drawn(self) -> dict[str, Any]:
        """Return what the chart's script reads. A time is a date for daily bars, else Unix seconds."""
        return {
            "bars": [self._bar(candle) for candle in self.candles],
            "gaps": list(self._shades()),
        }

    def _bar(self, candle: Candle) -> dict[str, Any]:
        return {
            "time": self.time(candle.opened_at),
            "open": candle.open,
            "high": candle.high,
            "low": candle.low,
            "close": candle.close,
            "volume": plain(candle.volume),
            "source": f"{candle.provider}, {candle.feed}",
            "extended": candle.session == Candle.Session.EXTENDED,
            "unfinished": not candle.is_final,
            "suspect": candle.suspect,
            "revisions": candle.revisions,
        }

    def time(self, at: datetime) -> str | int:
        return int(at.timestamp()) if self.timeframe.is_intraday else at.date().isoformat()

    def holding(self, opened_at: datetime, timeframe: Timeframe) -> Candle | None:
        """Return the bar that holds a bar of the same or a finer timeframe.

        None where it is not among these.
        """
        is_stamp = timeframe.is_intraday == self.timeframe.is_intraday
        at = opened_at if is_stamp else self._session_date(opened_at)
        place = bisect_right(self.candles, at, key=lambda candle: candle.opened_at) - 1
        candle = self.candles[place] if place >= 0 else None
        return candle if candle and at < candle.opened_at + self.timeframe.length else None

    def _session_date(self, at: datetime) -> datetime:
        """Return the stamp of the daily bar of an instant's session, which may have opened a day before."""
        near = sessions.load(self.instrument.calendar, at, at + timedelta(microseconds=1))
        return to_datetime(near.dates[0]) if len(near.dates) else at

    def _shades(self) -> Iterator[dict[str, Any]]:
        if not self.gaps:
            return
        first = min(gap.first_at for gap in self.gaps)
        trading_sessions = sessions.load(self.instrument.calendar, since=first)
        stored_stamps = np.array(
            [to_instant(candle.opened_at) for candle in self.candles], dtype="datetime64[us]"
        )
        for gap in self.gaps:
            span = to_instant(gap.first_at), to_instant(gap.last_at) + 1
            missing = trading_sessions.grid(self.timeframe, *span)
            missing = missing[~np.isin(missing, stored_stamps)][-SHADED:]
            if len(missing):
                yield {
                    "times": [self.time(to_datetime(at)) for at in missing],
                    "reason": gap.reason,
                    "name": gap.get_reason_display(),
                    "says": f"{gap.get_reason_display()}, {gap.bars:,} bars of {gap.timeframe} missing",
                }


def read(instrument: Instrument, timeframe: Timeframe, limit: int, before: datetime | None = None) -> Stretch:
    """Return the newest `limit` bars that opened before a moment.

    Candles are never counted: one more is read.
    """
    candles = Candle.objects.filter(symbol=instrument.pk, timeframe=timeframe)
    if before:
        candles = candles.filter(opened_at__lt=before)
    newest = list(candles.order_by("-opened_at")[: limit + 1])
    bars = newest[:limit][::-1]
    return Stretch(
        instrument, timeframe, bars, _gaps(bars, instrument, timeframe, before), len(newest) > limit
    )


def opened_after(instrument: Instrument, timeframe: Timeframe, at: datetime, count: int) -> datetime | None:
    """Return the opening of the `count`-th bar after an instant, of the last one when there are fewer."""
    later = Candle.objects.filter(symbol=instrument.pk, timeframe=timeframe, opened_at__gt=at)
    opened = list(later.order_by("opened_at").values_list("opened_at", flat=True)[:count])
    return opened[-1] if opened else None


def _gaps(
    shown: Sequence[Candle], instrument: Instrument, timeframe: Timeframe, before: datetime | None
) -> list[Gap]:
    """Return the gaps after the first bar. A built bar is missing when all that it is built from is."""
    if not shown:
        return []
    listed = Gap.objects.filter(
        symbol=instrument.pk,
        timeframe=timeframe.built_from or timeframe,
        last_at__gt=shown[0].opened_at,
    )
    if before:
        listed = listed.filter(first_at__lt=before)
    return list(listed.order_by("first_at", "pk"))


def stored_timeframes(symbol: str) -> list[Timeframe]:
    """Return the timeframes of which there is a bar: one index look-up for each, in one query."""
    first, *others = (
        Candle.objects.filter(symbol=symbol, timeframe=timeframe)
        .order_by()
        .values_list("timeframe", flat=True)[:1]
        for timeframe in Timeframe
    )
    stored = set(first.union(*others, all=True))
    return [timeframe for timeframe in Timeframe if timeframe.value in stored]
