"""The words of ASGI. uvicorn and a2wsgi have classes of their own for them, which do not fit each other."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LENGTH, CHUNKED = b"content-length", b"transfer-encoding"
CLOSE = (b"connection", b"close")


def header(scope: Scope, name: bytes) -> bytes:
    """Return the first header of this name; empty when there is none."""
    return next((value for given, value in scope["headers"] if given == name), b"")
