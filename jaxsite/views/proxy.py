"""A proxy with TLS in front of a Jax whose settings say nothing of one."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

WHAT_TO_DO = (
    "This call came over https, and PRODUCTION is off: cookies are sent over plain http too, all visitors "
    "share one address, and forms may be refused. Set PRODUCTION=true, ALLOWED_HOSTS, CSRF_TRUSTED_ORIGINS "
    "and SITE_URL (docs/operations.md, From your phone), then restart Jax."
)


def is_unknown(request: HttpRequest) -> bool:
    """Return whether the call came over https to a proxy, and the settings do not believe one."""
    forwarded = request.headers.get("Forwarded", "").lower().replace('"', "")
    scheme = request.headers.get("X-Forwarded-Proto", "").lower()
    return not settings.PRODUCTION and (scheme.strip().endswith("https") or "proto=https" in forwarded)


def advice(request: HttpRequest) -> str:
    """Return what to do about it; empty when there is nothing to do."""
    return WHAT_TO_DO if is_unknown(request) else ""


class NoticeProxy:
    """Writes it to the log, once in a process. The pages show it to those who come that way."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.has_said = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self.has_said and is_unknown(request):
            self.has_said = True
            logger.warning("%s %s", WHAT_TO_DO, "This is said once.")
        return self.get_response(request)
