"""One question to an OpenAI-compatible server, through the official client.

The client takes some 50 MB and half a second to import, so this module is imported when it is first needed.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import openai

from core.http import failures, origin
from core.http.failures import Failure

LARGEST = 2**20  # bytes of an answer
NO_KEY = "none"  # the client insists on one; servers of one's own do not


@dataclass
class Unanswered(Exception):
    """There was no answer, why, and whether the model may have worked all the same."""

    why: str
    worked: bool
    body: str = ""


async def complete(base_url: str, key: str, body: Mapping[str, Any], seconds: float) -> bytes:
    """The body of the answer. Raises Unanswered; no text of it holds the key."""
    unanswered = _Unsaid(base_url)
    try:
        async with (
            openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                headers={"Accept-Encoding": "identity"},
                event_hooks={"response": [_limit]},
                verify=_trusted(),
            ) as wire,
            openai.AsyncOpenAI(
                base_url=base_url,
                api_key=key or NO_KEY,
                max_retries=0,
                timeout=openai.Timeout(seconds, connect=min(10.0, seconds)),
                http_client=wire,
            ) as client,
        ):
            answer = await client.chat.completions.with_raw_response.create(**body)
            return bytes(answer.content)
    except openai.APIStatusError as error:
        found = unanswered.refused(error)
    except openai.APITimeoutError as error:
        found = Unanswered(f"{unanswered.who} gave no answer in time", _was_sent(error))
    except openai.APIConnectionError as error:
        found = unanswered.broken(error)
    except _Unfit as unfit:
        found = Unanswered(f"{unanswered.who} {unfit}", worked=True)
    except (openai.OpenAIError, httpx2.InvalidURL, ValueError):
        found = Unanswered(f"{unanswered.who} cannot be asked: check the address and the key", worked=False)
    # Raised out here, it carries no exception of the client, which would hold the headers with the key.
    raise found


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: they are many."""
    return httpx2.create_ssl_context()


class _Unsaid:
    """What the client's exceptions mean, in words."""

    def __init__(self, base_url: str) -> None:
        self.who = f"the model at {origin(base_url) or 'an address that is none'}"

    def refused(self, error: openai.APIStatusError) -> Unanswered:
        status, answer = error.status_code, error.response
        if 300 <= status < 400:
            said: Failure = failures.redirected(self.who, status, answer.headers.get("Location", ""))
        else:
            said = failures.refused(self.who, status, answer.headers, answer.content)
        wait = f"; it asks to wait {said.retry_after.total_seconds():.0f} s" if said.retry_after else ""
        return Unanswered(f"{said}{wait}", status >= 500, answer.text)

    def broken(self, error: openai.APIConnectionError) -> Unanswered:
        match error.__cause__:
            case httpx2.ConnectError():
                return Unanswered(f"{self.who} cannot be reached", worked=False)
            case httpx2.UnsupportedProtocol():
                return Unanswered(f"the address of {self.who} needs http:// or https://", worked=False)
        return Unanswered(f"{self.who} broke off the connection", worked=True)


class _Unfit(Exception):
    """An answer that is not read to its end, and why."""


class _Limited(httpx2.AsyncByteStream):
    """A body that ends in an exception when it is too large."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > LARGEST:
                raise _Unfit(f"sent more than {LARGEST // 2**20} MB; refused")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _limit(response: httpx2.Response) -> None:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        # A megabyte of it could become a thousand.
        raise _Unfit("compressed its answer unasked; refused")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Limited(response.stream)


def _was_sent(error: openai.APITimeoutError) -> bool:
    return not isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout)
