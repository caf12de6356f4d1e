"""Who may reach the web server. Without TLS in front it listens to this machine alone."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")  # what ALLOWED_HOSTS is by default
CONTAINER, VPN = "container", "vpn"
ADVICE = (
    "Leave BIND at 127.0.0.1 and put a server with TLS before it, with PRODUCTION=true and ALLOWED_HOSTS; "
    "docs/operations.md, From your phone, has it step by step."
)


class TooOpen(ValueError):
    """The web server would be open to a network that nothing protects."""


@dataclass(frozen=True)
class Reach:
    """What the settings say. `behind`: what keeps strangers away when there is no TLS, container or vpn."""

    production: bool
    allowed_hosts: Collection[str]
    behind: str

    def allow(self, host: str) -> None:
        """Raise TooOpen unless a server may listen on this address."""
        if is_loopback(host) or (self.behind == CONTAINER and not self.production):
            return
        if not self.production and self.behind != VPN:
            raise TooOpen(f"Without TLS everybody between you and {host} could read your password.")
        if not self.production and is_everything(host):
            raise TooOpen(
                f"{host} is every network of this machine, not only the VPN: name its address there."
            )
        if "*" in self.allowed_hosts or not set(self.allowed_hosts) - set(LOCAL_NAMES):
            raise TooOpen("ALLOWED_HOSTS must name the addresses under which the site is called, and no *.")


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ip_address(_bare(host)).is_loopback)


def is_everything(host: str) -> bool:
    return not host or (is_address(host) and ip_address(_bare(host)).is_unspecified)


def is_address(host: str) -> bool:
    try:
        ip_address(_bare(host))
    except ValueError:
        return False
    return True


def bracketed(host: str) -> str:
    """Return the host as it stands before a port: an IPv6 address in brackets."""
    return f"[{_bare(host)}]" if ":" in host else host


def _bare(host: str) -> str:
    """Without the brackets of an IPv6 address."""
    return host.strip("[]")
