"""The line between a browser and the server, on loopback: it can be cut and mended while a page is open."""

import socket
from contextlib import suppress
from threading import Thread
from typing import Self


class Line:
    """Carries bytes to the server at `address`. Cut, it refuses connections as a dead server's port does."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.server = (host, int(port))
        self.connections: list[socket.socket] = []
        self.listener: socket.socket | None = None
        self.port = 0
        self.mend()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        if self.listener is not None:
            # A thread that waits in accept holds the port open; shutting down wakes it.
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()
        self.listener = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                browser, _ = listener.accept()
                server = socket.create_connection(self.server)
                self.connections += [browser, server]
                for source, target in ((browser, server), (server, browser)):
                    Thread(target=_carry, args=(source, target), daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source, target:
        while received := source.recv(65_536):
            target.sendall(received)
        target.shutdown(socket.SHUT_RDWR)
