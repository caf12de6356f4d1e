"""Hindsight's own client on a wire that is bounded in time and size and goes to no other host."""

import json
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, TypeVar

import aiohttp
from hindsight_client import Hindsight as Client
from hindsight_client_api.exceptions import OpenApiException
from hindsight_client_api.rest import RESTClientObject, RESTResponse

from core.http import Failure, failures

T = TypeVar("T")

LARGEST = 2**20  # bytes of an answer


async def call(url: str, who: str, ask: Callable[[Client], Awaitable[T]], seconds: float) -> T:
    """What the client answers. Raises Failure, or TimeoutError."""
    client = Client(url, timeout=seconds, max_attempts=1)
    api = client.memory.api_client
    api.rest_client = _Wire(api.configuration, who)
    try:
        answer = await ask(client)
        if answer is None:  # what the client makes of JSON's null
            raise ValueError
    except TimeoutError:
        raise
    except aiohttp.ClientConnectorError:
        raise Failure(f"{who} cannot be reached", again=True) from None
    except aiohttp.InvalidURL:
        raise Failure(f"the address of {who} is not one", permanent=True) from None
    except aiohttp.ClientError:
        raise Failure(f"{who} broke off the connection", again=True) from None
    except (OpenApiException, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        # Generated code: an answer of another shape ends in any of these.
        raise Failure(f"{who} answered in a form that its client does not know", odd=True) from None
    return answer


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: they are many."""
    return ssl.create_default_context()


class _Wire(RESTClientObject):
    """The client's own follows redirects, which would show memories to others, and reads without end.

    A session for each request: a client lives on one event loop only.
    """

    def __init__(self, configuration: Any, who: str) -> None:
        super().__init__(configuration)
        self._who = who

    async def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: float | None = None,
    ) -> RESTResponse:
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=_trusted()),
                timeout=aiohttp.ClientTimeout(total=_request_timeout),
                trust_env=True,
            ) as session,
            session.request(
                method, url, headers=headers, data=json.dumps(body), allow_redirects=False
            ) as answer,
        ):
            content = await self._read(answer)
        if 300 <= answer.status < 400:
            raise failures.redirected(self._who, answer.status, answer.headers.get("Location", ""))
        if answer.status >= 400:
            raise failures.refused(self._who, answer.status, answer.headers, content)
        came = RESTResponse(answer)
        came.data = content  # type: ignore[assignment]  # its type is that of its first value
        return came

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise Failure(f"{self._who} sent more than {LARGEST // 2**20} MB; refused", odd=True)
        return b"".join(parts)
