"""While you were away: what came and went, what can still be decided, what became of what is held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import positions
from approvals.models import Fill, Order, Outcome, SignalView
from approvals.positions import Position, Protected
from desk import status_bar
from desk.page import note_told, note_visit, page, show, viewer
from market.models import Gap
from signals.models import Signal

A_DAY = timedelta(days=1)
LISTED, SHOWN = 30, 4
PENDING = Signal.Status.PENDING
LEFT_ALONE = (Signal.Status.EXPIRED, Signal.Status.CANCELLED)
SILENCE = timedelta(minutes=10)  # without a round of quotes: Jax itself was not running
ENDED = (Order.Status.HELD, Order.Status.CANCELLED, Order.Status.REJECTED, Order.Status.UNKNOWN)

# The lowest and the highest price of each symbol since its instant, as far as bars and the newest quote tell.
REACH = """
SELECT wanted.symbol, least(min(low), min(quotes.price)), greatest(max(high), max(quotes.price))
FROM unnest(%(symbols)s::text[], %(since)s::timestamptz[]) AS wanted(symbol, since)
LEFT JOIN quotes USING (symbol)
LEFT JOIN candles ON candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= since
GROUP BY wanted.symbol
"""


# Times without a round of quotes since the first there ever was, and halts.
TROUBLES = """
SELECT 'silence' AS kind, before AS since, started_at AS until, '' AS reason FROM (
    SELECT started_at, lag(started_at, 1, greatest(%(since)s, (
        SELECT min(started_at) FROM ingestion_runs WHERE kind = 'quotes' AND outcome = 'finished'
    ))) OVER (ORDER BY started_at) AS before FROM (
        SELECT started_at FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' AND started_at >= %(since)s
        UNION ALL SELECT %(at)s
    ) AS rounds
) AS steps
WHERE started_at - before > %(silence)s
UNION ALL
SELECT 'halt', started_at, ended_at, reason FROM trading_halts
WHERE started_at >= %(since)s OR ended_at >= %(since)s OR ended_at IS NULL
"""


@dataclass(frozen=True)
class Trouble:
    """A silence of Jax itself, or a halt. `until`: None for a halt that has not ended."""

    kind: str
    since: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class Held:
    """A position, and how far the price went meanwhile: how near its stop, in units of the way to it."""

    one: Protected
    low: float | None
    high: float | None

    @property
    def worst(self) -> float | None:
        return self.low if self.one.position.quantity > 0 else self.high

    @property
    def best(self) -> float | None:
        return self.high if self.one.position.quantity > 0 else self.low

    @property
    def nearest(self) -> Decimal | None:
        """What was left between the worst price and the nearest stop, per share. Below zero: beyond it."""
        stops = [order.stop_loss for order in self.one.exits if order.stop_loss is not None]
        if not stops or self.worst is None:
            return None
        sign = self.one.position.sign
        stop = max(sign * one for one in stops)
        return sign * Decimal(f"{self.worst:.6f}") - stop


@page
@require_GET
def away(request: HttpRequest) -> HttpResponse:
    at, user = timezone.now(), viewer(request)
    known = note_visit(user, at)
    since = known.left_at or at - A_DAY
    if known.is_untold:
        note_told(user, at)
    above = status_bar.load(at)
    book, troubles = positions.Book.load(at), _troubles(since, at)
    waiting, gone = _signals(since, at, user, book)
    reach = _reach(book.held, since)
    context = {
        "strip": above,
        "since": since,
        "until": known.back_at or at,
        "was_away": known.left_at is not None,
        "waiting": waiting,
        "gone": gone,
        "held": [Held(one, *reach.get(one.position.symbol, (None, None))) for one in book.protected()],
        "fills": list(Fill.objects.filter(executed_at__gte=since).order_by("-executed_at", "-pk")[:LISTED]),
        "orders": list(_orders(since)),
        "gaps": list(_gaps(since)),
        "troubles": troubles[:SHOWN],
        "more_troubles": len(troubles[SHOWN:]),
    }
    return show(request, "desk/since_last_visit.html", at, context)


def _signals(
    since: datetime, at: datetime, user: User, book: positions.Book
) -> tuple[list[Signal], list[Signal]]:
    """Those that can be decided on, the soonest to expire first; those that ended and this person never saw.

    Of the latter the newest first, each with `r`: what it would have made, None while that is not known.
    """
    seen = SignalView.objects.filter(signal=OuterRef("pk"), user=user)
    outcome = Outcome.objects.filter(signal=OuterRef("pk"), ledger=Outcome.Ledger.SIGNAL)
    signals = Signal.objects.annotate(r=Subquery(outcome.values("r")))
    waiting = book.actionable(signals.pending(at)).order_by("expires_at", "id")[:LISTED]
    ended = signals.in_status(at, *LEFT_ALONE).filter(Q(ended_at__gte=since) | Q(ended_at=None))
    gone = ended.filter(~Exists(seen)).order_by("-generated_at", "id")[:LISTED]
    rows = list(waiting.union(gone))
    return (
        sorted((one for one in rows if one.status_at(at) == PENDING), key=lambda one: one.expires_at),
        sorted((one for one in rows if one.status_at(at) != PENDING), key=lambda one: one.generated_at)[::-1],
    )


def _reach(held: Sequence[Position], since: datetime) -> Mapping[str, tuple[float | None, float | None]]:
    """Of each position since then, or since it was opened: what traded before is nothing to its stop."""
    if not held:
        return {}
    begun = [max(since, one.opened_at or since) for one in held]
    with connection.cursor() as cursor:
        cursor.execute(REACH, {"symbols": [one.symbol for one in held], "since": begun})
        return {symbol: (low, high) for symbol, low, high in cursor}


def _orders(since: datetime) -> Iterator[Order]:
    """Those that need a look, and those that ended without being filled."""
    changed = Q(status=Order.Status.HELD) | Q(status=Order.Status.UNKNOWN) | Q(ended_at__gte=since)
    yield from Order.objects.in_(*ENDED).filter(changed).order_by("-created_at", "id")[:LISTED]


def _gaps(since: datetime) -> Iterator[dict[str, Any]]:
    """What is missing of the time of the absence, by reason."""
    found = Gap.objects.filter(last_at__gte=since).order_by().values("reason")
    for row in found.annotate(bars=Sum("bars"), symbols=Count("symbol", distinct=True)).order_by("reason"):
        yield row | {"name": Gap.Reason(row["reason"]).label}


def _troubles(since: datetime, at: datetime) -> list[Trouble]:
    """When Jax was not running or could not work, and when trading was halted; the longest first."""
    silence = max(SILENCE, 3 * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS))
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"since": since, "at": at, "silence": silence}
        cursor.execute(TROUBLES, values)
        found = [Trouble(*row) for row in cursor]
    return sorted(found, key=lambda one: (one.until or at) - one.since, reverse=True)
