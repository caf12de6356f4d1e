"""The page of an instrument: its chart, its gaps and its newest bars, each with where it came from."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from market import calendars, changes, words
from market.admin import health
from market.admin.recorded import ModelAdmin
from market.charts import Stretch, read, stored_timeframes
from market.models import Candle, Instrument, QuoteHistory, Split
from market.prices import Timeframe

IN_CHART = 1_000
IN_TABLE = 100
GAPS_IN_TABLE = 20
QUOTES_IN_TABLE = 20
FIRST_SHOWN = Timeframe.D1


@dataclass(frozen=True)
class Row:
    """A bar in the table, in words."""

    opened: str
    there: str
    prices: list[str]
    volume: str
    vwap: str
    candle: Candle


def page(request: HttpRequest, symbol: str, model_admin: ModelAdmin) -> HttpResponse:
    instrument = _instrument(request, symbol, model_admin)
    stored = stored_timeframes(instrument.pk)
    timeframe = _timeframe(request, stored)
    stretch, at = read(instrument, timeframe, IN_TABLE), timezone.now()
    context = model_admin.admin_site.each_context(request) | {
        "title": f"{instrument} {instrument.name}".strip(),
        "subtitle": timeframe.value,
        "opts": model_admin.opts,
        "instrument": instrument,
        "may_change": model_admin.has_change_permission(request, instrument),
        "timeframe": timeframe,
        "timeframes": [
            (one, one in stored, words.chart_address(instrument.pk, one.value)) for one in Timeframe
        ],
        "chart": _chart(instrument, timeframe),
        "rows": list(_rows(stretch)),
        "gaps": [_gap(gap) for gap in stretch.gaps[: -GAPS_IN_TABLE - 1 : -1]],
        "splits": Split.objects.filter(symbol=instrument.pk).order_by("-date"),
        "received": [_received(quote, instrument) for quote in _newest_quotes(instrument)],
        **_quote(instrument, at),
    }
    return TemplateResponse(request, "admin/market/instrument/chart.html", context)


def bars(request: HttpRequest, symbol: str, model_admin: ModelAdmin) -> HttpResponse:
    """The bars of the chart as JSON, the newest ones or those before a moment in Unix seconds."""
    instrument = _instrument(request, symbol, model_admin)
    timeframe, before = _timeframe(request, [FIRST_SHOWN]), None
    if "before" in request.GET:
        try:
            before = datetime.fromtimestamp(int(request.GET["before"]), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Http404("no such moment") from error
    stretch = read(instrument, timeframe, IN_CHART, before)
    earlier = None
    if stretch.earlier:
        first = int(stretch.candles[0].opened_at.timestamp())
        earlier = f"?{urlencode({'timeframe': timeframe.value, 'before': first})}"
    return JsonResponse(stretch.drawn() | {"earlier": earlier}, headers={"Cache-Control": "no-store"})


def _instrument(request: HttpRequest, symbol: str, model_admin: ModelAdmin) -> Instrument:
    instrument = get_object_or_404(Instrument, pk=unquote(symbol))
    if not model_admin.has_view_permission(request, instrument):
        raise PermissionDenied
    return instrument


def _timeframe(request: HttpRequest, stored: list[Timeframe]) -> Timeframe:
    """The one asked for. When none is, daily bars, or the finest there are."""
    asked = request.GET.get("timeframe")
    if asked is None:
        return FIRST_SHOWN if FIRST_SHOWN in stored or not stored else stored[0]
    try:
        return Timeframe(asked)
    except ValueError as error:
        raise Http404(f"no timeframe {asked}") from error


def _chart(instrument: Instrument, timeframe: Timeframe) -> dict[str, Any]:
    """What the script needs to know, as the data- attributes of its element."""
    address = reverse("admin:market_instrument_bars", args=[quote(instrument.pk)])
    zone = calendars.zone(instrument.calendar) if timeframe.is_intraday else None
    return {
        "bars": f"{address}?{urlencode({'timeframe': timeframe.value})}",
        "zone": zone.key if zone else "",
        "city": words.city(zone),
        "decimals": words.decimals(instrument),
    }


def _quote(instrument: Instrument, at: datetime) -> dict[str, Any]:
    """The newest quote in words, and how the instrument is doing."""
    view = changes.quotes_with_change([instrument.pk], at).get(instrument.pk)
    found = health.of(instrument, view)
    doing = {"health": words.dot(found.tone, found.value), "quote": None}
    if view is None:
        return doing
    return doing | {
        "quote": view.quote,
        "price": words.price(view.quote.price, instrument),
        "change": words.change(view.change, words.decimals(instrument)),
        "percent": words.change(view.change_percent, 2, " %"),
        "previous_close_on": view.previous_close_on,
        "age": words.ago(view.age),
    }


def _rows(stretch: Stretch) -> Iterator[Row]:
    """The newest first."""
    instrument, zone = stretch.instrument, calendars.zone(stretch.instrument.calendar)
    for candle in reversed(stretch.candles):
        there = candle.opened_at.astimezone(zone) if zone else None
        yield Row(
            opened=words.stamp(candle.opened_at, stretch.timeframe),
            there=f"{there:%a %H:%M}" if there and stretch.timeframe.is_intraday else "",
            prices=[
                words.price(one, instrument) for one in (candle.open, candle.high, candle.low, candle.close)
            ],
            volume=words.count(candle.volume),
            vwap=words.price(candle.vwap, instrument),
            candle=candle,
        )


def _gap(gap: Any) -> dict[str, Any]:
    return {
        "first": words.stamp(gap.first_at, gap.timeframe),
        "last": words.stamp(gap.last_at, gap.timeframe),
        "next": words.stamp(gap.next_attempt_at) if gap.next_attempt_at else "not tried any more",
        "gap": gap,
    }


def _newest_quotes(instrument: Instrument) -> QuerySet[QuoteHistory]:
    quotes = QuoteHistory.objects.filter(symbol=instrument.pk)
    return quotes.order_by("-as_of", "provider")[:QUOTES_IN_TABLE]


def _received(quote: QuoteHistory, instrument: Instrument) -> dict[str, Any]:
    return {
        "as_of": f"{quote.as_of:%Y-%m-%d %H:%M:%S}",
        "received": f"{quote.received_at:%Y-%m-%d %H:%M:%S}",
        "prices": [words.price(one, instrument) for one in (quote.price, quote.bid, quote.ask)],
        "quote": quote,
    }
