"""The viewer's time zone, in which pages show times: the one they chose, or else that of their device.

The page's script writes the device's into a cookie. The chosen one has another, which no script writes.
"""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

COOKIE, CHOSEN = "zone", "chosen_zone"
IN_UTC = ("/admin/", "/api/")  # they say UTC beside their times

time_zones = cache(available_timezones)


class ZoneMiddleware:
    """Activates the viewer's zone; UTC where no cookie names a zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(request)):
            return self.get_response(request)


def chosen(request: HttpRequest) -> str:
    """Return the name of the chosen zone; empty when the device decides."""
    name = request.COOKIES.get(CHOSEN, "")
    return name if name in time_zones() else ""


def _zone(request: HttpRequest) -> ZoneInfo | None:
    name = chosen(request) or request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in time_zones() and not request.path.startswith(IN_UTC) else None
