"""From nothing to a connected IB Gateway: of each step what is seen now, and what to click. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Health = Mapping[str, Any]

API = "Configure > Settings > API > Settings"
LIVE_PORTS: Mapping[int, int] = {
    4001: 4002,
    7496: 7497,
}  # of real money, and the paper port of the same program
READ_ONLY, TAKEN_AWAY, FARM = 321, 10197, 2103
AWAY = ("not_reachable", "restarting", "waiting_for_login", "connecting")
BOTH = (
    "It runs with other settings than .env has now ({differences}): restart Jax, or the machine on which the "
    "bridge runs."
)


class State(StrEnum):
    """LATER: what comes before it is not done. UNSEEN: only the gateway's own screen shows it."""

    DONE = "done"
    TODO = "to do"
    LATER = "later"
    UNSEEN = "cannot be seen from here"


@dataclass(frozen=True, slots=True)
class Step:
    """`click` says what to do where something is to do, else where the setting is."""

    title: str
    state: State
    seen: str
    click: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """What .env says. `gateway`: host and port, None when IB_GATEWAY is not set."""

    gateway: tuple[str, int] | None
    bridge_url: str
    client_id: int
    live_account: str
    broker: str


def steps(setup: Setup, health: Health | None, trouble: str = "") -> list[Step]:
    """Return the steps in order. `health`: what the bridge says of itself, None while it does not answer."""
    told = health if health is not None and "state" in health else {}
    return [
        _switched_on(setup),
        _bridge(setup, health, trouble),
        _reachable(setup, told),
        _accepted(told),
        _account(setup, told),
        _client_id(setup, told),
        _writable(told),
        *_unseen(told),
        _market_data(told),
        _broker(setup, told),
    ]


def is_switched_on(setup: Setup) -> bool:
    return bool(setup.gateway or setup.bridge_url or setup.broker == "ib")


def _switched_on(setup: Setup) -> Step:
    title = "Jax is told where the gateway is"
    if setup.gateway:
        host, port = setup.gateway
        return Step(title, State.DONE, f"IB_GATEWAY is {host}:{port}.{_hint(setup, port)}")
    if setup.bridge_url:
        return Step(
            title, State.DONE, f"IB_BRIDGE_URL is {setup.bridge_url}: a bridge that is not Jax's to start."
        )
    return Step(
        title,
        State.TODO,
        "Neither IB_GATEWAY nor IB_BRIDGE_URL is set.",
        "Write IB_GATEWAY=127.0.0.1:4002 into .env (the paper port of IB Gateway; that of TWS is 7497), and "
        "start Jax again: make run.",
    )


def _hint(setup: Setup, port: int) -> str:
    if port in LIVE_PORTS and not setup.live_account:
        return f" {port} is usually the port of real money, {LIVE_PORTS[port]} that of paper."
    return ""


def _bridge(setup: Setup, health: Health | None, trouble: str) -> Step:
    title = "The IB Bridge runs"
    if not is_switched_on(setup):
        return Step(title, State.LATER, "Jax starts it once IB_GATEWAY is set.")
    if health is None:
        click = "make run and docker compose start it with Jax. Its own words are in the log, as ib-bridge."
        return Step(
            title, State.TODO, f"Nothing answers at {setup.bridge_url or 'its address'}: {trouble}", click
        )
    if "state" not in health:
        words = "One answers that is not Jax's own, and says less about its gateway than is asked here."
        return Step(title, State.DONE, words, "Set IB_GATEWAY instead of IB_BRIDGE_URL to use Jax's own.")
    if differences := ", ".join(_differences(setup, health)):
        return Step(title, State.TODO, "It answers.", BOTH.format(differences=differences))
    return Step(title, State.DONE, f"It answers at {setup.bridge_url}.")


def _differences(setup: Setup, health: Health) -> Iterator[str]:
    """Yield where the bridge runs with other settings than .env has, as after a change without a restart."""
    gateway = ":".join(map(str, setup.gateway)) if setup.gateway else ""
    pairs = (
        ("IB_GATEWAY", gateway, health.get("gateway")),
        ("IB_CLIENT_ID", setup.client_id, health.get("ib_client_id")),
        ("LIVE_TRADING", setup.live_account, health.get("live_trading")),
    )
    for name, here, there in pairs if gateway else ():
        if there is not None and there != here:
            yield f"{name} {there or 'not set'} instead of {here or 'not set'}"


def _reachable(setup: Setup, told: Health) -> Step:
    title = "The gateway is logged in, and its port is the one that Jax knows"
    where = f"{API}: Socket port is 4002 for paper (TWS 7497), 4001 for real money (TWS 7496)."
    if not told:
        return Step(title, State.LATER, "Nobody has looked yet.", where)
    if told["state"] in AWAY:
        return Step(
            title, State.TODO, _words(told), f"{told.get('advice') or 'It is tried again by itself.'}"
        )
    return Step(title, State.DONE, f"Something listens at {told.get('gateway', 'the port')}.", where)


