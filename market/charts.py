"""What a chart draws: a stretch of bars and the gaps in it, oldest first, on the basis asked for."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np
from django.db.models import OuterRef, Subquery

from core.formatting import plain
from market import calendars, sessions
from market.models import Candle, CorporateAction, Gap, Instrument, Split
from market.prices import Timeframe, to_datetime, to_instant
from market.queries import prices
from market.share_basis.total_return import Step, dividend_factor, factors

DATED = (Timeframe.D1, Timeframe.W1)  # stamped with their date, whatever the zone
SHADED = 500  # missing bars drawn per gap; a longer one is drawn shorter and says how long it is


class Basis(StrEnum):
    """Of which shares prices are: of their own day, of today (as stored), or with dividends put back."""

    RAW = "raw"
    SPLIT = "split"
    TOTAL = "total"


@dataclass(frozen=True)
class Stretch:
    """The newest bars of those asked for and the gaps among them. `earlier`: there are bars before these.

    `left_out`: the ex-dates of dividends that are not in a total return, without a close before them.
    """

    instrument: Instrument
    timeframe: Timeframe
    candles: Sequence[Candle]
    gaps: Sequence[Gap]
    earlier: bool
    left_out: Sequence[date] = ()

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


def read(
    instrument: Instrument,
    timeframe: Timeframe,
    limit: int,
    before: datetime | None = None,
    basis: Basis = Basis.SPLIT,
) -> Stretch:
    """Return the newest `limit` bars that opened before a moment.

    Candles are never counted: one more is read.
    """
    candles = Candle.objects.filter(symbol=instrument.pk, timeframe=timeframe)
    if before:
        candles = candles.filter(opened_at__lt=before)
    newest = list(candles.order_by("-opened_at")[: limit + 1])
    bars = newest[:limit][::-1]
    left_out = _restate(bars, instrument, basis)
    gaps = _gaps(bars, instrument, timeframe, before)
    return Stretch(instrument, timeframe, bars, gaps, len(newest) > limit, left_out)


def _restate(bars: Sequence[Candle], instrument: Instrument, basis: Basis) -> list[date]:
    """Put bars as they were read on another basis. Return the ex-dates that could not be counted."""
    if not bars or basis is Basis.SPLIT:
        return []
    zone = calendars.zone(instrument.calendar) or UTC
    opened = [bar.opened_at if bar.timeframe in DATED else bar.opened_at.astimezone(zone) for bar in bars]
    days = np.array([at.date() for at in opened], dtype="datetime64[D]")
    ratios = list(Split.objects.filter(symbol=instrument.pk).values_list("date", "ratio"))
    steps, left_out = ratios, list[date]()
    if basis is Basis.TOTAL:
        steps, left_out = _dividend_steps(instrument, opened[0].date(), ratios)
    for bar, factor in zip(bars, factors(days, steps).tolist(), strict=True):
        _scale(bar, factor)
        if basis is Basis.RAW and bar.volume is not None:
            bar.volume /= factor
    return left_out


def _dividend_steps(
    instrument: Instrument, since: date, ratios: Sequence[Step]
) -> tuple[list[Step], list[date]]:
    """Return the factor of each dividend after a day, and the ex-dates of those that have none."""
    closes = Candle.objects.filter(
        symbol=OuterRef("symbol"), timeframe=Timeframe.D1, opened_at__lt=OuterRef("ex_date"), is_final=True
    )
    dividends = CorporateAction.objects.dividends().filter(
        symbol=instrument.pk, currency=instrument.currency, ex_date__gt=since
    )
    close = Subquery(closes.order_by("-opened_at").values("close")[:1])
    steps, left_out = [], []
    for ex_date, amount, last in dividends.order_by("ex_date").values_list("ex_date", "amount", close):
        # Stored closes are of today's shares: so must the dividend be.
        today = float(amount) / prod(ratio for day, ratio in ratios if day > ex_date)
        factor = dividend_factor(today, last) if last else None
        if factor is None:
            left_out.append(ex_date)
        else:
            steps.append((ex_date, factor))
    return steps, left_out


def _scale(bar: Candle, factor: float) -> None:
    bar.open, bar.high, bar.low, bar.close = (
        price * factor for price in (bar.open, bar.high, bar.low, bar.close)
    )
    bar.vwap = None if bar.vwap is None else bar.vwap * factor


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
    """Return the timeframes of which there is a bar. One query."""
    stored = prices.stored_timeframes(symbol, [timeframe.value for timeframe in Timeframe])
    return [timeframe for timeframe in Timeframe if timeframe.value in stored]
