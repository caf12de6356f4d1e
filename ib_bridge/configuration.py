"""What the bridge is told by its environment, read once at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.registry.environment import Environment
from core.registry.kinds import KEY, NAME, Endpoint, Folder, Whole
from jaxsite.processes.bind_guard import is_loopback

HERE = Path(__file__).resolve().parent.parent
FOLDER, JOURNAL = "ib_bridge", "journal.sqlite3"
CLIENT_ID = 81


class Misconfigured(ValueError):
    """The settings make no sense together; the message says what to change."""


class NoGateway(Misconfigured):
    """No gateway is set: there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """`live_account`: the one account that may trade real money; empty for none."""

    gateway: tuple[str, int]
    client_id: int = CLIENT_ID
    listen: tuple[str, int] = ("127.0.0.1", 8092)
    token: str = ""
    live_account: str = ""
    folder: Path = HERE / "var"

    @property
    def journal(self) -> Path:
        return self.folder / FOLDER / JOURNAL


def read(values: Mapping[str, str]) -> Configuration:
    """Return the configuration. Raises Misconfigured with all that is wrong."""
    env = Environment(values)
    configuration = Configuration(
        gateway=env.read("IB_GATEWAY", Endpoint(), ("", 0)),
        client_id=env.read("IB_CLIENT_ID", Whole(0, 2**31 - 1), CLIENT_ID),
        listen=env.read("IB_BRIDGE_LISTEN", Endpoint(), ("127.0.0.1", 8092)),
        token=env.read("IB_BRIDGE_TOKEN", KEY, "", secret=True),
        live_account=env.read("LIVE_TRADING", NAME, ""),
        folder=env.read("VAR_DIR", Folder(HERE), HERE / "var"),
    )
    if env.problems:
        raise Misconfigured("\n".join(env.problems))
    _check(configuration)
    return configuration


def _check(configuration: Configuration) -> None:
    host = configuration.listen[0]
    if not configuration.gateway[1]:
        raise NoGateway("IB_GATEWAY is not set: host:port of TWS or IB Gateway, as in 127.0.0.1:4002.")
    if not is_loopback(host) and not configuration.token:
        raise Misconfigured(
            f"IB_BRIDGE_LISTEN is {host}: whoever reaches it could trade. "
            "Set IB_BRIDGE_TOKEN, or listen on 127.0.0.1."
        )
