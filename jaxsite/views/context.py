"""What every template may show."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from jaxsite.views import proxy
from market.models import Installation

LINKED = (
    *("desk", "signals", "positions", "trades", "watchlists", "scorecard", "status", "account"),
    *("login", "logout", "halt", "resume", "strip", "docs", "health"),
)


def installation(request: HttpRequest) -> dict[str, Any]:
    """Context processor."""
    return {**constants(), "proxy_advice": proxy.advice(request)}


def constants() -> dict[str, Any]:
    """Return what needs neither request nor database: whether prices are invented, the frame's links."""
    return {
        "simulated": settings.DATA_KIND == Installation.Data.SIMULATED,
        "addresses": addresses(),
    }


@cache
def addresses() -> dict[str, str]:
    """Return the addresses in the frame of every page, which are searched once instead of for each page."""
    return {name: reverse(name) for name in LINKED}
