"""The site's own application, and Django's admin with our own site."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core import instants

FIRST_APPS = ["market", "signals", "approvals"]


class JaxConfig(AppConfig):
    name = "jaxsite"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jaxsite import checks  # noqa: F401  registers them; Django must be set up first
        from jaxsite.monitoring import queues, services
        from jaxsite.rest import fields  # noqa: F401  as above
        from market import doctor

        connection_created.connect(instants.register)
        doctor.MORE += [services.findings, queues.findings]


View = TypeVar("View", bound=Callable[..., Any])
# Before these pages of the admin, a user who has a second factor is asked for it.
GUARDED = ("auth_user_", "auth_group_", "knox_authtoken_")


class AdminSite(admin.AdminSite):
    """The admin under our own name, with the apps in the order of the work and the log-in of the pages."""

    site_header = site_title = "Jax"
    index_title = "Administration"
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from allauth.account.decorators import secure_admin_login  # Django must be set up first

        answer: HttpResponse = secure_admin_login(super().login)(request, extra_context)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Lead to the page of the account, which asks for a factor and offers to revoke tokens."""
        return redirect("password")

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        from jaxsite.auth import factors  # as above

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            name = (request.resolver_match and request.resolver_match.url_name) or ""
            return (factors.asked_for(view) if name.startswith(GUARDED) else view)(request, *args, **kwargs)

        return super().admin_view(cast(View, guarded), cacheable)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: (*FIRST_APPS, app["app_label"]).index(app["app_label"]))


class AdminConfig(DjangoAdminConfig):
    default_site = "jaxsite.apps.AdminSite"
