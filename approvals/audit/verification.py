"""Reading the chain again from its start, and naming the first event that is not as it was written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from approvals.audit.chain import START, hash_of
from approvals.models import AuditEvent

BATCH = 5_000
COLUMNS = ("number", "at", "kind", "actor", "subject", "log_entry")  # what the text says once more


class EventRow(NamedTuple):
    """An event as the table holds it, quicker than the model by half."""

    number: int
    at: datetime
    kind: str
    actor: str
    subject: str
    log_entry: int | None
    text: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Chain:
    """A chain that holds: so many events, and the hash of the last one."""

    count: int
    head: str


class Broken(Exception):
    """The chain does not hold. Names the first event that shows it."""

    def __init__(self, number: int, why: str, row: EventRow | None = None) -> None:
        named = f"event {number} ({row.kind}, {row.subject})" if row else f"event {number}"
        super().__init__(f"The chain is broken at {named}: {why}")
        self.number = number


def verify(since: int = 1) -> Chain:
    """Check every event from this number on: its hash, its link to the one before, its columns, its number.

    What an earlier run has verified may be skipped, but then only later changes are found.
    """
    number, head = since - 1, _hash_before(since)
    for row in rows(since):
        number += 1
        if why := _what_is_wrong(row, number, head):
            missing = row.number != number
            raise Broken(number, why, None if missing else row)
        head = row.hash
    return Chain(number, head)


def reaches(count: int, head: str) -> None:
    """Check that the chain still has this many events, and that the last of those still has this hash.

    Nothing in a chain itself shows that its end was cut off, or that all of it was written anew.
    """
    if count and not AuditEvent.objects.filter(number=count).exists():
        raise Broken(count, "it was there once, and is missing: the end of the chain was cut off.")
    if _hash_before(count + 1) != head:
        raise Broken(count, f"its hash was {head} once. The chain up to it was written anew.")


def rows(first: int = 1, last: int | None = None) -> Iterator[EventRow]:
    """Yield the events in their order, by batches: neither a long transaction nor much memory."""
    events = AuditEvent.objects.order_by("number").values_list(*EventRow._fields)
    if last is not None:
        events = events.filter(number__lte=last)
    batch = list(events.filter(number__gte=first)[:BATCH])
    while batch:
        yield from map(EventRow._make, batch)
        batch = list(events.filter(number__gt=batch[-1][0])[:BATCH])


def _hash_before(number: int) -> str:
    if number == 1:
        return START
    stored_hash = AuditEvent.objects.filter(number=number - 1).values_list("hash", flat=True).first()
    if stored_hash is None:
        raise Broken(number - 1, "it is missing.")
    return stored_hash


def _what_is_wrong(row: EventRow, number: int, previous: str) -> str:
    if row.number != number:
        return f"it is missing; the next one is event {row.number}."
    if row.previous_hash != previous:
        return f"it does not follow event {number - 1}: one of the two was written anew."
    if hash_of(row.previous_hash, row.text) != row.hash:
        return "its text does not give its hash: one of the two was changed."
    if differing := _differing(row):
        return f"its text says otherwise than its {' and its '.join(differing)}."
    return ""


def _differing(row: EventRow) -> list[str]:
    """Return the columns that do not say what the text says."""
    try:
        content = json.loads(row.text)
        content["at"] = datetime.fromisoformat(content["at"])
    except (ValueError, TypeError, KeyError):  # someone gave a text of their own the hash that it needs
        return list(COLUMNS)
    return [name for name in COLUMNS if name not in content or content[name] != getattr(row, name)]
