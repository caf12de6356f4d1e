"""What all pages have in common: who may see them, the frame with the status bar, the visits of users."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from desk import status_bar
from desk.models import Presence

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

READ = "signals.view_signal"
DECIDE = "approvals.add_tradeapproval"
TRADE = "approvals.change_order"
ABSENCE = timedelta(hours=6)  # longer than a lunch, shorter than a night
NOTED_EVERY = timedelta(minutes=1)


def page(view: View[P]) -> View[P]:
    """Require a role: a visitor is sent to the log-in, a user without one is refused."""

    @never_cache
    @login_required
    @permission_required(READ, raise_exception=True)
    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(request, *args, **kwargs)

    return cast(View[P], wrapped)


def show(
    request: HttpRequest, template: str, at: datetime, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Render a whole page as of `at`. The context may bring the status bar along."""
    note_visit(viewer(request), at)
    bar = {} if "status_bar" in context else {"status_bar": status_bar.load(at)}
    return render(request, template, {"now": at, **bar, **context}, status=status)


def without_page(request: HttpRequest) -> str:
    """Return the query string without the page, for the links of a list."""
    query = request.GET.copy()
    for name in ("page", "seen"):
        query.pop(name, None)
    return query.urlencode()


def viewer(request: HttpRequest) -> User:
    """Return the user; behind `page` none is anonymous."""
    return cast(User, request.user)


def note_visit(user: User, at: datetime) -> Presence:
    """Store that a user has opened a page: one query a minute, none otherwise."""
    visit = getattr(user, "presence", None)
    if visit is None:
        visit = Presence(user=user, seen_at=at)
        Presence.objects.bulk_create([visit], ignore_conflicts=True)
    elif at - visit.seen_at > ABSENCE:
        visit.left_at, visit.back_at, visit.told_at, visit.seen_at = visit.seen_at, at, None, at
        visit.save()
    elif at - visit.seen_at > NOTED_EVERY:
        visit.seen_at = at
        visit.save(update_fields=["seen_at"])
    return visit


def note_told(user: User, at: datetime) -> None:
    """Store that a user has seen what happened during the absence."""
    Presence.objects.filter(user=user, told_at=None).exclude(left_at=None).update(told_at=at)
