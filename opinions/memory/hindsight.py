"""Hindsight: a memory outside, which keeps and recalls in its own words.

It extracts facts with a model of its own, so what is recalled is not to the letter what was retained, and it
may be slow or away: every call has a deadline and one kind of failure. Its client takes some 55 MB and is
imported when it is first needed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from core.deadline import within
from core.http import Failure, origin

T = TypeVar("T")

LONGEST_TEXT = 1000  # characters of a memory
MOST_RECALLED = 20
RECALLED_TOKENS = 1500
# Facts as they were told. "observation" is left out: Hindsight draws those together from facts of any time,
# so they could know what came later.
TOLD = ["world", "experience"]


class HindsightAway(Exception):
    """Hindsight did not do as asked, and why."""


@dataclass(frozen=True)
class Retained:
    """Something to remember. `document_id`: our own reference; retained again under it, it is replaced."""

    content: str
    timestamp: datetime
    document_id: str
    context: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recalled:
    """A fact that Hindsight remembers. `at`: the timestamp that it was retained with; None: not known."""

    text: str
    at: datetime | None
    metadata: Mapping[str, str]


class Hindsight:
    def __init__(self, url: str, bank: str = "jax") -> None:
        self._url, self._bank = url, bank
        self._who = f"Hindsight at {origin(url) or 'an address that is none'}"

    def retain(self, items: Sequence[Retained], seconds: float) -> None:
        """Hand them over, to be worked on afterwards; twice is the same as once. Raises HindsightAway."""
        if not items:
            return
        told = [
            {
                "content": item.content,
                "timestamp": item.timestamp,
                "context": item.context or None,
                "metadata": dict(item.metadata),
                "document_id": item.document_id,
            }
            for item in items
        ]
        answer = self._call(lambda client: client.aretain_batch(self._bank, told, retain_async=True), seconds)
        if not answer.success:
            raise HindsightAway(f"{self._who} did not retain what it was given")

    def recall(self, query: str, seconds: float) -> list[Recalled]:
        """What it remembers about that, the most fitting first. Raises HindsightAway."""
        answer = self._call(
            lambda client: client.arecall(
                self._bank, query, types=TOLD, max_tokens=RECALLED_TOKENS, budget="low"
            ),
            seconds,
        )
        return [
            Recalled(_plain(found.text), _moment(found.mentioned_at), dict(found.metadata or {}))
            for found in answer.results[:MOST_RECALLED]
        ]

    def _call(self, ask: Callable[[Any], Awaitable[T]], seconds: float) -> T:
        from opinions.memory import wire

        try:
            return within(seconds, lambda: wire.call(self._url, self._who, ask, seconds))
        except TimeoutError:
            raise HindsightAway(f"{self._who} gave no answer within {seconds:g} s") from None
        except Failure as failure:
            raise HindsightAway(str(failure)) from None


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _plain(text: str) -> str:
    """Without what a database cannot keep or a page would not show as it is."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()[:LONGEST_TEXT]
