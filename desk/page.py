"""What all pages have in common: who may see them, and the strip on top."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from desk import presence, status_bar

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

READ = "signals.view_signal"
DECIDE = "approvals.add_tradeapproval"
TRADE = "approvals.change_order"


def page(view: View[P]) -> View[P]:
    """A page for whoever has a role; everybody else is asked to log in, or told that a role is needed."""

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
    """A whole page, as things stand at `at`. The context may bring the strip along."""
    presence.note(viewer(request), at)
    above = {} if "strip" in context else {"strip": status_bar.load(at)}
    return render(request, template, {"now": at, **above, **context}, status=status)


def without_page(request: HttpRequest) -> str:
    """What was asked for, to be carried along from page to page of a list."""
    asked = request.GET.copy()
    for name in ("page", "seen"):
        asked.pop(name, None)
    return asked.urlencode()


def viewer(request: HttpRequest) -> User:
    """Who looks. Behind `page` nobody is anonymous."""
    return cast(User, request.user)
