"""The record of what happened, as a chain of hashes: who changes a row afterwards breaks it.

Each event's text is exactly what was hashed, together with the hash of the event before it. Events are
appended last in the transaction that they are about: the chain is locked from then until it commits.
"""

import hashlib
import json
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection

from approvals.models import AuditEvent

START = "0" * 64  # what the first event has in place of a hash before it


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
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [__name__])
    last = AuditEvent.objects.order_by("-number").values_list("number", "hash").first()
    number, previous = (last[0] + 1, last[1]) if last else (1, START)
    actor = by.get_username() if by else ""
    said = {"number": number, "at": at.isoformat(), "kind": kind, "subject": subject, "actor": actor}
    text = json.dumps(said | {"facts": facts}, default=str, ensure_ascii=False)
    return AuditEvent.objects.create(
        number=number,
        at=at,
        kind=kind,
        actor=actor,
        subject=subject,
        text=text,
        previous_hash=previous,
        hash=hash_of(previous, text),
        log_entry=log_entry,
    )


def hash_of(previous: str, text: str) -> str:
    """SHA-256 of the hash before, a line feed and the text, in hexadecimal."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