def _accepted(told: Health) -> Step:
    title = "It accepts the API, from this machine"
    where = (
        f"{API}: Enable ActiveX and Socket Clients is ticked (TWS only). Where the bridge runs on another "
        "machine: untick Allow connections from localhost only, and add its address to Trusted IPs."
    )
    if not told or told["state"] in AWAY:
        return Step(title, State.LATER, "Nobody has been let in yet.", where)
    if told["state"] == "no_answer":
        return Step(title, State.TODO, _words(told), f"{told.get('advice', '')} {where}")
    if told["state"] == "server_lost":
        return Step(title, State.TODO, _words(told), str(told.get("advice", "")))
    version = f" It speaks version {told['server_version']}." if told.get("server_version") else ""
    return Step(title, State.DONE, f"It answers.{version}", where)


def _is_in(told: Health) -> bool:
    return told.get("connected") is True


def _account(setup: Setup, told: Health) -> Step:
    title = "Paper first"
    click = (
        "Log out of the gateway, choose Paper Trading, and log in with the paper user (its account is DU...)."
    )
    if told.get("state") == "live_refused":
        refused = f" Only for real money: set LIVE_TRADING to the number of that account. {_named(setup)}"
        return Step(title, State.TODO, _words(told), click + refused)
    if not _is_in(told):
        return Step(title, State.LATER, "No account is known yet.", click)
    account = told.get("account_id")
    if told.get("paper_trading") is True:
        return Step(title, State.DONE, f"Account {account}: paper.", click)
    return Step(title, State.DONE, f"Account {account}: REAL MONEY, as LIVE_TRADING says.", click)


def _named(setup: Setup) -> str:
    return f"It is {setup.live_account} now." if setup.live_account else ""


def _client_id(setup: Setup, told: Health) -> Step:
    title = "Its client id is Jax's alone"
    where = (
        "IB_CLIENT_ID in .env. Keep it while orders work, for only the one that placed them can change them."
    )
    if told.get("state") == "client_id_taken":
        return Step(title, State.TODO, _words(told), str(told.get("advice", "")))
    if not _is_in(told):
        return Step(title, State.LATER, f"It will be {setup.client_id}.", where)
    return Step(title, State.DONE, f"Connected as {told.get('ib_client_id', setup.client_id)}.", where)


def _writable(told: Health) -> Step:
    title = "Read-Only API is off, for orders"
    where = f"{API}: untick Read-Only API, then OK. A gateway that was just installed has it ticked."
    if not _is_in(told):
        return Step(title, State.LATER, "Nobody has asked for orders yet.", where)
    if told["state"] == "read_only" or READ_ONLY in _noticed(told):
        return Step(title, State.TODO, "The gateway says that its API is read-only (321).", where)
    return Step(title, State.DONE, "It tells its orders, executions and positions.", where)


def _unseen(told: Health) -> Iterator[Step]:
    """Yield what only shows when it goes wrong."""
    yield Step(
        "Times come in UTC",
        State.UNSEEN,
        "Bars whose times have no zone are refused, and doctor says so.",
        f'{API}: Send instrument-specific attributes for dual-mode API client in "UTC format".',
    )
    yield Step(
        "No question on its screen holds an order",
        State.UNSEEN,
        "An order that a question holds is not answered.",
        "Configure > Settings > API > Precautions: tick Bypass Order Precautions for API Orders.",
    )
    yield Step(
        "It comes back each night by itself",
        State.UNSEEN,
        "Without it the gateway logs out once a day. On Sundays it wants a log-in either way.",
        "Configure > Settings > Lock and Exit: Auto restart, at an hour without trading.",
    )


def _market_data(told: Health) -> Step:
    title = "Market data"
    where = (
        "IB's Client Portal, Settings > Market Data Subscriptions; share them there with the paper account. "
        "Without them prices come 15 minutes late, and Jax says so."
    )
    if not _is_in(told):
        return Step(title, State.LATER, "No price has been asked for yet.", where)
    if TAKEN_AWAY in _noticed(told):
        click = "End TWS, the app or the website where this user is logged in, or use a second user for Jax."
        return Step(title, State.TODO, "Another session of this user took the market data (10197).", click)
    mode = str(told.get("market_data_mode"))
    if mode.startswith("delayed"):
        return Step(title, State.TODO, f"Prices are 15 minutes late ({mode}).", where)
    if mode == "unknown":
        return Step(
            title, State.LATER, "No price has come yet: watch something, or wait for its session.", where
        )
    return Step(title, State.DONE, f"Prices are {mode}.", where)


def _broker(setup: Setup, told: Health) -> Step:
    title = "Orders go there"
    if setup.broker == "ib":
        state = State.DONE if told.get("synced") is True else State.LATER
        return Step(title, state, "BROKER is ib.", "Look at the account: manage.py broker.")
    return Step(
        title,
        State.TODO if told.get("synced") is True else State.LATER,
        f"BROKER is {setup.broker}: IB gives prices only.",
        "For orders too: BROKER=ib in .env while nothing is held, then start Jax again.",
    )


def _words(told: Health) -> str:
    return str(told.get("message") or told["state"])


def _noticed(told: Health) -> set[Any]:
    notices = told.get("notices")
    rows = notices if isinstance(notices, list) else []
    return {notice.get("code") for notice in rows if isinstance(notice, dict)}
