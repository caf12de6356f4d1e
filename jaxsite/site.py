"""The admin as a site of its own: its name, and the market first."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest

FIRST = ["market", "signals", "approvals"]


class JaxSite(AdminSite):
    site_header = site_title = "Jax"
    index_title = "What the market did"
    site_url = "/"

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        return sorted(apps, key=lambda app: (*FIRST, app["app_label"]).index(app["app_label"]))


class SiteConfig(AdminConfig):
    default_site = "jaxsite.site.JaxSite"
