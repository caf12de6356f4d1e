"""Who one is here: roles, time zone, password, API tokens. For every login, with a role or without."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from approvals.roles import OPERATOR, TRADER, VIEWER
from desk import status_bar
from desk.page import READ, viewer
from jaxsite.auth import tokens, zone

ROLES = {
    VIEWER: "reads everything of the market, the signals and the decisions",
    TRADER: "reads everything; approves and rejects signals, releases and cancels orders, closes positions",
    OPERATOR: "reads everything; looks after instruments and strategies, halts, resumes; decides on nothing",
}
ADMINISTRATOR = "may do everything. Use it to set Jax up, and another login to trade"


@never_cache
@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    found = {
        "roles": roles_of(viewer(request)),
        "tokens": tokens.of(viewer(request)),
        "lifetimes": tokens.LIFETIMES,
        "zones": sorted(zone.known()),
        "chosen_zone": zone.chosen(request),
    }
    return show(request, "jaxsite/account.html", timezone.now(), found)


def roles_of(user: User) -> list[tuple[str, str]]:
    """Each role with what it may do. Groups of one's own making are named."""
    groups = user.groups.order_by("name").values_list("name", flat=True)
    found = [(name, ROLES.get(name, "a group of your own: Admin shows what it may do")) for name in groups]
    return [("administrator", ADMINISTRATOR), *found] if user.is_superuser else found


@never_cache
@login_required
@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """The token itself is in this answer and nowhere else."""
    at = timezone.now()
    made, secret = tokens.make(viewer(request), request.POST.get("days", ""))
    return show(request, "jaxsite/token.html", at, {"token": made, "secret": secret})


@login_required
@require_POST
def revoke_token(request: HttpRequest) -> HttpResponse:
    if tokens.revoke(viewer(request), request.POST.get("token", "")):
        messages.success(request, "The token is revoked: whatever used it is refused from now on.")
    else:
        messages.warning(request, "You have no such token: it is revoked already.")
    return redirect("account")


@login_required
@require_POST
def choose_zone(request: HttpRequest) -> HttpResponse:
    name, answer = request.POST.get("zone", ""), redirect("account")
    if name in zone.known():
        year = 365 * 24 * 3600
        answer.set_cookie(
            zone.CHOSEN, name, max_age=year, samesite="Lax", secure=settings.PRODUCTION, httponly=True
        )
        messages.success(request, f"Times are shown in {name} on this device.")
    else:
        answer.delete_cookie(zone.CHOSEN, samesite="Lax")
        messages.success(request, "Times follow the clock of this device.")
    return answer


@method_decorator(never_cache, name="dispatch")
class Password(PasswordChangeView):
    template_name = "jaxsite/password.html"
    success_url = reverse_lazy("account")

    def form_valid(self, form: Any) -> HttpResponse:
        said = "Your password is changed, and every other device is logged out. API tokens go on working."
        messages.success(self.request, said)
        return super().form_valid(form)


def show(request: HttpRequest, template: str, at: datetime, context: Mapping[str, Any]) -> HttpResponse:
    """Like the page of a role, but the status bar is for those who have one."""
    top = {"status_bar": status_bar.load(at)} if viewer(request).has_perm(READ) else {}
    return render(request, template, {"now": at, **top, **context})
