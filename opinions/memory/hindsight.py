"""Hindsight: a memory outside, which keeps and recalls in its own words.

It extracts facts with a model of its own, so what is recalled is not to the letter what was retained, and it
may be slow or away: every call has a deadline and one kind of failure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from core.http import Failure
from opinions.analysts.remote import post, service

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
        self._who = service("Hindsight", url)

    def retain(self, items: Sequence[Retained], seconds: float) -> None:
        """Send them, to be worked on afterwards; twice is the same as once. Raises HindsightAway."""
        if not items:
            return
        documents = [
            {
                "content": item.content,
                "timestamp": item.timestamp.isoformat(),
                "context": item.context or None,
                "metadata": dict(item.metadata),
                "document_id": item.document_id,
            }
            for item in items
        ]
        answer = self._post("memories", {"items": documents, "async": True}, seconds)
        if answer.get("success") is not True:
            raise HindsightAway(f"{self._who} did not retain what it was given")

    def recall(self, query: str, seconds: float) -> list[Recalled]:
        """Return what it remembers about that, the most fitting first. Raises HindsightAway."""
        payload = {"query": query, "types": TOLD, "max_tokens": RECALLED_TOKENS, "budget": "low"}
        answer = self._post("memories/recall", payload, seconds)
        match answer:
            case {"results": [*results]} if all(map(_is_fact, results)):
                return [_recalled(fact) for fact in results[:MOST_RECALLED]]
        raise self._misfit()

    def _post(self, path: str, payload: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        try:
            path = f"/v1/default/banks/{quote(self._bank, safe='')}/{path}"
            return post("Hindsight", self._url, path, json.dumps(payload), seconds).body
        except TimeoutError as timeout:
            raise HindsightAway(str(timeout)) from None
        except Failure as failure:
            if failure.answered and failure.status is None:
                raise self._misfit() from None
            raise HindsightAway(str(failure)) from None

    def _misfit(self) -> HindsightAway:
        return HindsightAway(f"{self._who} answered in a form that its client does not know")


def _is_fact(fact: object) -> bool:
    match fact:
        case {"text": str(), **others}:
            pass
        case _:
            return False
    at, metadata = others.get("mentioned_at"), others.get("metadata") or {}
    return isinstance(at, str | None) and isinstance(metadata, dict)


def _recalled(fact: Mapping[str, Any]) -> Recalled:
    return Recalled(_plain(fact["text"]), _moment(fact.get("mentioned_at")), dict(fact.get("metadata") or {}))


def _moment(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _plain(text: str) -> str:
    """Return the text without what a database cannot keep or a page would not show as it is."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()[:LONGEST_TEXT]
