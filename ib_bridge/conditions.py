"""How the bridge stands with its gateway, in words: states, notices, and which error code means which."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = 6
RESTART_FROM, RESTART_TO = time(23, 15), time(1, 15)  # around the gateway's default of 23:45, in New York


class State(StrEnum):
    CONNECTED = "connected"
    CONNECTING = "connecting"
    READING = "reading"
    NOT_REACHABLE = "not_reachable"
    RESTARTING = "restarting"
    WAITING_FOR_LOGIN = "waiting_for_login"
    NO_ANSWER = "no_answer"
    CLIENT_ID_TAKEN = "client_id_taken"
    SERVER_LOST = "server_lost"
    LIVE_REFUSED = "live_refused"
    READ_ONLY = "read_only"


@dataclass(frozen=True, slots=True)
class Words:
    """What a state or a notice says to people: what is, and what to do (empty: nothing)."""

    message: str
    advice: str = ""


API_SETTINGS = "Configure > Settings > API > Settings"
WORDS: Mapping[State, Words] = {
    State.CONNECTED: Words("Connected to IB."),
    State.CONNECTING: Words("Connecting to the gateway."),
    State.READING: Words("Connected; open orders, executions and positions are being read."),
    State.NOT_REACHABLE: Words(
        "Nothing answers at IB_GATEWAY.",
        f"Start IB Gateway (or TWS) and log in. In {API_SETTINGS} the port must be that of IB_GATEWAY: paper "
        "4002 (TWS 7497), live 4001 (TWS 7496); in TWS, switch on Enable ActiveX and Socket Clients.",
    ),
    State.RESTARTING: Words(
        "The gateway does not answer: it restarts each night about now, and comes back by itself."
    ),
    State.WAITING_FOR_LOGIN: Words(
        "The gateway does not answer: on Sundays it waits for a log-in with the second factor.",
        "Log in to the gateway and confirm the second factor on your phone.",
    ),
    State.NO_ANSWER: Words(
        "Something listens at IB_GATEWAY and does not answer.",
        "Look at the gateway's screen: it may ask whether to accept the connection or to log in. In "
        f"{API_SETTINGS}, add this machine's address to the trusted IPs, and check the port.",
    ),
    State.READ_ONLY: Words(
        "Connected, but the gateway's API is read-only: prices come, orders are neither told nor taken.",
        f"Untick Read-Only API in {API_SETTINGS}, then OK. Jax sees it within two minutes.",
    ),
    State.CLIENT_ID_TAKEN: Words(
        "Another program is connected with our client id (326).",
        "End it, or set IB_CLIENT_ID to a number that no other uses.",
    ),
    State.SERVER_LOST: Words(
        "The gateway has lost its connection to IB (1100) and restores it by itself.",
        "If it stays away: check the internet connection of the gateway's machine and IB's system status.",
    ),
    State.LIVE_REFUSED: Words(
        "The gateway is logged in to an account with real money, which LIVE_TRADING does not name.",
        "Log in with the paper account (DU...), or set LIVE_TRADING to the number of the account.",
    ),
}

# Notices stand in /health until what ends them comes; by code, what IB's text alone does not say.
READ_ONLY, PACING, COMPETING = 321, 162, 10197
NOTICES: Mapping[int, Words] = {
    READ_ONLY: Words(
        "The gateway's API is read-only: it takes no orders.", f"Switch off Read-Only API in {API_SETTINGS}."
    ),
    PACING: Words("IB gave no history for a request (162).", "It is asked again later, more slowly."),
    COMPETING: Words(
        "Another session of this user took the market data (10197).",
        "End TWS, the phone's app or the website where this user is logged in, or use a second user for Jax.",
    ),
    2103: Words("A market data farm is down (2103); its prices stand still until it is back."),
    2105: Words("The history farm is down (2105); no bars until it is back."),
    2110: Words("The gateway has no connection to IB (2110) and restores it by itself."),
    2157: Words("The farm of contract details is down (2157)."),
    10089: Words(
        "Market data of some symbols needs a subscription; they come 15 minutes late.",
        "See IB's Client Portal.",
    ),
}
# Which code says that what another reported is over.
ENDS: Mapping[int, tuple[int, ...]] = {
    2104: (2103, 2108),
    2106: (2105,),
    2158: (2157,),
    1101: (1100, 2110),
    1102: (1100, 2110),
}
LOST, RESTORED_AFRESH, RESTORED, CLIENT_ID_IN_USE = 1100, 1101, 1102, 326


def is_read_only(code: int, text: str) -> bool:
    """Return whether an error says that the API is read-only: 321 is every request that makes no sense."""
    return code == READ_ONLY and "read-only" in text.lower()


def when_unreachable(at: datetime) -> State:
    """Return what a gateway is probably doing that nothing listens for: `at` with a zone."""
    there = at.astimezone(NEW_YORK)
    if there.weekday() == SUNDAY and there.time() < time(20):
        return State.WAITING_FOR_LOGIN
    if there.time() >= RESTART_FROM or there.time() < RESTART_TO:
        return State.RESTARTING
    return State.NOT_REACHABLE
