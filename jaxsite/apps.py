"""The site's own application, and Django's admin with our own site."""

from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig
from django.http import HttpRequest

FIRST_APPS = ["market", "signals", "approvals"]


class JaxConfig(AppConfig):
    name = "jaxsite"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jaxsite import (
            checks,  # noqa: F401  registers them; Django must be set up first
            services,
        )
        from market import doctor

        doctor.MORE.append(services.findings)


class AdminSite(admin.AdminSite):
    """The admin under our own name, with the apps in the order of the work."""

    site_header = site_title = "Jax"
    index_title = "Administration"
    site_url = "/"

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: (*FIRST_APPS, app["app_label"]).index(app["app_label"]))


class AdminConfig(DjangoAdminConfig):
    default_site = "jaxsite.apps.AdminSite"
