"""The home page: the watchlist with its quotes, the pending signals, the positions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypedDict

from django.core.paginator import Page
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import positions
from approvals.models import Order
from core.formatting import Figure
from core.paging import paged
from desk import status_bar
from desk.page import note_visit, page, show, without_page
from desk.refresh import is_refresh, pending_of
from market import formatting as market_formatting
from market import quotes
from market.models import Instrument, SymbolChange, Watchlist
from market.queries.prices import PriceLine, price_lines
from market.quotes import QuoteView
from market.templatetags import figures
from signals.models import Signal

SIGNALS = 10  # the soonest to expire
PER_PAGE = 40
MOST_LISTS = 200
LINE_POINTS = 40  # bars
LINE_WIDTH, LINE_HEIGHT = 96.0, 24.0


class WatchlistRow(TypedDict):
    """A line of the table as it is written: a page has many, so its template has nothing left to work out.

    `price`, `change` and `age` are empty while there is no quote. `range`: of the day, with the newest price.
    `states`: what is out of the ordinary with the quote.
    """

    symbol: str
    name: str
    address: str
    price: str
    change: str
    range: str
    points: str
    age: str
    stale: bool
    states: list[str]


@page
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    if note_visit(request, at).is_untold and not is_refresh(request):
        return redirect("away")
    book = positions.Book.load(at)
    pending = pending_of(request) or positions.SignalCounts.load(at)
    context = _context(request, at, book)
    context["measured"] = pending.total - pending.actionable(book.longs)
    if not is_refresh(request):
        context["status_bar"] = status_bar.load(at, book.longs, pending)
    return show(request, "desk/home.html", at, context)


def _context(request: HttpRequest, at: datetime, book: positions.Book) -> dict[str, Any]:
    search = request.GET.get("search", "").strip()[:16]
    lists = list(Watchlist.objects.order_by("name", "pk")[:MOST_LISTS])
    chosen = next((row for row in lists if str(row.pk) == request.GET.get("list")), None)
    instruments = _watchlist(search, chosen, request.GET.get("page"))
    actionable = book.actionable(Signal.objects.pending(at))
    return {
        "page": instruments,
        "search": search,
        "lists": lists,
        "chosen": chosen,
        "others": without_page(request),
        "rows": watchlist_rows(instruments, at),
        "signals": actionable.with_conflict(at).order_by("expires_at", "id")[:SIGNALS],
        "positions": book.protected(),
        "account": book.account,
        "held_orders": sum(order.status == Order.Status.HELD for order in book.orders),
    }


def _watchlist(search: str, chosen: Watchlist | None, number: str | None) -> Page[Instrument]:
    """Return a page of what is watched: of a list in its order, of symbols or names that begin so."""
    watched = Instrument.objects.watched().only("symbol", "name", "tick_size").order_by("symbol")
    if chosen:
        watched = watched.filter(entries__watchlist=chosen).order_by("entries__position", "symbol")
    if search:
        renamed = SymbolChange.objects.filter(old__istartswith=search).values("new")
        watched = watched.filter(
            Q(symbol__istartswith=search) | Q(name__istartswith=search) | Q(symbol__in=renamed)
        )
    return paged(watched, number, PER_PAGE)


def watchlist_rows(instruments: Iterable[Instrument], at: datetime) -> list[WatchlistRow]:
    """Return the lines of the watchlist: figures, the day's range and the points of the price line."""
    symbols = [instrument.pk for instrument in instruments]
    views, lines = quotes.quotes_with_change(symbols, at), price_lines(symbols, LINE_POINTS, at)
    return [
        _watchlist_row(instrument, views.get(instrument.pk), lines[instrument.pk], at)
        for instrument in instruments
    ]


def _watchlist_row(
    instrument: Instrument, view: QuoteView | None, line: PriceLine, at: datetime
) -> WatchlistRow:
    low, high = line.low, line.high
    if view and view.quote.is_believed and low is not None and high is not None:
        low, high = min(low, view.quote.price), max(high, view.quote.price)
    return {
        "symbol": instrument.symbol,
        "name": figures.short(instrument.name, 24),
        "address": market_formatting.chart_address(instrument.symbol),
        "price": figures.price(view.quote.price, instrument) if view else "",
        "change": figures.change(view.change_percent, 2, " %") if view else "",
        "range": Figure(f"{figures.price(low, instrument)} to {figures.price(high, instrument)}"),
        "points": line_points(line.closes),
        "age": figures.age(view.quote.as_of, at, view.quote.delay_seconds) if view else "",
        "stale": view is not None and view.stale,
        "states": market_formatting.quote_states(view.quote, instrument) if view else [],
    }


def line_points(closes: Sequence[float]) -> str:
    """Return the closes as "x,y" pairs that fill the drawing; empty below two of them."""
    if len(closes) < 2:
        return ""
    low, bottom = min(closes), LINE_HEIGHT - 1
    scale = (LINE_HEIGHT - 2) / ((max(closes) - low) or 1)
    return Figure(_line(len(closes)) % tuple([bottom - (close - low) * scale for close in closes]))


@cache
def _line(count: int) -> str:
    """Return so many evenly spaced points, whose heights are still to be filled in."""
    step = LINE_WIDTH / (count - 1)
    return " ".join([f"{number * step:.1f},%.1f" for number in range(count)])
