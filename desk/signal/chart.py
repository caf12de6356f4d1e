"""A signal in its chart: the bars its strategy saw, what it looked at, its levels, what happened since."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.models import Outcome
from core import formatting
from desk.page import part
from market import calendars, charts
from market import formatting as market_formatting
from market.charts import Stretch
from market.ingestion import schedule
from market.models import Candle, Instrument
from market.prices import Timeframe, to_datetime
from signals.charts import studies, thumbnail
from signals.models import Signal

BEFORE, AFTER = 180, 120  # bars that are read at most; the chart shows the last of those before at first
# The levels, and how the chart's legend calls their colours.
LEVELS = {"entry": "entry_price", "stop": "stop_loss", "target": "take_profit"}
STUDY_COLOURS = ("one", "two", "three")


def element(signal: Signal, instrument: Instrument | None) -> dict[str, Any]:
    """Return what the script needs, as the data- attributes of its element, and what its legend names."""
    is_intraday = Timeframe(signal.timeframe).is_intraday
    zone = calendars.zone(instrument.calendar) if instrument and is_intraday else None
    plots = studies.plots_of(signal)
    return {
        "bars": reverse("signal-bars", args=[signal.pk]),
        "viewer": formatting.viewer(),
        "zone": zone.key if zone else "",
        "city": formatting.city(zone),
        "decimals": market_formatting.decimals(instrument) if instrument else 2,
        "studies": list(zip(STUDY_COLOURS, plots, strict=False)),
    }


@part
@require_GET
def bars(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer with the bars around the signal's as JSON, with its levels, studies and markers."""
    signal = get_object_or_404(Signal, pk=pk)
    instrument = get_object_or_404(Instrument, pk=signal.symbol)
    stretch = _around(signal, instrument)
    drawn = stretch.drawn() | {"earlier": None, "spoke": stretch.time(signal.bar_opened_at)}
    shares, end = thumbnail.shares(signal), Outcome.objects.of_signals([signal]).get(signal.pk)
    drawn["lines"] = [
        {"title": name, "colour": name, "price": float(getattr(signal, field)) / shares}
        for name, field in LEVELS.items()
    ]
    drawn["series"] = list(_series(signal, stretch))
    ended = _ended(stretch, end)
    drawn["markers"] = list(_markers(signal, stretch, end, ended))
    drawn["says"] = " ".join(_says(signal, stretch, end, ended))
    return JsonResponse(drawn, headers={"Cache-Control": "no-store"})


def _around(signal: Signal, instrument: Instrument) -> Stretch:
    """Return the bars before the signal's, and the first after it."""
    timeframe, at = Timeframe(signal.timeframe), signal.bar_opened_at
    after = charts.opened_after(instrument, timeframe, at, AFTER)
    until = after or at
    return charts.read(instrument, timeframe, BEFORE + AFTER, until + timedelta(microseconds=1))


def _series(signal: Signal, stretch: Stretch) -> Iterator[dict[str, Any]]:
    if not stretch.candles:
        return
    since, until = stretch.candles[0].opened_at, stretch.candles[-1].opened_at
    drawn = studies.of(signal, since, until + timedelta(microseconds=1))
    for colour, study in zip(STUDY_COLOURS, drawn, strict=False):
        bars_with_value = np.flatnonzero(~np.isnan(study.values))
        yield {
            "title": study.plot.title,
            "colour": colour,
            "histogram": study.plot.is_histogram,
            "pane": 0 if study.plot.on_price else 1,
            "levels": list(study.plot.levels),
            "points": [
                {"time": stretch.time(to_datetime(study.bars.opened_at[i])), "value": float(study.values[i])}
                for i in bars_with_value
            ],
        }


def _ended(stretch: Stretch, end: Outcome | None) -> Candle | None:
    """Return the bar in which the proposed trade would have ended; None when it is not among these."""
    if end is None or end.exited_at is None or end.r is None:
        return None
    return stretch.holding(end.exited_at, Timeframe(end.played_on))


def _result(end: Outcome) -> str:
    return f"{end.get_end_display().lower()}, {end.r:+.1f} R"


def _says(signal: Signal, stretch: Stretch, end: Outcome | None, ended: Candle | None) -> Iterator[str]:
    """Yield what the chart cannot show."""
    if not stretch.candles:
        yield schedule.nothing_stored(stretch.instrument, stretch.timeframe)
    elif signal.bar_opened_at not in {candle.opened_at for candle in stretch.candles}:
        yield "The bar that spoke is no longer among the stored ones."
    if end is not None and end.exited_at is not None and end.r is not None and ended is None:
        at = market_formatting.here(end.exited_at, end.played_on)
        zone = f" {timezone.localtime(end.exited_at):%Z}" if Timeframe(end.played_on).is_intraday else ""
        yield f"It ended at {at}{zone} ({_result(end)}): that bar is not among those of this chart."


def _markers(
    signal: Signal, stretch: Stretch, end: Outcome | None, ended: Candle | None
) -> Iterator[dict[str, Any]]:
    """Yield the signal's bar, and where the proposed trade would have ended."""
    yield {
        "id": "spoke",
        "time": stretch.time(signal.bar_opened_at),
        "kind": signal.signal_type.lower(),
        "text": signal.signal_type,
    }
    if end is not None and ended is not None:
        yield {"id": "end", "time": stretch.time(ended.opened_at), "kind": "end", "text": _result(end)}
