"""Why a request was not answered, in words that a person can act on."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

LONGEST_QUOTED = 200


class Failure(Exception):
    """A request was not answered with JSON.

    `again`: the same request may well succeed when it is sent once more. `for_all`: whatever else is asked of
    this provider now would fail the same way. `permanent`: nothing will help until someone acts. `odd`: no
    provider should answer so, but others of its answers may be sound. None of these: only this one request
    was wrong. `unsent`: certainly nothing of it reached the provider. `retry_after`: how long the provider
    asked us to stay away. `answered`: the text that came instead, where it came whole, without keys.
    """

    answered = ""

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        for_all: bool = False,
        permanent: bool = False,
        odd: bool = False,
        unsent: bool = False,
        status: int | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.again = again
        self.odd = odd
        self.unsent = unsent
        self.for_all = for_all or (permanent and not odd)
        self.permanent = permanent
        self.status = status
        self.retry_after = retry_after

    @property
    def blames_provider(self) -> bool:
        return self.again or self.for_all or self.odd


def refused(who: str, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Return what an answer of 400 or more means."""
    quoted = _quoted(body)
    text = f"{who} answered {status}" + (f": {quoted}" if quoted else "")
    if status in (401, 403):
        return Failure(text, permanent=True, status=status)
    if status == 429:
        pause = retry_after(headers)
        return Failure(text, again=True, for_all=True, status=status, retry_after=pause)
    if status >= 500 or status in (408, 425):
        return Failure(text, again=True, status=status, retry_after=retry_after(headers))
    return Failure(text, status=status)


def redirected(who: str, status: int, location: str) -> Failure:
    """Return the failure of a redirect. Its target is named without its query, which could hold anything."""
    target = location.partition("?")[0][:LONGEST_QUOTED] or "nowhere"
    return Failure(
        f"{who} answered {status} and points to {target}; not followed. Check the address in the settings.",
        permanent=True,
        odd=True,
        status=status,
    )


def not_json(who: str, body: bytes) -> Failure:
    if body.lstrip()[:1] == b"<":
        return Failure(f"{who} answered with a web page ({_quoted(body)}) instead of JSON", again=True)
    return Failure(f"{who} answered with broken JSON ({len(body)} bytes)", again=True)


def unanswered(who: str, error: requests.RequestException) -> Failure:
    """Return what an exception of requests means, without its text: that repeats addresses and internals."""
    cause = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)
    match error:
        case requests.exceptions.SSLError():
            return Failure(f"{who} has no TLS certificate that we trust ({cause})", permanent=True)
        case requests.exceptions.ProxyError():
            return Failure(f"the proxy on the way to {who} does not answer", again=True, for_all=True)
        case requests.ConnectTimeout():
            return Failure(f"{who} does not accept connections", again=True, for_all=True, unsent=True)
        case requests.exceptions.InvalidURL() | requests.exceptions.InvalidSchema():
            return Failure(f"the address of {who} is not one", permanent=True, unsent=True)
        case requests.exceptions.MissingSchema():
            return Failure(f"the address of {who} needs http:// or https://", permanent=True, unsent=True)
    if isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return Failure(f"{who} accepted the request and then sent nothing in time", again=True)
    if isinstance(cause, NameResolutionError):
        return Failure(f"the name of {who} cannot be found", again=True, for_all=True, unsent=True)
    if isinstance(cause, NewConnectionError):
        return Failure(f"{who} refused the connection", again=True, for_all=True, unsent=True)
    return Failure(f"{who} broke off the connection", again=True)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long to stay away: seconds, a date or X-RateLimit-Reset, by the answer's own clock."""
    wait = headers.get("Retry-After", "").strip()
    if wait.isascii() and wait.isdigit():
        return timedelta(seconds=min(int(wait[:9]), 86_400))
    sent = http_date(headers.get("Date"))
    until = http_date(wait)
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if sent is None:
        return None
    if until is None and reset.isascii() and reset.isdigit():
        until = sent + timedelta(seconds=min(int(reset[:12]) - int(sent.timestamp()), 86_400))
    return None if until is None else max(until - sent, timedelta(0))


def http_date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def _quoted(body: bytes) -> str:
    """Return the server's own words from an error body: JSON's detail, a page's text, or the text itself."""
    text = body[:20_000].decode("utf-8", "replace")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    else:
        fields = parsed if isinstance(parsed, dict) else {}
        if isinstance(fields.get("error"), dict):
            fields = fields["error"]  # as OpenAI writes it
        text = str(next((fields[key] for key in ("detail", "message", "error") if fields.get(key)), ""))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_QUOTED]
