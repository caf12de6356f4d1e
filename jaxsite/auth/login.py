"""The log-in of pages and admin: name and password, throttled, then the second factor where there is one."""

import logging
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from allauth.core import context
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from jaxsite.auth import passkeys, throttle

logger = logging.getLogger(__name__)


class Form(AuthenticationForm):
    """Refuses without checking the password while too many log-ins have failed."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password do not belong together. Mind capital letters; if you have "
        "forgotten the password, an administrator gives you a new one."
    }

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return super().clean()
        begin(name, self.request)
        cleaned = super().clean()
        throttle.succeeded(name)
        return cleaned

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        answer: HttpResponse = perform_login(request, self.get_user(), redirect_url=redirect_url)
        return answer


class PasswordAgain(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The password of a user who is logged in and has no factor, throttled as at the log-in."""

    def clean_password(self) -> str:
        name = self.user.get_username()
        begin(name, context.request)
        password: str = super().clean_password()
        throttle.succeeded(name)
        return password


class Login(LoginView):  # type: ignore[misc]  # allauth has no types
    template_name = "jaxsite/login.html"

    def get_form_class(self) -> type[Form]:
        return Form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        frame: dict[str, Any] = super().get_context_data(**kwargs)
        return frame | {
            "is_first": settings.DEBUG or is_first_login(),
            "passkeys_work": passkeys.work_here(self.request),
        }


def begin(name: str, request: HttpRequest | None) -> None:
    """Count an attempt. Raises ValidationError while too many have failed."""
    address = throttle.address_of(request) if request else ""
    try:
        throttle.begin(name, address, timezone.now())
    except throttle.TooMany as refusal:
        logger.warning("a log-in from %s was refused: %s", address, refusal)
        raise ValidationError(str(refusal), code="throttled") from refusal


def is_first_login() -> bool:
    return not User.objects.exclude(last_login=None).exists()
