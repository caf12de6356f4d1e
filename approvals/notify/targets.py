"""Where messages go: the addresses of NOTIFY_URLS, each named by a hash that only we can make."""

from dataclasses import dataclass, field

from django.conf import settings
from django.utils.crypto import salted_hmac


@dataclass(frozen=True)
class Target:
    """One address. `number`: its place in NOTIFY_URLS, from 1 on; the address itself is never shown."""

    number: int
    name: str
    url: str = field(repr=False)


def targets() -> list[Target]:
    """Every address once."""
    urls = dict.fromkeys(settings.NOTIFY_URLS)
    return [Target(number, named(url), url) for number, url in enumerate(urls, start=1)]


def named(url: str) -> str:
    return salted_hmac(__name__, url, algorithm="sha256").hexdigest()[:16]
