"""The part of the account page on API tokens: make one, revoke one, revoke all."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.views.decorators.http import require_POST

from desk.page import own, show, viewer
from jaxsite import scopes
from jaxsite.auth import factors, tokens
from jaxsite.models import TokenAccess
from jaxsite.scopes import Scope

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year"}


class TokenForm(forms.Form):
    note = forms.CharField(
        max_length=TokenAccess._meta.get_field("note").max_length,
        required=False,
        label="What it is for",
    )
    scope = forms.ChoiceField(choices=scopes.CHOICES, widget=forms.RadioSelect, label="It may at most")
    days = forms.ChoiceField(choices=[*LIFETIMES.items()], label="Good for")

    def create(self, user: User) -> tuple[Any, str]:
        lifetime = timedelta(days=int(self.cleaned_data["days"]))
        return tokens.create(user, lifetime, self.cleaned_data["scope"], self.cleaned_data["note"])


def context(user: User, form: TokenForm | None = None) -> dict[str, Any]:
    """Return what the account page shows of tokens."""
    first = {"scope": Scope.READ, "days": "365"}
    return {"tokens": tokens.of_user(user), "token_form": form or TokenForm(initial=first)}


@own
@require_POST
@factors.asked_for
def make(request: HttpRequest) -> HttpResponse:
    """Answer with a new token: it is in this answer and nowhere else."""
    at, form = timezone.now(), TokenForm(request.POST)
    if not form.is_valid():
        return show(request, "jaxsite/token_form.html", at, {"token_form": form}, 400, still="a form")
    token, secret = form.create(viewer(request))
    meaning = Scope(token.access.scope).meaning
    context = {"token": token, "secret": secret, "meaning": meaning}
    return show(request, "jaxsite/token.html", at, context, still="shown once")


@own
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    if tokens.revoke(viewer(request), request.POST.get("token", "")):
        messages.success(request, "The token is revoked: what used it is refused from now on.")
    else:
        messages.warning(request, "You have no such token: it is revoked already.")
    return redirect("account")


@own
@require_POST
def revoke_all(request: HttpRequest) -> HttpResponse:
    revoked = tokens.revoke_all(viewer(request))
    messages.success(request, f"Revoked: {revoked} API token{pluralize(revoked)}. You have none now.")
    return redirect("account")
