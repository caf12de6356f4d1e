"""What all pages have in common: who may see them, the frame with the status bar, the visits of users."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from desk import ended_session, refresh, status_bar
from desk.models import Presence
from desk.refresh import Version

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

READ = "signals.view_signal"
APPROVE = "approvals.add_tradeapproval"
REJECT = "approvals.reject_signal"
TRADE = "approvals.change_order"
ABSENCE = timedelta(hours=6)  # longer than a lunch, shorter than a night
NOTED_EVERY = timedelta(minutes=1)


def own(view: View[P]) -> View[P]:
    """Require a session and no role: for what concerns a user's own account."""

    @never_cache
    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if ended_session.has_ended(request):
            return ended_session.ask_to_log_in(request)
        return view(request, *args, **kwargs)

    return cast(View[P], wrapped)


def own_page(view: View[P]) -> View[P]:
    """As `own`, and refresh the page every half minute while it is open."""
    return own(refresh.refreshed(view, Version.of_the_clock))


def part(view: View[P]) -> View[P]:
    """Require a role, for what is no whole page: a fragment, data, the target of a form."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not viewer(request).has_perm(READ):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return own(cast(View[P], wrapped))


def page(view: View[P]) -> View[P]:
    """Require a role, and keep the page up to date while it is open."""
    return part(refresh.refreshed(view, Version.load))


def page_by_the_clock(view: View[P]) -> View[P]:
    """As `page`, for one that is refreshed every half minute and not whenever the market moves."""
    return part(refresh.refreshed(view, Version.of_the_clock))


def show(
    request: HttpRequest,
    template: str,
    at: datetime,
    context: Mapping[str, Any],
    status: int = 200,
    *,
    still: str = "",
) -> HttpResponse:
    """Render a whole page as of `at`; for a refresh without its frame. The context may bring the status bar.

    `still`: why the page as a whole is not refreshed while it is open. Without a reason it is. A user without
    a role has no status bar.
    """
    has_role = viewer(request).has_perm(READ)
    if has_role:
        note_visit(request, at)
    version = refresh.version_of(request)
    if version is None and not still:
        raise ImproperlyConfigured(f"{template}: its view needs @page, or a reason to stay as it is")
    frame = {"now": at, "is_refresh": refresh.is_refresh(request), "version": version, "still": still}
    if has_role and "status_bar" not in context and not frame["is_refresh"]:
        frame["status_bar"] = status_bar.load(at, pending=refresh.pending_of(request))
    not_done = ended_session.say_what_was_not_done(request)
    answer = render(request, template, {**frame, **context}, status=status)
    if not_done:
        answer.delete_cookie(ended_session.COOKIE, samesite="Lax")
    return answer


def without_page(request: HttpRequest) -> str:
    """Return the query string without the page, for the links of a list."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def viewer(request: HttpRequest) -> User:
    """Return the user; behind `page` none is anonymous."""
    return cast(User, request.user)


def note_visit(request: HttpRequest, at: datetime) -> Presence:
    """Store that a user has opened a page: one query a minute, none otherwise. A refresh is no visit."""
    user = viewer(request)
    visit = cast(Presence | None, getattr(user, "presence", None))
    if visit is not None and refresh.is_refresh(request):
        return visit
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
