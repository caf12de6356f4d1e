"""Answers kept whole, so that the thread that made one need not wait for its reader."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from jaxsite.rest.problems import API, CONTENT_TYPE
from jaxsite.web.asgi import CLOSE, LENGTH, Message, Receive, Send
from jaxsite.web.held import Held

PART = 64 * 1024
PATIENCE_SECONDS = 30
SLOWEST = 16 * 1024  # bytes a second that a reader of a large answer must take
LINGER_SECONDS = 2
END = {"type": "http.response.body", "body": b"", "more_body": False}


@dataclass
class Answer:
    start: Message = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    @property
    def status(self) -> int:
        return int(self.start["status"])

    async def keep(self, message: Message) -> None:
        """Take a part of it, as ASGI's `send` does."""
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.body += message.get("body", b"")

    async def deliver(self, send: Send, held: Held, unread: Receive | None = None) -> None:
        """Send it, each part once the reader has taken most of those before; give up one that is too slow.

        `unread`: the request's body, of which the rest is not wanted. The connection is closed then.
        """
        if unread:
            self.start["headers"] = [*self.start["headers"], CLOSE]
        with suppress(TimeoutError):
            async with held.within(PATIENCE_SECONDS + len(self.body) / SLOWEST) as hold:
                hold(len(self.body))
                await send(self.start)
                for part in self._parts():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                if unread:
                    await _discard(unread)
                await send(END)

    def _parts(self) -> Iterator[bytes]:
        while self.body:
            yield bytes(self.body[:PART])
            del self.body[:PART]


class Refused(Exception):
    """A request is answered before it has arrived whole."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refusal(path: str, status: HTTPStatus, detail: str) -> Refused:
    """Return it with a sentence for the client: problem details for the API, text for others."""
    content_type, text = "text/plain; charset=utf-8", f"{detail}\n"
    if path.startswith(API):
        about = {"type": "about:blank", "title": status.phrase, "status": status.value}
        content_type, text = CONTENT_TYPE, json.dumps(about | {"detail": detail, "instance": path})
    body = text.encode()
    headers = [
        (b"content-type", content_type.encode()),
        (LENGTH, str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    start = {"type": "http.response.start", "status": status.value, "headers": headers}
    return Refused(Answer(start, bytearray(body)))


async def _discard(body: Receive) -> None:
    """Read on for a moment: one that is closed while its client sends is reset, and the answer lost."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await body()).get("more_body"):
                pass
