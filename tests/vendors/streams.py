"""The vendors' websockets on loopback: real sockets, the messages of their documentation.

with AlpacaStream(limit=30) as vendor:
    ... connect to vendor.url ...
    vendor.push({"T": "t", "S": "AAPL", ...})
"""

import json
import threading
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

Message = dict[str, Any]


class StreamVendor:
    """`status`: of a handshake that is refused; `location`: where it points to. `is_mute`: it greets nobody.

    `most`: connections at a time. `heard`: what was sent to it, in order.
    """

    path = "/"

    def __init__(self, *, status: int | None = None, is_mute: bool = False, most: int = 1) -> None:
        self.status, self.is_mute, self.most = status, is_mute, most
        self.location = ""
        self.heard: list[Message] = []
        self.subscribed: set[str] = set()
        self.connections = 0
        self.open: set[ServerConnection] = set()
        self._server: Server = serve(
            self._talk, "127.0.0.1", 0, process_request=self._admit, ping_interval=None
        )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}{self.path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self.hang_up()
        self._thread.join(timeout=10)

    def push(self, *messages: object) -> None:
        """Send messages in one frame to all who are connected."""
        self.send(json.dumps(list(messages)))

    def send(self, frame: str | bytes) -> None:
        for socket in list(self.open):
            with suppress(ConnectionClosed):
                socket.send(frame)

    def hang_up(self) -> None:
        """Break the connections, as a network does: without a word."""
        for socket in list(self.open):
            with suppress(OSError):
                socket.socket.shutdown(2)

    def greet(self, socket: ServerConnection) -> None:
        raise NotImplementedError

    def answer(self, message: Message) -> list[Message]:
        raise NotImplementedError

    def too_many(self) -> list[Message]:
        raise NotImplementedError

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if self.status is None:
            return None
        refusal = socket.respond(HTTPStatus(self.status), "no")
        if self.location:
            refusal.headers["Location"] = self.location
        return refusal

    def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        self.open.add(socket)
        with suppress(ConnectionClosed):
            if not self.is_mute:
                self.greet(socket)
            for text in socket:
                self.heard.append(json.loads(text))
                over = len(self.open) > self.most
                answers = self.too_many() if over else self.answer(self.heard[-1])
                if answers:
                    socket.send(json.dumps(answers))
                if over:
                    break
        self.open.discard(socket)


class AlpacaStream(StreamVendor):
    """`limit`: symbols that the plan streams."""

    path = "/v2/iex"
    key, secret = "PKTEST", "alpaca-secret"

    def __init__(self, *, limit: int = 10_000, **options: Any) -> None:
        super().__init__(**options)
        self.limit = limit

    @property
    def settings(self) -> dict[str, str]:
        return {"ALPACA_STREAM_URL": self.url, "ALPACA_API_KEY": self.key, "ALPACA_API_SECRET": self.secret}

    def greet(self, socket: ServerConnection) -> None:
        socket.send(json.dumps([{"T": "success", "msg": "connected"}]))

    def too_many(self) -> list[Message]:
        return [{"T": "error", "code": 406, "msg": "connection limit exceeded"}]

    def answer(self, message: Message) -> list[Message]:
        if message["action"] == "auth":
            self.subscribed = set()
            if (message["key"], message["secret"]) != (self.key, self.secret):
                return [{"T": "error", "code": 402, "msg": "auth failed"}]
            return [{"T": "success", "msg": "authenticated"}]
        asked = set(message["trades"])
        wanted = self.subscribed | asked if message["action"] == "subscribe" else self.subscribed - asked
        if len(wanted) > self.limit:
            return [{"T": "error", "code": 405, "msg": "symbol limit exceeded"}]
        self.subscribed = wanted
        symbols = sorted(wanted)
        return [{"T": "subscription", "trades": symbols, "quotes": symbols, "bars": [], "statuses": symbols}]


class PolygonStream(StreamVendor):
    """`channels`: those that the plan has."""

    path = "/stocks"
    key = "polygon-secret"

    def __init__(self, *, channels: tuple[str, ...] = ("T", "Q", "A", "LULD"), **options: Any) -> None:
        super().__init__(**options)
        self.channels = channels

    @property
    def settings(self) -> dict[str, str]:
        return {"POLYGON_STREAM_URL": self.url, "POLYGON_API_KEY": self.key}

    def greet(self, socket: ServerConnection) -> None:
        socket.send(json.dumps([_status("connected", "Connected Successfully")]))

    def too_many(self) -> list[Message]:
        return [_status("max_connections", "Maximum number of websocket connections exceeded.")]

    def answer(self, message: Message) -> list[Message]:
        if message["action"] == "auth":
            if message["params"] != self.key:
                return [_status("auth_failed", "authentication failed")]
            return [_status("auth_success", "authenticated")]
        return [self._confirm(message["action"], topic) for topic in message["params"].split(",")]

    def _confirm(self, action: str, topic: str) -> Message:
        if topic.partition(".")[0] not in self.channels:
            return _status("error", "not authorized: your plan doesn't include this data")
        if action == "subscribe":
            self.subscribed.add(topic)
            return _status("success", f"subscribed to: {topic}")
        self.subscribed.discard(topic)
        return _status("success", f"unsubscribed to: {topic}")


def _status(status: str, message: str) -> Message:
    return {"ev": "status", "status": status, "message": message}
