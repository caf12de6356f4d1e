"""What is held and what it makes; orders with their history; getting out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals import decisions, exits, positions, proposals
from approvals.entry_check import NEAR, format_price
from approvals.gate import State
from approvals.models import Fill, Order, OrderDecision
from core.formatting import axis_ticks
from core.paging import paged
from desk import status_bar
from desk.forms import OverridesForm
from desk.page import DECIDE, TRADE, page, show, viewer, without_page
from market import sessions
from market.models import Instrument

PER_PAGE, FILLS, NOTES = 25, 50, 2000
HELD = Order.Status.HELD
SPANS = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "all": None,
}


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 2, 2, 10, 24  # of the equity curve


@dataclass(frozen=True)
class Held:
    """An order that needs a new look, with what releasing it does now; None for a closing."""

    order: Order
    proposal: proposals.Proposal | None

    @property
    def words(self) -> str:
        return proposals.describe(self.proposal) if self.proposal else "Closes the position at the market."

    @property
    def figures(self) -> dict[str, str]:
        """What is released is what is shown: these are sent along."""
        if self.proposal is None or self.proposal.limit_price is None:
            return {}
        return {
            "quantity": f"{self.proposal.quantity}",
            "limit_price": format_price(self.proposal.limit_price),
        }

    @property
    def problems(self) -> list[str]:
        return self.proposal.problems if self.proposal else []


@dataclass(frozen=True)
class Event:
    """A fill of an order, or a decision of a person on it."""

    at: datetime
    title: str
    by: str = ""
    notes: str = ""
    fill: Fill | None = None

    @classmethod
    def of_fill(cls, fill: Fill) -> "Event":
        return cls(fill.executed_at, fill.get_leg_display(), fill=fill)

    @classmethod
    def of_decision(cls, decision: OrderDecision) -> "Event":
        by = decision.decided_by.get_username()
        return cls(decision.decided_at, decision.action, by, decision.notes)


@dataclass(frozen=True)
class Tick:
    y: float
    says: str


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
        across = (WIDTH - LEFT - RIGHT) / (times[-1] - times[0])

        def y(value: float) -> float:
            return TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

        points = " ".join(
            f"{LEFT + (at - times[0]) * across:.1f},{y(value):.1f}"
            for at, value in zip(times, heights, strict=True)
        )
        marks = [Tick(round(y(value), 1), f"{value:,.0f}") for value in axis_ticks(bottom, top)]
        lowest, highest = min(value for _, value in values), max(value for _, value in values)
        return cls(points, marks, values[0][0], values[-1][0], lowest, highest)


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    above = status_bar.load(at)
    book, shows_fills = positions.Book.load(at, "approval__signal"), request.GET.get("list") == "fills"
    span = str(request.GET.get("span")) if request.GET.get("span") in SPANS else "day"
    context = {
        "status_bar": above,
        "held": _held(book, above.state, at),
        "open": book.protected(),
        "working": [one for one in book.orders if one.status in Order.WORKING and one.status != HELD],
        "account": book.account,
        "curve": EquityCurve.of(positions.equity_curve(at - length if (length := SPANS[span]) else None, at)),
        **(_fills if shows_fills else _orders)(request.GET.get("page")),
        "span": span,
        "others": without_page(request),
        "spans": list(SPANS),
    }
    return show(request, "desk/positions.html", at, context)


@page
@permission_required(TRADE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, symbol: str) -> HttpResponse:
    """First what closing will do, in words; then it is done."""
    at = timezone.now()
    if request.method == "POST":
        shown, who = _whole(request.POST.get("shares", "")), viewer(request)
        is_other = shown is not None and positions.of(symbol).quantity not in (0, shown)
        again = "close-position" if is_other else "positions"
        leave = partial(exits.close, symbol, by=who, at=at, shown=shown)
        return _leave(request, lambda notes: leave(notes=notes), again, symbol)
    instrument = get_object_or_404(Instrument, pk=symbol)
    known = sessions.load(instrument.calendar, at - NEAR, at + NEAR)
    opens_at = None if known.is_open(at) else known.next_open(at)
    context = {"instrument": instrument, "position": positions.of(symbol), "opens_at": opens_at}
    return show(request, "desk/close_position.html", at, context)


@page
@permission_required(TRADE, raise_exception=True)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is not filled of an entry. What is filled keeps its stop and target."""
    order, at = get_object_or_404(Order, pk=pk), timezone.now()
    return _leave(request, lambda notes: exits.cancel(order, by=viewer(request), at=at, notes=notes))


