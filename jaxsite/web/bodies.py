"""Bodies of requests, read whole: bounded in size and in time."""

from dataclasses import dataclass
from http import HTTPStatus

from jaxsite.web.answers import refusal
from jaxsite.web.asgi import CHUNKED, LENGTH, Message, Receive, Scope, header
from jaxsite.web.held import Held

PART = 256 * 1024


@dataclass(frozen=True)
class Allowance:
    """What a body may take."""

    size: int
    seconds: float

    def refuse_more(self, path: str, size: int) -> None:
        """Raise Refused for a body of more bytes."""
        if size > self.size:
            detail = f"The request has more than {self.size // 1024:,} kB."
            raise refusal(path, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


ORDINARY = Allowance(64 * 1024, seconds=15)  # forms, and the API's JSON


class Gone(Exception):
    """The client has hung up."""


def has_body(scope: Scope) -> bool:
    return declared_size(scope) > 0 or is_chunked(scope)


def declared_size(scope: Scope) -> int:
    return int(header(scope, LENGTH) or 0)


def is_chunked(scope: Scope) -> bool:
    """Return whether only its end will tell how large the body is."""
    return bool(header(scope, CHUNKED))


async def read_whole(scope: Scope, receive: Receive, allowance: Allowance, held: Held) -> bytearray:
    """Return the body. Raises Refused for one that is too large or too slow, Gone if the client leaves."""
    allowance.refuse_more(scope["path"], declared_size(scope))
    body = bytearray()
    try:
        async with held.within(allowance.seconds, let_in=allowance != ORDINARY) as hold:
            more = has_body(scope)
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                part = message.get("body", b"")
                hold(len(part))
                body += part
                allowance.refuse_more(scope["path"], len(body))
                more = message.get("more_body", False)
    except TimeoutError:
        detail = f"The request did not arrive within {allowance.seconds:.0f} s."
        raise refusal(scope["path"], HTTPStatus.REQUEST_TIMEOUT, detail) from None
    return body


def with_length(scope: Scope, size: int) -> Scope:
    """Return the request as one that says how large its body is: Django reads no chunked one."""
    headers = [(name, value) for name, value in scope["headers"] if name not in (LENGTH, CHUNKED)]
    return {**scope, "headers": [*headers, (LENGTH, str(size).encode())]} if has_body(scope) else scope


def replay(body: bytearray) -> Receive:
    """Return ASGI's `receive` for a body that is here. It is given away in parts, and then gone."""

    async def receive() -> Message:
        part = bytes(body[:PART])
        del body[:PART]
        return {"type": "http.request", "body": part, "more_body": bool(body)}

    return receive
