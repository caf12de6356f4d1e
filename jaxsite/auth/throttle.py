"""Throttle of failed log-ins, counted in the database because several processes answer.

An attempt is counted before its password is looked at, so that many at once are no more than one after the
other. One that is refused is not counted, so trying again makes the wait no longer. A device on which the
user has logged in before is counted by itself: strangers do not make it wait, nor it them.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from core import locks
from jaxsite.models import FailedLogin

WINDOW = timedelta(minutes=5)
OF_ONE_NAME = 5
FROM_ONE_ADDRESS = 20  # that of a household, an office or a proxy has several people


class TooMany(Exception):
    """Too many log-ins have failed. `wait`: for how long none is looked at. `of_name`: under this name."""

    def __init__(self, wait: timedelta, *, of_name: bool = False) -> None:
        minutes = -(-wait // timedelta(minutes=1))
        self.wait, self.of_name = wait, of_name
        super().__init__(
            f"Too many log-ins have failed. Try again in {minutes} minute{'s' if minutes > 1 else ''}: "
            "until then no password is looked at, not even the right one."
        )


def begin(name: str, address: str, at: datetime, device: UUID | None = None) -> None:
    """Count an attempt as failed until it has succeeded. Raises TooMany. `device`: one that is known."""
    attempt = {"name": _hashed(name, device), "address": str(device or address)}
    with transaction.atomic():
        locks.transaction("log-in")
        # Those of the future, too: a clock that was set back must not lock users out.
        FailedLogin.objects.exclude(failed_at__range=(at - WINDOW, at + WINDOW)).delete()
        of_name = _wait(_last(OF_ONE_NAME, name=attempt["name"]), at)
        of_address = timedelta(0) if device else _wait(_last(FROM_ONE_ADDRESS, address=address), at)
        if wait := max(of_name, of_address):
            raise TooMany(wait, of_name=bool(of_name))
        FailedLogin.objects.create(**attempt, failed_at=at)


def succeeded(name: str, device: UUID | None = None) -> None:
    """Forget the attempts under this name (on this device), not those from the same address under others."""
    FailedLogin.objects.filter(name=_hashed(name, device)).delete()


def address_of(request: HttpRequest) -> str:
    """Return where a log-in comes from: an IPv4 address, or the network of one IPv6 customer.

    Behind TLS the proxy says it, last in its header. What stands before that, anybody may have written.
    """
    address_text: str = request.META.get("REMOTE_ADDR", "")
    if settings.PRODUCTION:
        address_text = request.META.get("HTTP_X_FORWARDED_FOR", address_text).rpartition(",")[2].strip()
    try:
        address = ip_address(address_text)
    except ValueError:
        return address_text[:64]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
    return str(address)


def _last(limit: int, **same: str) -> datetime | None:
    """When the failure was that must be forgotten before another may be; None while there are fewer."""
    rows = FailedLogin.objects.filter(**same).order_by("-failed_at").values_list("failed_at", flat=True)
    return rows[limit - 1 : limit].first()


def _wait(failed_at: datetime | None, at: datetime) -> timedelta:
    return min(max(failed_at + WINDOW - at, timedelta(0)), WINDOW) if failed_at else timedelta(0)


def _hashed(name: str, device: UUID | None) -> str:
    counted = f"{device} {name.casefold()}" if device else name.casefold()
    return salted_hmac(__name__, counted, algorithm="sha256").hexdigest()[:32]
