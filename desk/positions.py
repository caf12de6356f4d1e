"""The positions page: positions with their result, orders with their events, exits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings as django_settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import F, Prefetch, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals import decisions, exits, positions, proposals
from approvals.brokers import registry
from approvals.entry_check import NEAR, format_price
from approvals.gate import State
from approvals.models import Fill, Order, QuarantinedRow, TradeApproval, WaitingDividend
from approvals.positions.protection import Protected
from approvals.positions.trades import naming
from approvals.queries.orders import OrderEvent, order_events
from core.formatting import axis_ticks
from core.paging import paged
from desk import drifts, settlement, status_bar
from desk.forms import OverridesForm, SettlementForm
from desk.page import APPROVE, TRADE, page, part, show, viewer, without_page
from desk.refresh import pending_of
from market import sessions
from market.formatting import quote_states
from market.models import Instrument, Quote
from market.queries.instruments import newest_quotes

PER_PAGE, FILLS, NOTES = 25, 50, 2000
QUARANTINED = 20  # rows of the broker that are shown
HELD = Order.Status.HELD
SPANS = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "all": None,
}


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 2, 2, 10, 24  # of the equity curve


@dataclass(frozen=True)
class HeldOrder:
    """An order that needs a new look, with what releasing it does now; None for a closing."""

    order: Order
    proposal: proposals.Proposal | None

    @property
    def text(self) -> str:
        return proposals.describe(self.proposal) if self.proposal else "Closes the position at the market."

    @property
    def figures(self) -> dict[str, str]:
        """Return the figures sent along, so that what is released is what is shown."""
        if self.proposal is None or self.proposal.limit_price is None:
            return {}
        return {
            "quantity": f"{self.proposal.quantity}",
            "limit_price": format_price(self.proposal.limit_price),
            "terms": proposals.terms(self.proposal),
        }

    @property
    def problems(self) -> list[str]:
        return self.proposal.problems if self.proposal else []


@dataclass(frozen=True)
class Tick:
    y: float
    label: str


@dataclass(frozen=True)
class EquityCurve:
    """A line over time. `points`: "x,y" pairs; empty below two values."""

    points: str
    ticks: Sequence[Tick]
    first: datetime | None
    last: datetime | None
    low: Decimal | None
    high: Decimal | None

    @classmethod
    def of(cls, values: Sequence[tuple[datetime, Decimal]]) -> "EquityCurve":
        if len(values) < 2:
            return cls("", [], None, None, None, None)
        times, heights = [at.timestamp() for at, _ in values], [float(value) for _, value in values]
        low, high = min(heights), max(heights)
        margin = (high - low) * 0.05 or max(abs(high) * 0.001, 1.0)
        bottom, top = low - margin, high + margin
        scale = (WIDTH - LEFT - RIGHT) / (times[-1] - times[0])

        def y(value: float) -> float:
            return TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

        points = " ".join(
            f"{LEFT + (at - times[0]) * scale:.1f},{y(value):.1f}"
            for at, value in zip(times, heights, strict=True)
        )
        marks = [Tick(round(y(value), 1), f"{value:,.0f}") for value in axis_ticks(bottom, top)]
        lowest, highest = min(value for _, value in values), max(value for _, value in values)
        return cls(points, marks, values[0][0], values[-1][0], lowest, highest)


def _with_states(positions: Sequence[Protected]) -> list[tuple[Protected, list[str]]]:
    """Return each with what is out of the ordinary with its quote, or its delisting. Two queries."""
    symbols = [protected.position.symbol for protected in positions]
    quotes = newest_quotes(symbols)
    gone = dict(Instrument.objects.gone().filter(pk__in=symbols).values_list("symbol", "delisted_on"))
    return [(protected, _states(protected.position.symbol, quotes, gone)) for protected in positions]


def _states(symbol: str, quotes: Mapping[str, Quote], gone: Mapping[str, date | None]) -> list[str]:
    if symbol in gone:
        return [f"delisted on {gone[symbol]}"]
    return quote_states(quotes[symbol]) if symbol in quotes else []


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    book = positions.Book.load(at)
    bar = status_bar.load(at, book.longs, pending_of(request))
    listed = (_fills if request.GET.get("list") == "fills" else _orders)(request.GET.get("page"))
    span = str(request.GET.get("span")) if request.GET.get("span") in SPANS else "day"
    context = {
        "status_bar": bar,
        "held": _held(book, bar.state, at),
        "quarantined": QuarantinedRow.objects.open().prefetch_related("order")[:QUARANTINED],
        "positions": _with_states(book.protected()),
        "drifts": drifts.questions(book.held),
        "working": [order for order in book.orders if order.status in Order.WORKING and order.status != HELD],
        "account": book.account,
        "waiting_dividends": WaitingDividend.objects.all(),
        "curve": EquityCurve.of(positions.equity_curve(at - length if (length := SPANS[span]) else None, at)),
        **listed,
        "span": span,
        "others": without_page(request),
        "spans": list(SPANS),
    }
    return show(request, "desk/positions.html", at, context)


@page
@permission_required(TRADE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, symbol: str) -> HttpResponse:
    """Show what closing will do; close on POST."""
    at = timezone.now()
    instrument = get_object_or_404(Instrument, pk=symbol)
    if request.method == "POST":
        return _close(request, instrument, at)
    hours = sessions.load(instrument.calendar, at - NEAR, at + NEAR)
    opens_at = None if hours.is_open(at) else hours.next_open(at)
    position = positions.of(symbol)
    context = {
        "instrument": instrument,
        "position": position,
        "shares": exits.shares_to_close(position, at),
        "closes_beside_exits": registry.spec_of(django_settings.BROKER).capabilities.closes_beside_exits,
        "opens_at": opens_at,
        "lots": naming.held_lots(symbol, naming.broker_of(symbol)) if position.quantity else [],
        **(settlement.terms(request.GET, position, instrument, at) if instrument.is_gone else {}),
    }
    return show(request, "desk/close_position.html", at, context)


def _close(request: HttpRequest, instrument: Instrument, at: datetime) -> HttpResponse:
    """Close the position at the market, or a delisted share at the price that was shown."""
    symbol, shown = instrument.pk, _integer(request.POST.get("shares", ""))
    has_changed = shown is not None and positions.of(symbol).quantity not in (0, shown)
    on_refusal = "close-position" if has_changed else "positions"
    by_hand, part_of = None, request.POST.get("quantity", "").strip()
    if part_of and _integer(part_of) is None:
        messages.error(request, "It was not closed: how many shares cannot be read.")
        return redirect("close-position", symbol)
    if "price" in request.POST:
        form, on_refusal = SettlementForm(request.POST), "close-position"
        if not form.is_valid():
            messages.error(request, "It was not closed: its price or its day cannot be read.")
            return redirect(on_refusal, symbol)
        by_hand = form.by_hand
    lots = {
        name.removeprefix("lot-"): f"{value}".strip()
        for name, value in request.POST.items()
        if name.startswith("lot-") and f"{value}".strip()
    }
    if not all(number.isdecimal() for number in [*lots, *lots.values()]):
        messages.error(request, "It was not closed: how many shares of which lot cannot be read.")
        return redirect("close-position", symbol)
    named_lots = {int(fill): int(shares) for fill, shares in lots.items()}
    terms: dict[str, Any] = {
        "lots": named_lots,
        "shown": shown,
        "by_hand": by_hand,
        "quantity": _integer(part_of),
    }
    close_position = partial(exits.close, symbol, by=viewer(request), at=at, **terms)
    return _exit(request, lambda notes: close_position(notes=notes), on_refusal, symbol)


@part
@permission_required(TRADE, raise_exception=True)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel what is not filled of an entry. What is filled keeps its stop and target."""
    order, at = get_object_or_404(Order, pk=pk), timezone.now()
    return _exit(request, lambda notes: exits.cancel(order, by=viewer(request), at=at, notes=notes))


