from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView


class Form(AuthenticationForm):
    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password do not belong together. Mind capital letters; if you have "
        "forgotten the password, an administrator gives you a new one."
    }


class Login(LoginView):
    template_name = "account/login.html"
    authentication_form = Form
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"is_first": settings.DEBUG or nobody_came_yet()}


def nobody_came_yet() -> bool:
    return not User.objects.exclude(last_login=None).exists()
