"""Ask a service outside and check what it answers.

The question is one POST of JSON, sent once, with a deadline for all of it and a limit of size. The answer is
read field by field: it has the right shape, or a Misfit says what is wrong with it.
"""

import json
from collections.abc import Mapping
from typing import Any

from core.http import Answer, Client, Failure, Patience, Request, origin

LARGEST = 2**20  # bytes of an answer
CONNECT = 10.0  # seconds to connect in
LONGEST_REASONING = 8000  # characters
LONGEST_POINT = 600
MOST_POINTS = 20


class Misfit(Exception):
    """The answer is not one, and why; fit to be sent back to its author."""


def service(name: str, url: str) -> str:
    """Return how messages name the service: its name and host, nothing else of the address."""
    return f"{name} at {origin(url) or 'an address that is none'}"


def post(name: str, url: str, path: str, body: str, seconds: float, *, key: str = "") -> Answer:
    """Return what the service answers. Raises Failure, or TimeoutError after so many seconds.

    `key`: sent as a bearer token; no message holds it.
    """
    who = service(name, url)
    if not (key.isascii() and key.isprintable()):
        raise Failure(f"{who} cannot be asked: check the address and the key", permanent=True)
    patience = Patience(connect=min(CONNECT, seconds), read=seconds + 1, answer=seconds + 1, attempts=1)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        client = Client(name, url, headers=headers, connections=1, patience=patience, largest=LARGEST)
        until = client.clock() + seconds
        fetched = client.fetch({path: Request(path, body=body)}, until=until)
    except ValueError:
        raise Failure(f"{who} cannot be asked: check the address and the key", permanent=True) from None
    if path in fetched.answers:
        return fetched.answers[path]
    failure = fetched.failed.get(path)
    if failure is None or client.clock() >= until:
        raise TimeoutError(f"{who} gave no answer within {seconds:g} s")
    raise failure


def reason(failure: Failure) -> str:
    """Return why there is no answer, and how long the service asks to wait."""
    if failure.retry_after:
        return f"{failure}; it asks to wait {failure.retry_after.total_seconds():.0f} s"
    return str(failure)


def may_have_worked(failure: Failure) -> bool:
    """Return whether the service may have done what it was asked, and so cost something, all the same."""
    if failure.status is not None:
        return failure.status >= 500
    return not failure.for_all


def parsed(text: str) -> dict[str, Any]:
    """One JSON object and nothing else. A field given twice is refused: either could be meant."""
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Misfit("it is not JSON") from None
    if not isinstance(content, dict):
        raise Misfit("it is JSON, but not an object")
    return content


def only(answer: Mapping[str, Any], fields: tuple[str, ...]) -> None:
    """These fields and no others: nothing else is acted on."""
    if strange := sorted(set(answer) - set(fields)):
        named = ", ".join(plain(name, 30) for name in strange[:5])
        raise Misfit(f"it has fields that are not asked for: {named}")


def number(answer: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit(f'"{name}" is not a number')
    if not low <= value <= high:  # NaN is not either
        shown = f"{value:g}" if abs(value) < 1e9 else "something else"
        raise Misfit(f'"{name}" is {shown}; it goes from {low:g} to {high:g}')
    return float(value)


def word(answer: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or value not in words:
        shown = f'"{plain(value, 30)}"' if isinstance(value, str) else "no text"
        raise Misfit(f'"{name}" is {shown}; it is one of {", ".join(words)}')
    return value


def text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not plain(value, LONGEST_REASONING):
        raise Misfit(f'"{name}" is no text')
    if len(value) > LONGEST_REASONING:
        raise Misfit(f'"{name}" is longer than {LONGEST_REASONING} characters')
    return plain(value, LONGEST_REASONING)


def points(answer: Mapping[str, Any], name: str) -> list[str]:
    """A list of sentences, which may be empty."""
    values = answer.get(name)
    if not isinstance(values, list) or not all(isinstance(point, str) for point in values):
        raise Misfit(f'"{name}" is not a list of texts')
    if len(values) > MOST_POINTS or any(len(point) > LONGEST_POINT for point in values):
        raise Misfit(f'"{name}" has more than {MOST_POINTS} entries or {LONGEST_POINT} characters in one')
    return [point for point in (plain(point, LONGEST_POINT) for point in values) if point]


def plain(text: str, longest: int) -> str:
    """Without what a database cannot keep or a page would not show as it is: NUL, controls."""
    visible = "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()
    return visible if len(visible) <= longest else visible[: longest - 1] + "…"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Misfit("it gives a field twice")
    return fields


def _no_number(name: str) -> float:
    raise Misfit(f"{name} is not JSON")
