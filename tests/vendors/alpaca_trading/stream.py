"""Alpaca's stream of trade updates, on the same port as the rest: binary frames of JSON."""

import contextlib
import json
import socket
import threading
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from tests.vendors.server import Visit

CHUNK = 2**16


class Stream:
    """`is_mute`: it greets nobody. `heard`: what was sent to it."""

    def __init__(self, key: str, secret: str) -> None:
        self.key, self.secret = key, secret
        self.is_mute = False
        self.heard: list[dict[str, Any]] = []
        self.connections = 0
        self._listeners: dict[socket.socket, ServerProtocol] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition()

    def talk(self, visit: Visit, connection: socket.socket) -> None:
        """Speak with one client until either side ends it."""
        self.connections += 1
        self._open.add(connection)
        protocol = ServerProtocol()
        protocol.receive_data(_as_sent(visit))
        try:
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
            self._flush(protocol, connection)
            self._listen(protocol, connection)
        except OSError:
            pass
        finally:
            self._listeners.pop(connection, None)
            self._open.discard(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def is_listened_to(self, within: float) -> bool:
        """Wait until a client is told what changes; return whether one is."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._listeners), within)

    def push(self, message: dict[str, Any]) -> None:
        for connection, protocol in list(self._listeners.items()):
            with contextlib.suppress(OSError):
                self._send(protocol, connection, message)

    def hang_up(self) -> None:
        """Break the connections, as a network does: without a word."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _listen(self, protocol: ServerProtocol, connection: socket.socket) -> None:
        while received := connection.recv(CHUNK):
            protocol.receive_data(received)
            self._flush(protocol, connection)
            for event in protocol.events_received():
                if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                    message = json.loads(bytes(event.data))
                    self.heard.append(message)
                    if not self.is_mute:
                        self._reply(protocol, connection, message)
            if protocol.close_expected():
                return

    def _reply(self, protocol: ServerProtocol, connection: socket.socket, message: dict[str, Any]) -> None:
        details = message.get("data") or message
        if message.get("action") in ("auth", "authenticate"):
            keys = [
                details.get("key_id", details.get("key")),
                details.get("secret_key", details.get("secret")),
            ]
            status = "authorized" if keys == [self.key, self.secret] else "unauthorized"
            answer = {"status": status, "action": message["action"]}
            self._send(protocol, connection, {"stream": "authorization", "data": answer})
        elif message.get("action") == "listen":
            streams = [name for name in details["streams"] if name == "trade_updates"]
            self._send(protocol, connection, {"stream": "listening", "data": {"streams": streams}})
            if streams:
                with self._changed:
                    self._listeners[connection] = protocol
                    self._changed.notify_all()

    def _send(self, protocol: ServerProtocol, connection: socket.socket, message: dict[str, Any]) -> None:
        with self._lock:
            protocol.send_binary(json.dumps(message).encode())
        self._flush(protocol, connection)

    def _flush(self, protocol: ServerProtocol, connection: socket.socket) -> None:
        with self._lock:
            for part in protocol.data_to_send():
                if part:
                    connection.sendall(part)


def _as_sent(visit: Visit) -> bytes:
    lines = [f"{visit.method} {visit.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in visit.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
