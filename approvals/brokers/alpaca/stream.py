"""Alpaca's stream of trade updates, of which only is taken that something has changed.

Its messages are binary frames of JSON: https://docs.alpaca.markets/docs/websocket-streaming
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from approvals.brokers.alpaca.wire import KEYS
from approvals.brokers.base import BrokerAway

PATIENCE = 10.0  # seconds to connect and for each answer of the greeting
LARGEST = 2**20  # bytes of a message
STREAM = "trade_updates"


def listen(values: Mapping[str, Any], changed: Callable[[], None]) -> None:
    """Call back when listening begins and whenever something of the account has changed, until it ends.

    Raises BrokerAway, always: a stream does not end well.
    """
    try:
        with connect(
            address(values["ALPACA_TRADING_URL"]), open_timeout=PATIENCE, max_size=LARGEST
        ) as socket:
            keys = {"key": values["ALPACA_API_KEY"], "secret": values["ALPACA_API_SECRET"]}
            socket.send(json.dumps({"action": "auth", **keys}))
            if _details(socket.recv(PATIENCE)).get("status") != "authorized":
                raise BrokerAway(f"Alpaca's stream does not take the keys. {KEYS}")
            socket.send(json.dumps({"action": "listen", "data": {"streams": [STREAM]}}))
            if STREAM not in (_details(socket.recv(PATIENCE)).get("streams") or ()):
                raise BrokerAway("Alpaca's stream of trade updates is not there.")
            changed()
            for _ in socket:
                changed()
    except (OSError, WebSocketException, ValueError) as error:  # TimeoutError is an OSError
        raise BrokerAway(f"Alpaca's stream ended: {type(error).__name__}.") from error
    raise BrokerAway("Alpaca ended its stream.")


def address(base_url: str) -> str:
    """Return the address of the stream of the account at a base address."""
    parts = urlsplit(base_url.rstrip("/"))
    return urlunsplit(("ws" if parts.scheme == "http" else "wss", parts.netloc, "/stream", "", ""))


def _details(frame: str | bytes) -> dict[str, Any]:
    message = json.loads(frame)
    details = message.get("data") if isinstance(message, dict) else None
    return details if isinstance(details, dict) else {}
