"""Browsers on which a user has logged in before: what strangers do under the user's name does not lock them.

A signed cookie names the browser, the same for all its users. Which users know it is in the database, so a
new password, or ending all sessions, revokes it whatever the cookie says.
"""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from core import sanitize
from jaxsite.models import KnownDevice

COOKIE = "device"
A_YEAR = 365 * 24 * 3600

# The first whose sign is in the browser's own words; several name others beside themselves.
BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrom": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_of(request: HttpRequest) -> UUID | None:
    """Return the browser that the cookie names, if Jax has signed it."""
    with suppress(ValueError):
        return UUID(request.get_signed_cookie(COOKIE, default="", max_age=A_YEAR) or "")
    return None


def known(request: HttpRequest, name: str) -> UUID | None:
    """Return the browser if the user of this name has logged in on it, under the password of today."""
    browser = browser_of(request)
    if browser is None:
        return None
    devices = KnownDevice.objects.select_related("user").filter(browser=browser, user__username=name)
    device = devices.first()
    return browser if device and device.is_valid() else None


def of_user(user: User) -> QuerySet[KnownDevice]:
    return KnownDevice.objects.filter(user=user)


def others_of(user: User, browser: UUID | None) -> QuerySet[KnownDevice]:
    """Return the user's devices but the one of this browser."""
    return of_user(user).exclude(browser=browser) if browser else of_user(user)


def remember(user: User, browser: UUID, at: datetime) -> bool:
    """Store that the user has logged in on this browser. Return whether that is new."""
    known_as = {"auth_hash": user.get_session_auth_hash(), "used_at": at}
    _, is_new = KnownDevice.objects.update_or_create(user=user, browser=browser, defaults=known_as)
    return is_new


def set_cookie(answer: HttpResponse, browser: UUID) -> None:
    answer.set_signed_cookie(
        COOKIE, str(browser), max_age=A_YEAR, secure=settings.PRODUCTION, httponly=True, samesite="Lax"
    )


def agent_of(request: HttpRequest) -> str:
    """Return what the browser calls itself, as one bounded line."""
    return sanitize.plain(request.headers.get("User-Agent", ""), 200)


def describe(agent: str) -> str:
    """Return browser and system in words, as in "Firefox on Linux"; what is neither as it calls itself."""
    browser = next((name for sign, name in BROWSERS.items() if sign in agent), "")
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or sanitize.plain(agent, 40) or "a device that does not say what it is"
