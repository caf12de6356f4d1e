"""The page of an instrument: its chart with the signals, its gaps, bars and quotes, each with its source."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypedDict
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.models import AccountSnapshot, Outcome
from core import formatting
from core.formatting import Figure
from core.queries import only
from desk import corporate_actions, opinions
from desk.page import page, part, show
from market import calendars, quotes
from market import formatting as market_formatting
from market.charts import Basis, Stretch, read, stored_timeframes
from market.ingestion import schedule
from market.models import Fault, Instrument, QuoteHistory, Split, SymbolChange, UnexplainedMove
from market.prices import Timeframe
from market.quotes import rates
from signals.models import Signal

IN_CHART = 1_000
IN_TABLE = 100
GAPS_IN_TABLE = 20
QUOTES_IN_TABLE = 20
SIGNALS_IN_TABLE = 20
FIRST_SHOWN = Timeframe.D1
BASES = {Basis.SPLIT: "split-adjusted", Basis.RAW: "raw", Basis.TOTAL: "total return"}


class Row(TypedDict):
    """A bar in the table as it is written: a page has a hundred, so its template works out nothing."""

    opened: str
    exchange_time: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    vwap: str
    provider: str
    feed: str
    session: str
    final: str
    suspect: str
    revisions: Figure


@page
@require_GET
def instrument(request: HttpRequest, symbol: str) -> HttpResponse:
    instrument, at = only(_with_splits().filter(pk=symbol)), timezone.now()
    if instrument is None:
        return _renamed(request, symbol)
    stored = stored_timeframes(instrument.pk)
    timeframe = _timeframe(request, stored)
    basis = _basis(request)
    stretch = read(instrument, timeframe, IN_TABLE, basis=basis)
    view = quotes.quotes_with_change([instrument.pk], at).get(instrument.pk)
    context = {
        "instrument": instrument,
        "timeframe": timeframe,
        "timeframes": [(each, each in stored) for each in Timeframe],
        "chart": _chart(instrument, timeframe, basis),
        "bases": [(name, title, name is basis) for name, title in BASES.items()],
        "basis": basis,
        "left_out": stretch.left_out,
        "facts": _facts(stretch),
        "nothing": schedule.nothing_stored(instrument, timeframe),
        "rows": list(_rows(stretch)),
        "gaps": [_gap(gap) for gap in stretch.gaps[: -GAPS_IN_TABLE - 1 : -1]],
        "splits": instrument.splits,  # type: ignore[attr-defined]  # annotated
        "actions": corporate_actions.newest(instrument, at),
        "reports": corporate_actions.reports(instrument, at),
        "received": [_received(quote, instrument) for quote in _newest_quotes(instrument)],
        "view": view,
        "states": market_formatting.quote_states(view.quote, instrument) if view else [],
        "exchange_rate": _exchange_rate(instrument, at),
        "former": _former_names(instrument),
        "signals": _signals(instrument, timeframe),
        "moves": instrument.moves,  # type: ignore[attr-defined]  # annotated
        "faults": instrument.faults,  # type: ignore[attr-defined]  # annotated
    }
    context |= opinions.for_instrument(instrument)
    return show(request, "desk/instrument.html", at, context)


@part
@require_GET
def bars(request: HttpRequest, symbol: str) -> HttpResponse:
    """Answer with the chart's bars as JSON: the newest, or those before a moment in Unix seconds."""
    instrument = get_object_or_404(Instrument, pk=symbol)
    timeframe, before = _timeframe(request, [FIRST_SHOWN]), None
    if "before" in request.GET:
        try:
            before = datetime.fromtimestamp(int(request.GET["before"]), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise Http404("no such moment") from error
    basis = _basis(request)
    stretch = read(instrument, timeframe, IN_CHART, before, basis)
    earlier = None
    if stretch.earlier:
        first = int(stretch.candles[0].opened_at.timestamp())
        earlier = f"?{urlencode({'timeframe': timeframe.value, 'before': first} | _of(basis))}"
    drawn = stretch.drawn() | {"earlier": earlier, "markers": list(_markers(stretch))}
    return JsonResponse(drawn, headers={"Cache-Control": "no-store"})


def _renamed(request: HttpRequest, symbol: str) -> HttpResponse:
    """Lead from an old symbol to the instrument that had it, to the same view."""
    change = SymbolChange.objects.filter(old=symbol).order_by("-since").first()
    if change is None:
        raise Http404(f"no instrument {symbol}")
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(reverse("instrument", args=[change.new]) + query)


def _former_names(instrument: Instrument) -> list[SymbolChange]:
    """Return what it was called before, and until when. A query for those that were called otherwise."""
    is_renamed: bool = instrument.is_renamed  # type: ignore[attr-defined]  # annotated
    return SymbolChange.objects.all().leading_to(instrument.pk) if is_renamed else []


def _exchange_rate(instrument: Instrument, at: datetime) -> dict[str, object] | None:
    """Return what the instrument's currency is worth in the account's; None where they are one."""
    account = AccountSnapshot.objects.order_by("-at").values_list("currency", flat=True).first()
    if account in (None, instrument.currency):
        return None
    try:
        known = rates.Rates.load([instrument.currency, account], at)
        return {"into": account, "rate": known.between(instrument.currency, account)}
    except rates.NoRate as refusal:
        return {"into": account, "why": str(refusal)}


def _with_splits() -> QuerySet[Instrument]:
    """Annotate each instrument with its splits and unexplained moves, newest first, and what fails of it."""
    columns = JSONObject(date="date", ratio="ratio", source="source")
    splits = Split.objects.filter(symbol=OuterRef("pk")).order_by("-date").values(columns=columns)
    columns = JSONObject(work="work", part="part", source="source", failures="failures", reason="reason")
    failing = Fault.objects.lasting().filter(subject__in=[OuterRef("pk"), OuterRef("calendar")])
    moves = UnexplainedMove.objects.open().filter(symbol=OuterRef("pk")).order_by("-date")
    about = JSONObject(pk="pk", date="date", close_before="close_before", open_after="open_after")
    return Instrument.objects.annotate(
        splits=ArraySubquery(splits),
        faults=ArraySubquery(failing.values(columns=columns)),
        moves=ArraySubquery(moves.values(columns=about)),
        is_renamed=Exists(SymbolChange.objects.filter(new=OuterRef("pk"))),
    )


def _signals(instrument: Instrument, timeframe: Timeframe) -> list[tuple[Signal, Outcome | None]]:
    """Return the newest signals of this timeframe, each with its outcome."""
    signals = Signal.objects.filter(symbol=instrument.pk, timeframe=timeframe).order_by("-generated_at", "id")
    newest = list(signals[:SIGNALS_IN_TABLE])
    outcomes = Outcome.objects.of_signals(newest)
    return [(signal, outcomes.get(signal.pk)) for signal in newest]


def _markers(stretch: Stretch) -> Iterator[dict[str, Any]]:
    """Yield the signals among these bars with their outcomes, as the chart marks them."""
    if not stretch.candles:
        return
    first, last = stretch.candles[0].opened_at, stretch.candles[-1].opened_at
    signals = Signal.objects.filter(
        symbol=stretch.instrument.pk, timeframe=stretch.timeframe, bar_opened_at__range=(first, last)
    ).order_by("bar_opened_at", "id")
    outcomes = Outcome.objects.of_signals(signals)
    for signal in signals:
        outcome = outcomes.get(signal.pk)
        yield {
            "id": signal.pk,
            "time": stretch.time(signal.bar_opened_at),
            "kind": signal.signal_type.lower(),
            "text": "" if outcome is None or outcome.r is None else f"{outcome.r:+.1f} R",
        }


def _timeframe(request: HttpRequest, stored: list[Timeframe]) -> Timeframe:
    """Return the timeframe of the request; without one daily bars, or the finest there are."""
    name = request.GET.get("timeframe")
    if name is None:
        return FIRST_SHOWN if FIRST_SHOWN in stored or not stored else stored[0]
    try:
        return Timeframe(name)
    except ValueError as error:
        raise Http404(f"no timeframe {name}") from error


def _basis(request: HttpRequest) -> Basis:
    """Return the basis of prices of the request; without one the stored one."""
    try:
        return Basis(request.GET.get("prices", Basis.SPLIT))
    except ValueError as error:
        raise Http404("no such prices") from error


def _of(basis: Basis) -> dict[str, str]:
    """Return the basis as a part of an address; the usual one needs none."""
    return {} if basis is Basis.SPLIT else {"prices": basis.value}


def _chart(instrument: Instrument, timeframe: Timeframe, basis: Basis) -> dict[str, Any]:
    """Return what the script needs, as the data- attributes of its element."""
    address = reverse("instrument-bars", args=[instrument.pk])
    zone = calendars.zone(instrument.calendar) if timeframe.is_intraday else None
    return {
        "bars": f"{address}?{urlencode({'timeframe': timeframe.value} | _of(basis))}",
        "viewer": formatting.viewer(),
        "zone": zone.key if zone else "",
        "city": formatting.city(zone),
        "decimals": market_formatting.decimals(instrument),
    }


def _facts(stretch: Stretch) -> str:
    """Return in words what the newest part of the chart shows."""
    if not stretch.candles:
        return ""
    first, last = stretch.candles[0], stretch.candles[-1]
    low, high, close = (
        market_formatting.price(value, stretch.instrument)
        for value in (
            min(candle.low for candle in stretch.candles),
            max(candle.high for candle in stretch.candles),
            last.close,
        )
    )
    since, until = (market_formatting.here(bar.opened_at, stretch.timeframe) for bar in (first, last))
    return (
        f"The newest {len(stretch.candles)} bars, from {since} to {until}: between {low} and {high},"
        f" the last close {close}."
    )


def _rows(stretch: Stretch) -> Iterator[Row]:
    """Yield the bars of the table, the newest first."""
    instrument, zone = stretch.instrument, calendars.zone(stretch.instrument.calendar)
    for candle in reversed(stretch.candles):
        local = candle.opened_at.astimezone(zone) if zone else None
        yield {
            "opened": market_formatting.here(candle.opened_at, stretch.timeframe),
            "exchange_time": f"{local:%a %H:%M}" if local and stretch.timeframe.is_intraday else "",
            "open": market_formatting.price(candle.open, instrument),
            "high": market_formatting.price(candle.high, instrument),
            "low": market_formatting.price(candle.low, instrument),
            "close": market_formatting.price(candle.close, instrument),
            "volume": market_formatting.volume(candle.volume),
            "vwap": market_formatting.price(candle.vwap, instrument),
            "provider": candle.provider,
            "feed": candle.feed,
            "session": candle.session,
            "final": "final" if candle.is_final else "not yet",
            "suspect": "suspect" if candle.suspect else "",
            "revisions": Figure(candle.revisions),
        }


def _gap(gap: Any) -> dict[str, Any]:
    return {
        "first": market_formatting.here(gap.first_at, gap.timeframe),
        "last": market_formatting.here(gap.last_at, gap.timeframe),
        "next": market_formatting.here(gap.next_attempt_at) if gap.next_attempt_at else "not tried any more",
        "gap": gap,
    }


def _newest_quotes(instrument: Instrument) -> QuerySet[QuoteHistory]:
    quotes = QuoteHistory.objects.filter(symbol=instrument.pk)
    return quotes.order_by("-as_of", "provider")[:QUOTES_IN_TABLE]


def _received(quote: QuoteHistory, instrument: Instrument) -> dict[str, Any]:
    return {
        "as_of": f"{quote.as_of:%Y-%m-%d %H:%M:%S}",
        "received": f"{quote.received_at:%Y-%m-%d %H:%M:%S}",
        "prices": [
            market_formatting.price(value, instrument) for value in (quote.price, quote.bid, quote.ask)
        ],
        "quote": quote,
    }
