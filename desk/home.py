"""The desk: what moves, what waits, what is held."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import positions
from desk import watchlist
from desk.page import note_visit, page, show, viewer, without_page
from market import quotes
from signals.models import Signal

SOONEST = 10

# What the desk shows is as old as the newest of these.
VERSION = """
SELECT concat_ws(' ',
    (SELECT max(received_at) FROM quotes),
    (SELECT concat(count(*), max(created_at)) FROM strategy_signals
     WHERE status = 'pending' AND expires_at > %(at)s),
    (SELECT max(id) FROM fills), held, %(stale)s
), held
FROM (SELECT count(*) AS held FROM orders WHERE status = 'held') AS orders
"""


@page
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    if note_visit(viewer(request), at).is_untold:
        return redirect("away")
    # The version first: what comes while the rest is read is then told by the next update.
    return show(request, "desk/home.html", at, _context(request, at, version(at)))


@page
@require_GET
def update(request: HttpRequest) -> HttpResponse:
    """What moves on the desk; nothing while nothing has moved since the version that is shown."""
    at = timezone.now()
    seen = version(at)
    if request.GET.get("seen") == seen[0]:
        return HttpResponse(status=204)
    return render(request, "desk/_home.html", {"now": at, **_context(request, at, seen)})


def version(at: datetime) -> tuple[str, int]:
    """What changes with what moves, and with what stops moving: a quote that has become stale is news.

    And how many orders need a new look.
    """
    with connection.cursor() as cursor:
        cursor.execute(VERSION, {"at": at, "stale": len(quotes.stale_symbols(at))})
        return cursor.fetchone() or ("", 0)


def _context(request: HttpRequest, at: datetime, version: tuple[str, int]) -> dict[str, Any]:
    search = request.GET.get("search", "").strip()[:16]
    seen, needs_look = version
    book = positions.Book.load(at)
    found = watchlist.page(search, request.GET.get("page"))
    pending = Signal.objects.pending(at)
    decidable = book.actionable(pending)
    return {
        "version": seen,
        "page": found,
        "search": search,
        "others": without_page(request),
        "rows": watchlist.rows(found, at),
        "waiting": decidable.with_conflict(at).order_by("expires_at", "id")[:SOONEST],
        "measured": pending.exclude(pk__in=decidable.values("pk")).count(),
        "held": book.protected(),
        "account": book.account,
        "needs_look": needs_look,
    }