@page
@permission_required(TRADE, raise_exception=True)
@require_POST
def drop(request: HttpRequest, pk: UUID) -> HttpResponse:
    order, at = get_object_or_404(Order, pk=pk), timezone.now()
    return _leave(request, lambda notes: exits.drop(order, by=viewer(request), at=at, notes=notes))


@page
@permission_required(DECIDE, raise_exception=True)
@require_POST
def release(request: HttpRequest, pk: UUID) -> HttpResponse:
    get_object_or_404(Order, pk=pk)
    form, seen = OverridesForm(request.POST), request.POST.get("etag", "")
    if not form.is_valid():
        messages.error(request, "It was not released: its figures cannot be read. Look at it again.")
        return redirect("positions")
    try:
        order = decisions.release(
            pk, by=viewer(request), seen=seen, at=timezone.now(), overrides=form.overrides
        )
    except (decisions.NotHeld, decisions.Changed, decisions.ApprovalRefused) as refusal:
        messages.error(request, f"It was not released. {refusal}")
    else:
        messages.success(request, f"{order} goes out.")
    return redirect("positions")


def _whole(text: str) -> int | None:
    """A whole number that was sent; None when none was."""
    try:
        return int(text)
    except ValueError:
        return None


def _leave(
    request: HttpRequest, leave: Callable[[str], Order], again: str = "positions", symbol: str = ""
) -> HttpResponse:
    """`again`: where a person whose wish was refused looks next."""
    notes = request.POST.get("notes", "").strip()[:NOTES]
    try:
        order = leave(notes)
    except exits.ExitRefused as refusal:
        messages.error(request, str(refusal))
        return redirect(again, symbol) if again == "close-position" else redirect(again)
    else:
        said = f"{order}: {order.get_status_display().lower()}. {order.status_reason}"
        messages.success(request, said.strip())
    return redirect("positions")


def _held(book: positions.Book, state: State, at: datetime) -> list[Held]:
    """Those that need a new look, each with what releasing it would do."""
    orders = [one for one in book.orders if one.status == HELD]
    if not orders:
        return []
    context = proposals.Context.load({one.symbol for one in orders}, at, state, book)
    return [Held(one, decisions.proposal_of(one, at, context=context)) for one in orders]


def _orders(number: str | None) -> dict[str, Any]:
    """All orders, the newest first, each with what happened to it."""
    rows = Order.objects.select_related("approval__signal").order_by("-created_at", "id")
    found = paged(rows, number, PER_PAGE)
    events = _events(found)
    return {"page": found, "list": "orders", "orders": [(order, events[order.pk]) for order in found]}


def _fills(number: str | None) -> dict[str, Any]:
    found = paged(Fill.objects.order_by("-executed_at", "-pk"), number, FILLS)
    return {"page": found, "list": "fills", "fills": found}


def _events(orders: Iterable[Order]) -> Mapping[UUID, list[Event]]:
    """Return the fills and the decisions of each order, oldest first. Two queries."""
    events: dict[UUID, list[Event]] = {order.pk: [] for order in orders}
    fills = Fill.objects.filter(order__in=events).order_by("executed_at", "pk")
    choices = OrderDecision.objects.filter(order__in=events).select_related("decided_by")
    for fill in fills:
        if fill.order_id:
            events[fill.order_id].append(Event.of_fill(fill))
    for choice in choices.order_by("decided_at", "pk"):
        events[choice.order_id].append(Event.of_decision(choice))
    return {order: sorted(listed, key=attrgetter("at")) for order, listed in events.items()}
