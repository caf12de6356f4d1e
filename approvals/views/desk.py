"""The desk: what moves, what waits, what is held."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals import positions
from approvals.models import AccountSnapshot, Order
from approvals.views import watchlist
from approvals.views.page import page, show, without_page
from market import changes
from signals.models import Signal

SOONEST = 10

# What the desk shows is as old as the newest of these.
VERSION = """
SELECT concat_ws(' ',
    (SELECT max(received_at) FROM quotes),
    (SELECT concat(count(*), max(created_at)) FROM strategy_signals
     WHERE status = 'pending' AND expires_at > %(at)s),
    (SELECT max(id) FROM fills),
    (SELECT count(*) FROM orders WHERE status = 'held')
)
"""


@page
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return show(request, "desk.html", at, _context(request, at))


@page
@require_GET
def update(request: HttpRequest) -> HttpResponse:
    """What moves on the desk; nothing while nothing has moved since the version that is shown."""
    at = timezone.now()
    if request.GET.get("seen") == version(at):
        return HttpResponse(status=204)
    return render(request, "_desk.html", {"now": at, **_context(request, at)})


def version(at: datetime) -> str:
    """It changes with what moves, and with what stops moving: a quote that has become stale is news."""
    stale = len(changes.stale_symbols(at))
    with connection.cursor() as cursor:
        cursor.execute(VERSION, {"at": at})
        (found,) = cursor.fetchone() or ("",)
        return f"{found} {stale}"


def _context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    search = request.GET.get("search", "").strip()[:16]
    # First: what comes while the rest is read is then told by the next update.
    seen, found = version(at), watchlist.page(search, request.GET.get("page"))
    account = AccountSnapshot.objects.order_by("-at").first()
    return {
        "version": seen,
        "page": found,
        "search": search,
        "others": without_page(request),
        "rows": watchlist.rows(list(found), at),
        "waiting": Signal.objects.pending(at).with_conflict(at).order_by("expires_at", "id")[:SOONEST],
        "held": positions.protected(),
        "account": account,
        "day_result": account and positions.day_result(account, at),
        "needs_look": Order.objects.in_(Order.Status.HELD).count(),
    }
