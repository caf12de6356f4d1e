"""Connections that another thread can cut.

A read timeout only bounds the wait for the next byte. A server that drips a header a second would hold a
thread for ever, so the thread that waits for the workers cuts the line of one that takes too long.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Line:
    """The connection on which one request is being made, once it has one. `written`: when it was sent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.written: float | None = None
        self.was_cut = False
        self._connection: HTTPConnection | None = None
        self._socket: socket.socket | None = None

    def hold(self) -> None:
        """The calling thread's connection belongs to this line from now on."""
        _held.line = self

    def note(self, connection: HTTPConnection) -> None:
        # A connection that is to be closed lets go of its socket while the body is still being read.
        self._connection, self._socket = connection, connection.sock
        if self.was_cut:
            self.cut()

    def cut(self) -> None:
        self.was_cut = True
        for end in (self._socket, getattr(self._connection, "sock", None)):
            if end is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(end, socket.SHUT_RDWR)


class _Held(threading.local):
    line: Line | None = None


_held = _Held()


def _note(connection: HTTPConnection) -> None:
    if _held.line is not None:
        _held.line.note(connection)


def _written() -> None:
    if _held.line is not None:
        _held.line.written = _held.line.clock()


class _Plain(HTTPConnection):
    def connect(self) -> None:
        _note(self)
        super().connect()
        _note(self)

    def request(self, *args: Any, **options: Any) -> None:
        _note(self)
        super().request(*args, **options)
        _written()


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        _note(self)
        super().connect()
        _note(self)

    def request(self, *args: Any, **options: Any) -> None:
        _note(self)
        super().request(*args, **options)
        _written()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


def adapter(connections: int) -> HTTPAdapter:
    """Keeps that many connections open; never retries by itself."""
    made = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
    made.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return made
