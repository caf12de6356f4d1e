"""Times on the pages are in the viewer's zone, which the page's script puts into a cookie."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

COOKIE = "zone"
IN_UTC = ("/admin/", "/api/")  # they say UTC beside their times

known = cache(available_timezones)


class ZoneMiddleware:
    """Makes the viewer's zone the active one; UTC where none, or none that is known, was given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with timezone.override(_zone(request)):
            return self.get_response(request)


def _zone(request: HttpRequest) -> ZoneInfo | None:
    name = request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in known() and not request.path.startswith(IN_UTC) else None
