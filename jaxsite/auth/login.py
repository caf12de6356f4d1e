"""The log-in forms of the pages and of the admin, throttled."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.utils import timezone

from jaxsite.auth import throttle

logger = logging.getLogger(__name__)


class Throttled(AuthenticationForm):
    """Refuses without checking the password while too many log-ins have failed."""

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            return super().clean()
        address = throttle.address_of(self.request) if self.request else ""
        try:
            throttle.begin(name, address, timezone.now())
        except throttle.TooMany as refusal:
            logger.warning("a log-in from %s was refused: %s", address, refusal)
            raise ValidationError(str(refusal), code="throttled") from refusal
        cleaned = super().clean()
        throttle.succeeded(name)
        return cleaned


class AdminForm(Throttled, AdminAuthenticationForm):
    pass


class Form(Throttled):
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password do not belong together. Mind capital letters; if you have "
        "forgotten the password, an administrator gives you a new one."
    }


class Login(LoginView):
    template_name = "jaxsite/login.html"
    authentication_form = Form
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"is_first": settings.DEBUG or is_first_login()}


def is_first_login() -> bool:
    return not User.objects.exclude(last_login=None).exists()
