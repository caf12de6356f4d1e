"""A stream over a websocket: connect, let the vendor's dialogue speak, notice when the other end is gone.

A frame that is too large, a handshake that takes too long and an end that answers no ping break the
connection. Frames that cannot be read are counted and passed over.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from core.redaction import redact
from market.prices import Feed
from market.providers.streams.base import StreamError, Updates, Wanted

HANDSHAKE = 10.0  # seconds until the connection stands
WELCOME = 15.0  # seconds until the vendor lets us in
PING = 15.0  # seconds between two pings, and until one must be answered
LARGEST = 4 << 20  # bytes of a frame
LOOK = 1.0  # seconds between two looks at what is wanted
A_WHILE = timedelta(hours=1)
REFUSED = (401, 402, 403)
# What a message of an unforeseen shape raises while it is read.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Dialogue(Protocol):
    """A vendor's side of one conversation: what its messages mean, and what to answer. Does no I/O."""

    is_ready: bool  # whether the vendor has let us in

    def take(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        """Take in one message and return the answers to it. Raises StreamError."""

    def ask_for(self, symbols: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Return what to send so that these symbols are streamed. Asked once a second, once ready."""


@dataclass(frozen=True)
class WebsocketStream:
    title: str
    url: str
    feed: Feed
    delay: timedelta
    converse: Callable[[Updates], Dialogue]
    advice: str = ""  # for a refusal
    secrets: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    async def run(self, wanted: Wanted, updates: Updates) -> None:
        try:
            async with _NowhereElse(
                self.url,
                open_timeout=HANDSHAKE,
                close_timeout=2,
                ping_interval=PING,
                ping_timeout=PING,
                max_size=LARGEST,
                additional_headers=self.headers,
            ) as socket:
                await _Conversation(self.title, socket, self.converse(updates), updates).run(wanted)
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            raise self._error(f"answered {status}", refused=status in REFUSED) from None
        except TimeoutError:
            raise self._error(f"did not answer within {HANDSHAKE:g} s") from None
        except (OSError, WebSocketException) as failure:
            raise self._error(f"ended the connection ({_words(failure)})") from None
        except StreamError as error:
            raise StreamError(
                redact(str(error), self.secrets), pause=error.pause, is_plan=error.is_plan
            ) from None

    def _error(self, what: str, *, refused: bool = False) -> StreamError:
        text = redact(f"{self.title} {what}.", self.secrets)
        return StreamError(f"{text} {self.advice}" if refused else text, pause=A_WHILE if refused else None)


class _NowhereElse(connect):
    """Follows no redirect: the key goes to the host of the settings, and to no other."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


@dataclass(frozen=True)
class _Conversation:
    title: str
    socket: ClientConnection
    dialogue: Dialogue
    updates: Updates

    async def run(self, wanted: Wanted) -> None:
        """Read and ask side by side. What ends one ends the other."""
        tasks = [asyncio.ensure_future(self._read()), asyncio.ensure_future(self._ask(wanted))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        async for frame in self.socket:
            for answer in self._take(frame):
                await self.socket.send(json.dumps(answer))

    def _take(self, frame: str | bytes) -> list[dict[str, Any]]:
        """Take in the messages of a frame. One that makes no sense keeps no other from being read."""
        try:
            content = json.loads(frame)
        except (ValueError, RecursionError):
            self.updates.unreadable("no JSON")
            return []
        answers: list[dict[str, Any]] = []
        for message in content if isinstance(content, list) else [content]:
            try:
                answers += self.dialogue.take(message)
            except UNREADABLE as failure:
                self.updates.unreadable(type(failure).__name__)
        return answers

    async def _ask(self, wanted: Wanted) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            if self.dialogue.is_ready:
                for message in self.dialogue.ask_for(wanted()):
                    await self.socket.send(json.dumps(message))
            elif loop.time() - began > WELCOME:
                raise StreamError(f"{self.title} did not let us in within {WELCOME:g} s.")
            await asyncio.sleep(LOOK)


def _words(failure: Exception) -> str:
    if isinstance(failure, ConnectionClosed):
        close = failure.rcvd or failure.sent
        return f"{close.code} {close.reason}".strip() if close else "it broke"
    return str(failure)[:200] or type(failure).__name__
