"""The log-in of pages and admin: name and password, throttled, then the second factor where there is one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.forms import ReauthenticateForm
from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from allauth.core import context
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from jaxsite.auth import devices, events, passkeys, throttle

logger = logging.getLogger(__name__)


class Form(AuthenticationForm):
    """Refuses without checking the password while too many log-ins have failed."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password do not belong together. Mind capital letters; if you have "
        "forgotten the password, an administrator gives you a new one."
    }

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return super().clean()
        with counted(name, self.request):
            return super().clean()

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        answer: HttpResponse = perform_login(request, self.get_user(), redirect_url=redirect_url)
        return answer


class PasswordAgain(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The password of a user who is logged in and has no factor, throttled as at the log-in."""

    def clean_password(self) -> str:
        with counted(self.user.get_username(), context.request):
            password: str = super().clean_password()
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


class Logout(LogoutView):
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            events.logged_out(request, timezone.now())
        return super().post(request, *args, **kwargs)


@contextmanager
def counted(name: str, request: HttpRequest) -> Iterator[None]:
    """Count an attempt that raises ValidationError as failed. Raises it at once while too many have."""
    at, address, device = timezone.now(), throttle.address_of(request), devices.known(request, name)
    try:
        throttle.begin(name, address, at, device)
    except throttle.TooMany as refusal:
        logger.warning("a log-in from %s was refused: %s", address, refusal)
        events.refused(request, name if refusal.of_name else "", "password", at)
        raise ValidationError(str(refusal), code="throttled") from refusal
    try:
        yield
    except ValidationError:
        events.failed(request, name, "password", at)
        raise
    throttle.succeeded(name, device)


def is_first_login() -> bool:
    return not User.objects.exclude(last_login=None).exists()
