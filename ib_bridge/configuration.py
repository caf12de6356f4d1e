"""What the bridge is told by its environment, read once at its start."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.registry.environment import Environment
from core.registry.kinds import KEY, PORT, Folder, Host, Matching, Whole
from jaxsite.processes.bind_guard import is_loopback

HERE = Path(__file__).resolve().parent.parent
FOLDER, JOURNAL = "ib_bridge", "journal.sqlite3"
ACCOUNT = Matching(r"[A-Z]{1,3}[0-9]{3,12}", "an account number as in U1234567")
CLIENT_ID = 81


class Misconfigured(ValueError):
    """The settings make no sense together; the message says what to change."""


@dataclass(frozen=True)
class Endpoint:
    """The kind of a setting that names a host and a port."""

    def __call__(self, text: str) -> tuple[str, int]:
        host, colon, port = text.rpartition(":")
        if not colon:
            raise ValueError(text)
        return Host()(host), PORT(port)

    def __str__(self) -> str:
        return "host:port as in 127.0.0.1:4002"


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
        live_account=env.read("LIVE_TRADING", ACCOUNT, ""),
        folder=env.read("VAR_DIR", Folder(HERE), HERE / "var"),
    )
    if env.problems:
        raise Misconfigured("\n".join(env.problems))
    _check(configuration)
    return configuration


def _check(configuration: Configuration) -> None:
    host = configuration.listen[0]
    if not configuration.gateway[1]:
        raise Misconfigured("IB_GATEWAY is not set: host:port of TWS or IB Gateway, as in 127.0.0.1:4002.")
    if not is_loopback(host) and not configuration.token:
        raise Misconfigured(
            f"IB_BRIDGE_LISTEN is {host}: whoever reaches it could trade. "
            "Set IB_BRIDGE_TOKEN, or listen on 127.0.0.1."
        )
