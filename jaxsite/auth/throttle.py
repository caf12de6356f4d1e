"""Throttle of failed log-ins, counted in the database because several processes answer.

An attempt is counted before its password is looked at, so that many at once are no more than one after the
other. One that is refused is not counted, so trying again makes the wait no longer.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

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
    """Too many log-ins have failed. `wait`: for how long none is looked at."""

    def __init__(self, wait: timedelta) -> None:
        minutes = -(-wait // timedelta(minutes=1))
        self.wait = wait
        super().__init__(
            f"Too many log-ins have failed. Try again in {minutes} minute{'s' if minutes > 1 else ''}: "
            "until then no password is looked at, not even the right one."
        )


def begin(name: str, address: str, at: datetime) -> None:
    """Count an attempt as failed until it has succeeded. Raises TooMany."""
    with transaction.atomic():
        locks.transaction("log-in")
        # Those of the future, too: a clock that was set back must lock out nobody.
        FailedLogin.objects.exclude(failed_at__range=(at - WINDOW, at + WINDOW)).delete()
        attempt = {"name": _hashed(name), "address": address}
        last = [_last(OF_ONE_NAME, name=attempt["name"]), _last(FROM_ONE_ADDRESS, address=address)]
        wait = max((failed_at + WINDOW - at for failed_at in last if failed_at), default=timedelta(0))
        if wait > timedelta(0):
            raise TooMany(min(wait, WINDOW))
        FailedLogin.objects.create(**attempt, failed_at=at)


def succeeded(name: str) -> None:
    """Forget the attempts under this name, not those from the same address under others."""
    FailedLogin.objects.filter(name=_hashed(name)).delete()


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


def _hashed(name: str) -> str:
    return salted_hmac(__name__, name.casefold(), algorithm="sha256").hexdigest()[:32]