@part
@permission_required(TRADE, raise_exception=True)
@require_POST
def drop(request: HttpRequest, pk: UUID) -> HttpResponse:
    order, at = get_object_or_404(Order, pk=pk), timezone.now()
    return _exit(request, lambda notes: exits.drop(order, by=viewer(request), at=at, notes=notes))


@part
@permission_required(APPROVE, raise_exception=True)
@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(Order, pk=pk)
    form, etag = OverridesForm(request.POST), request.POST.get("etag", "")
    if not form.is_valid():
        messages.error(request, "It was not released: its figures cannot be read. Look at it again.")
        return redirect("positions")
    try:
        order = decisions.release(
            pk,
            by=viewer(request),
            seen=etag,
            at=timezone.now(),
            overrides=form.overrides,
            shown=request.POST.get("terms", ""),
        )
    except (decisions.NotHeld, decisions.Changed, decisions.ApprovalRefused) as refusal:
        messages.error(request, f"It was not released. {refusal}")
    else:
        messages.success(request, f"{order} goes out.")
    return redirect("positions")


def _integer(text: str) -> int | None:
    """Return the whole number in a form field; None when there is none."""
    try:
        return int(text)
    except ValueError:
        return None


def _exit(
    request: HttpRequest, act: Callable[[str], Order], on_refusal: str = "positions", symbol: str = ""
) -> HttpResponse:
    """Act with the notes of the form and redirect. `on_refusal`: the page to look at after a refusal."""
    notes = request.POST.get("notes", "").strip()[:NOTES]
    try:
        order = act(notes)
    except exits.ExitRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(on_refusal, symbol) if on_refusal == "close-position" else redirect(on_refusal)
    else:
        text = f"{order}: {order.get_status_display().lower()}. {order.status_reason}"
        messages.success(request, text.strip())
    return redirect("positions")


def _held(book: positions.Book, state: State, at: datetime) -> list[HeldOrder]:
    """Return the orders that need a new look, each with what releasing it would do."""
    orders = [order for order in book.orders if order.status == HELD]
    if not orders:
        return []
    approvals = TradeApproval.objects.select_related("signal")
    prefetch_related_objects(orders, Prefetch("approval", approvals))
    context = proposals.Context.load({order.symbol for order in orders}, at, state, book)
    return [HeldOrder(order, decisions.proposal_of(order, at, context=context)) for order in orders]


def _orders(number: str | None) -> dict[str, Any]:
    """Return a page of all orders, the newest first, each with its events."""
    rows = Order.objects.annotate(signal_id=F("approval__signal_id")).order_by("-created_at", "id")
    orders = paged(rows, number, PER_PAGE)
    events: dict[UUID, list[OrderEvent]] = {order.pk: [] for order in orders}
    for event in order_events(events):
        events[event.order_id].append(event)
    return {"page": orders, "list": "orders", "orders": [(order, events[order.pk]) for order in orders]}


def _fills(number: str | None) -> dict[str, Any]:
    fills = paged(Fill.objects.order_by("-executed_at", "-pk"), number, FILLS)
    return {"page": fills, "list": "fills", "fills": fills}
