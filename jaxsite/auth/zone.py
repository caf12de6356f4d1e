"""The viewer's time zone, in which pages show times: the one they chose, or else that of their device.

The page's script writes the device's into a cookie. The chosen one has another, which no script writes.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

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


@lru_cache(maxsize=16)  # 600 options, the same whenever the page is shown
def options(chosen_zone: str) -> SafeString:
    """Return all zones as options of a form, with the chosen one selected."""
    zones = sorted(time_zones())
    selected = {chosen_zone: SafeString(" selected")}
    return format_html_join("", "<option{}>{}</option>", ((selected.get(name, ""), name) for name in zones))


def _zone(request: HttpRequest) -> ZoneInfo | None:
    name = chosen(request) or request.COOKIES.get(COOKIE, "")
    return ZoneInfo(name) if name in time_zones() and not request.path.startswith(IN_UTC) else None
