"""What is held and what it makes; orders with their history; getting out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals import decisions, exits, positions, proposals
from approvals.look import written
from approvals.models import AccountSnapshot, Fill, Order
from approvals.views.page import DECIDE, TRADE, page, show, viewer, without_page
from approvals.views.plots import Curve
from approvals.views.wishes import WishForm
from market import sessions
from market.models import Instrument

PER_PAGE, FILLS, NOTES = 25, 50, 2000
SPANS = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "all": None,
}


@dataclass(frozen=True)
class Held:
    """An order that needs a new look, with what releasing it does now; None for a closing."""

    order: Order
    proposal: proposals.Proposal | None

    @property
    def words(self) -> str:
        return proposals.words(self.proposal) if self.proposal else "Closes the position at the market."

    @property
    def figures(self) -> dict[str, str]:
        """What is released is what is shown: these are sent along."""
        if self.proposal is None or self.proposal.limit_price is None:
            return {}
        return {"quantity": f"{self.proposal.quantity}", "limit_price": written(self.proposal.limit_price)}

    @property
    def problems(self) -> list[str]:
        return self.proposal.problems if self.proposal else []


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    orders = Order.objects.select_related("approval__signal")
    told = orders.prefetch_related("fills", "decisions__decided_by").order_by("-created_at", "id")
    account = AccountSnapshot.objects.order_by("-at").first()
    span = request.GET.get("span") if request.GET.get("span") in SPANS else "day"
    context = {
        "held": [Held(one, decisions.proposal_of(one, at)) for one in orders.in_(Order.Status.HELD)],
        "open": positions.protected(),
        "working": [one for one in orders.working() if one.status != Order.Status.HELD],
        "page": Paginator(told, PER_PAGE).get_page(request.GET.get("page")),
        "fills": Fill.objects.order_by("-executed_at", "-pk")[:FILLS],
        "account": account,
        "day_result": account and positions.day_result(account, at),
        "curve": Curve.of(_equity(str(span), at)),
        "span": span,
        "others": without_page(request),
        "spans": list(SPANS),
    }
    return show(request, "positions.html", at, context)


@page
@permission_required(TRADE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def close(request: HttpRequest, symbol: str) -> HttpResponse:
    """First what closing will do, in words; then it is done."""
    at = timezone.now()
    if request.method == "POST":
        return _leave(request, lambda notes: exits.close(symbol, by=viewer(request), at=at, notes=notes))
    instrument = get_object_or_404(Instrument, pk=symbol)
    known = sessions.load(instrument.calendar, at - timedelta(days=15), at + timedelta(days=15))
    opens_at = None if known.is_open(at) else known.next_open(at)
    context = {"instrument": instrument, "position": positions.of(symbol), "opens_at": opens_at}
    return show(request, "close.html", at, context)


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
    form, seen = WishForm(request.POST), request.POST.get("etag", "")
    if not form.is_valid():
        messages.error(request, "It was not released: its figures cannot be read. Look at it again.")
        return redirect("positions")
    try:
        order = decisions.release(pk, by=viewer(request), seen=seen, at=timezone.now(), wish=form.wish)
    except (decisions.NotHeld, decisions.Changed, decisions.Refused) as refusal:
        messages.error(request, f"It was not released. {refusal}")
    else:
        messages.success(request, f"{order} goes out.")
    return redirect("positions")


def _leave(request: HttpRequest, leave: Callable[[str], Order]) -> HttpResponse:
    notes = request.POST.get("notes", "").strip()[:NOTES]
    try:
        order = leave(notes)
    except exits.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        said = f"{order}: {order.get_status_display().lower()}. {order.status_reason}"
        messages.success(request, said.strip())
    return redirect("positions")


def _equity(span: str, at: datetime) -> list[tuple[datetime, Decimal]]:
    length = SPANS[span]
    since = at - length if length else _first(at)
    return positions.equity_curve(since, at)


def _first(at: datetime) -> datetime:
    first = AccountSnapshot.objects.order_by("at").values_list("at", flat=True).first()
    return first or at - timedelta(days=1)
