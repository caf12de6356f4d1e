"""Our own bridge in front of a gateway on loopback, in a thread, with an HTTP side that loses things."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ib_bridge.configuration import Configuration
from ib_bridge.web.app import application
from ib_bridge.web.bridge import build
from tests.vendors.ib_gateway import IBGateway

PATIENCE = 20.0  # seconds
CUT_OFF = b'{"client_id": "'


class Loss(StrEnum):
    """REQUEST: does not arrive. ANSWER: arrives and acts; its answer breaks off. GARBAGE: or is none."""

    REQUEST = "request"
    ANSWER = "answer"
    GARBAGE = "garbage"


class Lossy:
    """ASGI: loses the next request to an address that ends in, or whose parent is, a word."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.losses: list[tuple[str, str, Loss]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loss = self._take(scope) if scope["type"] == "http" else None
        if loss is None:
            await self._app(scope, receive, send)
            return
        if loss is not Loss.REQUEST:
            await self._app(scope, receive, _nowhere)
        await _answer(send, b"<html>" if loss is Loss.GARBAGE else CUT_OFF, is_whole=loss is Loss.GARBAGE)

    def _take(self, scope: Scope) -> Loss | None:
        for entry in self.losses:
            method, word, loss = entry
            if scope["method"] == method and word in scope["path"].split("/"):
                self.losses.remove(entry)
                return loss
        return None


async def _nowhere(message: Message) -> None:
    """Take an answer that does not travel on."""


async def _answer(send: Send, body: bytes, *, is_whole: bool) -> None:
    """Answer with this body, or with a head that promises more than it."""
    length = len(body) + (0 if is_whole else 100)
    headers = [(b"content-length", str(length).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": not is_whole})


class Running:
    """A bridge that serves, by the gateway's clock."""

    def __init__(self, gateway: IBGateway, folder: Path) -> None:
        self._settings = Configuration(gateway=("127.0.0.1", gateway.port), folder=folder)
        self._clock: Callable[[], datetime] = lambda: gateway.at
        built = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(built,), daemon=True)
        self._thread.start()
        assert built.wait(PATIENCE)
        self.until(lambda: self._server.started and self.is_ready)

    def _serve(self, built: threading.Event) -> None:
        """Build the bridge in its thread, which its journal is bound to, and serve."""
        with asyncio.Runner() as runner:
            self.loop, self.bridge = runner.get_loop(), build(self._settings, self._clock)
            self.lossy = Lossy(application(self.bridge))
            options = uvicorn.Config(self.lossy, port=0, log_config=None, lifespan="on")
            self._server = uvicorn.Server(options)
            built.set()
            runner.run(self._server.serve())

    @property
    def url(self) -> str:
        host, port = self._server.servers[0].sockets[0].getsockname()
        return f"http://{host}:{port}"

    @property
    def is_ready(self) -> bool:
        return self.bridge.link.status.is_ready

    def lose(self, method: str, word: str, loss: Loss) -> None:
        """Lose the next request with this method and this word in its path."""
        self.lossy.losses.append((method, word, loss))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, while the bridge connects without its pauses. Raises TimeoutError."""
        ends = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > ends:
                raise TimeoutError("The bridge does not come to it.")
            if self._server.started and not self.is_ready:
                self.loop.call_soon_threadsafe(self.bridge.link.poke)
            time.sleep(0.002)

    def read(self) -> None:
        """Have the bridge read what the gateway tells only who asks: orders and fills by hand."""
        link = self.bridge.link
        while True:
            self.until(lambda: self.is_ready)
            reading = asyncio.run_coroutine_threadsafe(link.reading.orders(link.ib), self.loop)
            with suppress(ConnectionError, TimeoutError):
                return reading.result(PATIENCE)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(PATIENCE)


@contextmanager
def running(gateway: IBGateway, folder: Path) -> Iterator[Running]:
    bridge = Running(gateway, folder)
    try:
        yield bridge
    finally:
        bridge.stop()
