"""While you were away: signals, open decisions, results of positions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import positions
from approvals.models import Fill, Order, Outcome, SignalView, TradingHalt
from approvals.positions import Protected
from desk import status_bar
from desk.page import note_told, note_visit, page, show, viewer
from desk.refresh import pending_of
from market import worker
from market.models import Gap
from market.queries.ingestion import silences
from market.queries.prices import PriceRange, price_ranges
from signals.models import Signal

A_DAY = timedelta(days=1)
LISTED, SHOWN = 30, 4
LEFT_ALONE = (Signal.Status.EXPIRED, Signal.Status.CANCELLED)
SILENCE = timedelta(minutes=10)  # without a round of quotes: Jax itself was not running
ENDED = (Order.Status.HELD, Order.Status.CANCELLED, Order.Status.REJECTED, Order.Status.UNKNOWN)


@dataclass(frozen=True)
class Interruption:
    """A time without cycles of the worker, or a halt. `until`: None for a halt that has not ended."""

    since: datetime
    until: datetime | None
    halt: TradingHalt | None = None

    def duration(self, at: datetime) -> timedelta:
        return (self.until or at) - self.since


@dataclass(frozen=True)
class PositionSince:
    """A position with the lowest and the highest price since the last visit."""

    protected: Protected
    low: float | None
    high: float | None

    @property
    def is_long(self) -> bool:
        return self.protected.position.quantity > 0

    @property
    def worst(self) -> float | None:
        return self.low if self.is_long else self.high

    @property
    def best(self) -> float | None:
        return self.high if self.is_long else self.low

    @property
    def distance_to_stop(self) -> Decimal | None:
        """Return how far the worst price was from the nearest stop, per share; below zero: beyond it."""
        stops = [order.stop_loss for order in self.protected.exits if order.stop_loss is not None]
        if not stops or self.worst is None:
            return None
        sign = self.protected.position.sign
        return sign * Decimal(f"{self.worst:.6f}") - max(sign * stop for stop in stops)


@page
@require_GET
def away(request: HttpRequest) -> HttpResponse:
    at, user = timezone.now(), viewer(request)
    visit = note_visit(request, at)
    since = visit.left_at or at - A_DAY
    if visit.is_untold:
        note_told(user, at)
    book, interruptions = positions.Book.load(at), _interruptions(since, at)
    waiting, gone = _signals(since, at, user, book)
    context = {
        "status_bar": status_bar.load(at, book.longs, pending_of(request)),
        "since": since,
        "until": visit.back_at or at,
        "was_away": visit.left_at is not None,
        "waiting": waiting,
        "gone": gone,
        "positions": _positions(book, since),
        "fills": list(Fill.objects.filter(executed_at__gte=since).order_by("-executed_at", "-pk")[:LISTED]),
        "orders": list(_orders(since)),
        "gaps": list(_gaps(since)),
        "interruptions": interruptions[:SHOWN],
        "more_interruptions": len(interruptions[SHOWN:]),
    }
    return show(request, "desk/since_last_visit.html", at, context)


def _signals(
    since: datetime, at: datetime, user: User, book: positions.Book
) -> tuple[list[Signal], list[Signal]]:
    """Return the actionable signals, the soonest to expire first, and the ended ones the user never saw.

    The latter newest first, each with `r`: what it would have made, None while that is not known.
    """
    views = SignalView.objects.filter(signal=OuterRef("pk"), user=user)
    outcome = Outcome.objects.filter(signal=OuterRef("pk"), ledger=Outcome.Ledger.SIGNAL)
    signals = Signal.objects.annotate(r=Subquery(outcome.values("r")))
    ended = signals.in_status(at, *LEFT_ALONE).filter(Q(ended_at__gte=since) | Q(ended_at=None))
    waiting = book.actionable(signals.pending(at)).order_by("expires_at", "id")
    gone = ended.filter(~Exists(views)).order_by("-generated_at", "id")
    return list(waiting[:LISTED]), list(gone[:LISTED])


def _positions(book: positions.Book, since: datetime) -> list[PositionSince]:
    """Return what is held, with its prices since the visit, or since it was opened if that is later."""
    begun = {position.symbol: max(since, position.opened_at or since) for position in book.held}
    ranges = price_ranges(begun)
    unknown = PriceRange("", None, None)
    rows = ((protected, ranges.get(protected.position.symbol, unknown)) for protected in book.protected())
    return [PositionSince(protected, prices.low, prices.high) for protected, prices in rows]


def _orders(since: datetime) -> Iterator[Order]:
    """Yield those that need a look, and those that ended without being filled."""
    changed = Q(status=Order.Status.HELD) | Q(status=Order.Status.UNKNOWN) | Q(ended_at__gte=since)
    yield from Order.objects.in_(*ENDED).filter(changed).order_by("-created_at", "id")[:LISTED]


def _gaps(since: datetime) -> Iterator[dict[str, Any]]:
    """Yield how many bars of that time are missing, by reason."""
    reasons = Gap.objects.filter(last_at__gte=since).order_by("reason").values("reason")
    for row in reasons.annotate(bars=Sum("bars"), symbols=Count("symbol", distinct=True)):
        yield row | {"name": Gap.Reason(row["reason"]).label}


def _interruptions(since: datetime, at: datetime) -> list[Interruption]:
    """Return when the worker ran no cycle and when trading was halted, the longest first."""
    patience = max(SILENCE, worker.patience())
    halts = TradingHalt.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since) | Q(started_at__gte=since))
    interruptions = [
        *(Interruption(silence.began_at, silence.ended_at) for silence in silences(since, at, patience)),
        *(Interruption(halt.started_at, halt.ended_at, halt) for halt in halts),
    ]
    return sorted(interruptions, key=lambda interruption: interruption.duration(at), reverse=True)
