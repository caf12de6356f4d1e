"""Who may read the figures: a monitor that has the token, and this machine itself.

A proxy on this machine calls from loopback, too, for strangers: what a proxy adds tells its calls apart.
"""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from jaxsite.processes.bind_guard import LOCAL_NAMES

ADDRESSES = ("/health", "/metrics")
OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
BEARER = "bearer "


def may_read(request: HttpRequest) -> bool:
    """Return whether the call has METRICS_TOKEN as its bearer token, or is of this machine itself."""
    return _has_token(request) or is_local(request)


def is_local(request: HttpRequest) -> bool:
    """Return whether the call comes from this machine and not through a proxy on it."""
    if any(name in request.headers for name in OF_A_PROXY):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a socket's file has no address
        return False


def _has_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "")
    is_bearer = given[: len(BEARER)].lower() == BEARER
    is_right = constant_time_compare(given[len(BEARER) :].strip(), settings.METRICS_TOKEN)
    return bool(settings.METRICS_TOKEN) and is_bearer and is_right


class LocalNames:
    """Lets this machine call the two addresses by its own names, whatever ALLOWED_HOSTS names."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in ADDRESSES and is_local(request) and _name(request) in LOCAL_NAMES:
            name = next((host for host in settings.ALLOWED_HOSTS if host != "*"), "")
            request.META["HTTP_HOST"] = name.lstrip(".") or request.META["HTTP_HOST"]
        return self.get_response(request)


def _name(request: HttpRequest) -> str:
    """Return the name that the call gives the site, without a port."""
    host: str = request.META.get("HTTP_HOST", "")
    name, _, port = host.rpartition(":")
    return name if port.isdecimal() and name else host
