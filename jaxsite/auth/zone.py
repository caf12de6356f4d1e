"""Times on the pages are in the viewer's zone: the one they chose, or else the one their device says.

The page's script puts the device's into a cookie. What was chosen has another, which no script writes.
"""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

COOKIE, CHOSEN = "zone", "chosen_zone"
IN_UTC = ("/admin/", "/api/")  # they say UTC beside their times

known = cache(available_timezones)


class ZoneMiddleware:
    """Makes the viewer's zone the active one; UTC where none, or none that is known, was given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(request)):
            return self.get_response(request)


def chosen(request: HttpRequest) -> str:
    """Empty when the device decides."""
    name = request.COOKIES.get(CHOSEN, "")
    return name if name in known() else ""


def _zone(request: HttpRequest) -> ZoneInfo | None:
    name = chosen(request) or request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in known() and not request.path.startswith(IN_UTC) else None
