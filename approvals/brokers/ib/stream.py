"""Waiting at the bridge until something of the account has changed; what it says is wrong meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any

from approvals.brokers.base import BrokerAway, BrokerError
from approvals.brokers.ib.wire import Api

WAIT = 15  # seconds; below what the requests' patience allows for an answer
CONNECTED, LONGEST = "connected", 500  # characters of a sentence


def listen(values: Mapping[str, Any], changed: Callable[[], None]) -> None:
    """Call back when listening begins and whenever something has changed, until it ends.

    Raises BrokerAway, always: a stream does not end well.
    """
    bridge = Api(values["IB_BRIDGE_URL"].rstrip("/"), values["IB_BRIDGE_TOKEN"])
    revision = None
    try:
        while True:
            newest = _wait(bridge, revision)
            if newest != revision:
                changed()
            revision = newest
    except BrokerError as error:
        raise BrokerAway(f"The IB Bridge does not tell changes any more: {error}") from error


def notices(values: Mapping[str, Any]) -> str:
    """Return the bridge's words on its state and on what else is wrong, with what to click."""
    try:
        health = Api(values["IB_BRIDGE_URL"].rstrip("/"), values["IB_BRIDGE_TOKEN"]).read("/health")
    except BrokerError:
        return ""  # the stream itself says so
    state = [] if health.get("state") == CONNECTED else [health]
    noted = health.get("notices")
    rows = [*state, *(noted if isinstance(noted, list) else [])]
    words = [row.get(name) for row in rows if isinstance(row, dict) for name in ("message", "advice")]
    return " ".join(str(part)[:LONGEST] for part in words if part)


def _wait(bridge: Api, revision: int | None) -> int:
    """Return the newest revision, at once when none is known."""
    query = {"after": "0", "wait": "0"} if revision is None else {"after": str(revision), "wait": str(WAIT)}
    newest = bridge.read("/v1/changes", **query).get("revision")
    if not isinstance(newest, int):
        raise BrokerAway("its answer has no revision")
    return newest
