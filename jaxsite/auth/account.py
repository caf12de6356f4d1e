"""The account page: roles, sessions, time zone, password, tokens. For every user, with a role or without."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET, require_POST

from desk.page import own, own_page, show, viewer
from jaxsite.auth import devices, events, factors, passkeys, sessions, token_pages, tokens, zone
from jaxsite.auth.roles import ADMINISTRATOR, MAY
from jaxsite.models import Session
from jaxsite.queries import account_facts


@own_page
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    at, user = timezone.now(), viewer(request)
    facts = account_facts(user.pk, sessions.browser_of(request))
    context = {
        "roles": roles_of(user, facts.groups),
        "sessions": sessions_of(request, at),
        "other_devices": facts.other_devices,
        "idle_hours": settings.SESSION_IDLE_HOURS,
        "factors": factors.of_user(user),
        "passkeys_work": passkeys.work_here(request),
        **token_pages.context(user),
        "zone_options": zone.options(zone.chosen(request)),
        "chosen_zone": zone.chosen(request),
    }
    return show(request, "jaxsite/account.html", at, context)


def sessions_of(request: HttpRequest, at: datetime) -> list[dict[str, Any]]:
    """Return the sessions of the user, this one first, with the device in words."""
    rows = sessions.of_user(viewer(request), request.session.session_key, at)
    this_digest = Session.digest_of(request.session.session_key or "")
    rows.sort(key=lambda row: row.digest != this_digest)
    return [
        {"row": row, "device": devices.describe(row.agent), "is_this": row.digest == this_digest}
        for row in rows
    ]


def roles_of(user: User, groups: Sequence[str]) -> list[tuple[str, str]]:
    """Return each role with what it may do; groups other than ours by name."""
    roles = [(name, MAY.get(name, "a group of your own: Admin shows what it may do")) for name in groups]
    return [("administrator", ADMINISTRATOR), *roles] if user.is_superuser else roles


@own
@require_POST
@transaction.atomic
def end_session(request: HttpRequest) -> HttpResponse:
    if sessions.end(viewer(request), request.POST.get("session", "")):
        events.sessions_ended(request, timezone.now(), 1)
        messages.success(request, "That device is logged out. To log in there, it is a new one again.")
    else:
        messages.warning(request, "You are not logged in there any more.")
    return redirect("account")


@own
@require_POST
@transaction.atomic
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Log the user out everywhere but here. All other devices are new ones again."""
    count = sessions.end_others(viewer(request), request)
    events.sessions_ended(request, timezone.now(), count)
    messages.success(request, "You are logged in here and nowhere else.")
    return redirect("account")


@own
@require_POST
def choose_zone(request: HttpRequest) -> HttpResponse:
    name, answer = request.POST.get("zone", ""), redirect("account")
    if name in zone.time_zones():
        year = 365 * 24 * 3600
        answer.set_cookie(
            zone.CHOSEN, name, max_age=year, samesite="Lax", secure=settings.PRODUCTION, httponly=True
        )
        messages.success(request, f"Times are shown in {name} on this device.")
    else:
        answer.delete_cookie(zone.CHOSEN, samesite="Lax")
        messages.success(request, "Times follow the clock of this device.")
    return answer


@method_decorator([own, factors.asked_for], name="dispatch")  # type: ignore[list-item]  # no answer is streamed
class Password(PasswordChangeView):
    template_name = "jaxsite/password.html"
    extra_context = {"still": "a form"}
    success_url = reverse_lazy("password-changed")

    @transaction.atomic
    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed, and every other device is logged out.")
        answer = super().form_valid(form)
        at, user = timezone.now(), viewer(self.request)
        events.password_changed(self.request, at, sessions.end_others(user, self.request))
        if browser := sessions.browser_of(self.request):
            devices.remember(user, browser, at)  # it is known under the new password, too
        return answer


@own
@require_GET
def password_changed(request: HttpRequest) -> HttpResponse:
    """Offer to revoke the tokens: who knew the old password may have made one."""
    count = tokens.of_user(viewer(request)).count()
    if not count:
        return redirect("account")
    return show(request, "jaxsite/password_changed.html", timezone.now(), {"count": count}, still="a form")
