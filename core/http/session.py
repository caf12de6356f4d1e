"""One host: a request and its answer, over a session that sends no more than it must."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from core.http import failures
from core.http.failures import Failure

LARGEST_BODY = 64 * 2**20
CHUNK = 2**18
NO_CONTENT = 204
LONGEST_ANSWERED = 2**20  # bytes that a failure keeps of its answer


@dataclass(frozen=True, slots=True)
class Request:
    """A request for `path` (from the root of the base address, or a whole address on the same host).

    `counted`: whether it counts against the limits that the provider sets. `method`: empty for a GET, or with
    a `body`, JSON, for a POST. `has_rows`: the answer is a JSON array, and becomes an object with these
    `rows`. `leaves`: how many turns of the host's window it leaves free for what is more urgent.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    counted: bool = True
    body: str | None = None
    has_rows: bool = False
    method: str = ""
    leaves: int = 0

    @property
    def verb(self) -> str:
        return self.method or ("GET" if self.body is None else "POST")

    @property
    def is_repeatable(self) -> bool:
        """Return whether asking again changes nothing: only what is read is asked for twice."""
        return self.verb == "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object, the headers it came with, and when it was complete (by the client's monotonic clock).

    An answer without content is an empty object. `text`: the answer to a POST as it came.
    """

    body: dict[str, Any]
    headers: Mapping[str, str]
    received: float
    text: str = ""


class Call:
    """A request under way, and when it may be sent. `started`: when it was.

    A read timeout only bounds the wait for the next bytes, so another thread cuts off a call that takes too
    long. That ends it at once when the head of its answer has arrived. Before, nothing public reaches the
    connection: its thread is left waiting (docs/decisions/0071-http-deadline.md).
    """

    def __init__(self, request: Request, due: float = 0.0) -> None:
        self.request = request
        self.due = due
        self.started: float | None = None
        self.was_cut = False
        self._response: requests.Response | None = None

    def runs_since(self, moment: float) -> bool:
        """Return whether it was started at `moment` or before."""
        return self.started is not None and self.started <= moment

    def cut(self) -> None:
        """Stop reading its answer. Its thread raises Failure."""
        self.was_cut = True
        if self._response is not None:
            with contextlib.suppress(ValueError, RuntimeError, OSError):  # it has just ended
                self._response.raw.shutdown()

    def receive(self, response: requests.Response) -> None:
        """Keep the answer whose head has arrived."""
        self._response = response
        if self.was_cut:
            self.cut()


class Session:
    """A session with one host. Any number of threads may `send` at the same time."""

    def __init__(
        self,
        name: str,
        base_url: str,
        headers: Mapping[str, str],
        connections: int,
        clock: Callable[[], float] = time.monotonic,
        largest: int = LARGEST_BODY,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._largest = largest
        self.host = origin(self._base)
        self.who = f"{name} at {self.host}"
        self._secrets = [value.removeprefix("Bearer ") for value in headers.values()]
        self._clock = clock
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "jax", "Accept": "application/json", **headers})
        # The environment's proxy and certificates count; a .netrc in it would replace our key.
        self._session.trust_env = False
        self._session.proxies = get_environ_proxies(self._base)
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
            self._session.mount(scheme, adapter)

    def send(self, call: Call, timeout: tuple[float, float]) -> Answer:
        """Return the answer. Raises Failure. `timeout`: seconds to connect and to the next bytes."""
        request = call.request
        url = self._address(request)
        call.started = self._clock()
        try:
            with self._session.request(
                request.verb,
                url,
                data=request.body,
                headers=None if request.body is None else {"Content-Type": "application/json"},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                call.receive(response)
                body = self._read(response, call)
        except requests.RequestException as error:
            if call.was_cut:
                raise self.too_slow() from None
            raise failures.unanswered(self.who, error) from None
        except (OSError, ValueError):
            if call.was_cut:  # a TLS connection that is shut down while it is read
                raise self.too_slow() from None
            raise
        try:
            answer = self._parse(response, body, request)
        except Failure as failure:
            failure.answered = self._without_secrets(body[:LONGEST_ANSWERED].decode("utf-8", "replace"))
            raise
        return answer if request.body is None else replace(answer, text=body.decode("utf-8", "replace"))

    def _address(self, request: Request) -> str:
        url = request.path
        if not url.startswith("/"):
            if origin(url) != origin(self._base):
                raise Failure(
                    f"{self.who} points to {origin(url) or 'nowhere'}; not followed",
                    permanent=True,
                    unsent=True,
                )
        else:
            url = self._base + url
        if not request.query:
            return url
        # Commas stay as they are: escaped, a thousand symbols make an address that servers refuse.
        return f"{url}{'&' if '?' in url else '?'}{urlencode(request.query, safe=',')}"

    def _read(self, response: requests.Response, call: Call) -> bytes:
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared) > self._largest:
            raise self._too_large()
        parts, size = [], 0
        for part in response.iter_content(CHUNK):
            parts.append(part)
            size += len(part)
            if size > self._largest:
                raise self._too_large()
            if call.was_cut:
                break
        if call.was_cut:
            raise self.too_slow()
        return b"".join(parts)

    def _parse(self, response: requests.Response, body: bytes, request: Request) -> Answer:
        status = response.status_code
        if 300 <= status < 400:
            location = self._without_secrets(response.headers.get("Location", ""))
            raise failures.redirected(self.who, status, location)
        if status >= 400:
            clean = self._without_secrets(body[:20_000].decode("utf-8", "replace")).encode()
            raise failures.refused(self.who, status, response.headers, clean)
        if status == NO_CONTENT:
            return Answer({}, response.headers, self._clock())
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            raise failures.not_json(self.who, body) from None
        if request.has_rows and isinstance(parsed, list):
            parsed = {"rows": parsed}
        if not isinstance(parsed, dict) or (request.has_rows and "rows" not in parsed):
            raise Failure(f"{self.who} answered with JSON of another shape than asked for", again=True)
        return Answer(parsed, response.headers, self._clock())

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            if secret:
                text = text.replace(secret, "***")
        return text

    def too_slow(self) -> Failure:
        """Return the failure of a call that was cut off."""
        return Failure(f"{self.who} did not finish its answer in time", again=True)

    def _too_large(self) -> Failure:
        return Failure(f"{self.who} sent more than {self._largest // 2**20} MB; refused", odd=True)


def origin(url: str) -> str:
    """Return scheme, host and port: what may be shown of an address, and what makes it the same host."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    usual = (parts.scheme, port) in (("http", 80), ("https", 443))
    return f"{parts.scheme}://{parts.hostname}" + ("" if usual else f":{port}")
