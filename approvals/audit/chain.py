"""Adding to the chain: one event after the other, without a hole."""

import hashlib
import json
import logging
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.db import transaction

from approvals.models import AuditEvent
from core import locks

logger = logging.getLogger("approvals.audit")

START = "0" * 64  # what the first event has in place of a hash before it


@transaction.atomic(savepoint=False)
def append(
    kind: str,
    subject: str,
    at: datetime,
    *,
    by: User | None = None,
    log_entry: int | None = None,
    **facts: object,
) -> AuditEvent:
    """Add an event to the chain, inside the transaction that it is about, as the last thing in it.

    `kind`: a noun and a past participle, as in "order submitted". `subject`: a noun and an id. `facts`:
    whatever explains it; Decimals, instants and ids are written as text.
    """
    lock()
    last = AuditEvent.objects.order_by("-number").values_list("number", "hash").first()
    number, previous = (last[0] + 1, last[1]) if last else (1, START)
    columns = {"kind": kind, "subject": subject, "actor": by.get_username() if by else ""}
    content = {"number": number, "at": at.astimezone(UTC).isoformat(), **columns, "log_entry": log_entry}
    text = _text(content | {"facts": facts})
    transaction.on_commit(lambda: logger.info("%s: %s %s", number, kind, subject))
    return AuditEvent.objects.create(
        number=number,
        at=at,
        **columns,
        text=text,
        previous_hash=previous,
        hash=hash_of(previous, text),
        log_entry=log_entry,
    )


def lock() -> None:
    """Keep other transactions from appending until this one has ended."""
    locks.transaction("approvals.audit")


def hash_of(previous: str, text: str) -> str:
    """SHA-256 of the hash before, a line feed and the text, in hexadecimal."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def _text(content: dict[str, object]) -> str:
    """JSON that any database takes: a NUL and half a surrogate pair are written as JSON's own escapes."""
    written = json.dumps(content, default=str, ensure_ascii=False)
    return written.encode("utf-8", "backslashreplace").decode()
