"""Putting what the admin and the API have logged into the chain.

Entries are committed out of the order of their ids, so no highest id sealed so far says what is left: every
look asks for those without an event.
"""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef

from approvals.audit import chain
from approvals.models import AuditEvent

BATCH = 50  # appended under one lock: a decision waits no longer than that


def seal(at: datetime) -> int:
    """Make every entry of the log that has no event yet one, oldest first. Returns how many."""
    total = 0
    while sealed := _seal_some(at):
        total += sealed
    return total


@transaction.atomic
def _seal_some(at: datetime) -> int:
    chain.lock()  # before the look: another worker's events are then there, or not yet begun
    sealed = AuditEvent.objects.filter(log_entry=OuterRef("pk"))
    unsealed = LogEntry.objects.filter(~Exists(sealed)).select_related("user", "content_type")
    entries = list(unsealed.order_by("pk")[:BATCH])
    for entry in entries:
        _seal_one(entry, at)
    return len(entries)


def _seal_one(entry: LogEntry, at: datetime) -> None:
    noun = entry.content_type.name if entry.content_type else "something"
    chain.append(
        "admin change",
        f"{noun} {entry.object_id or ''}".strip()[:80],
        entry.action_time,
        by=entry.user,
        log_entry=entry.pk,
        action=entry.get_action_flag_display(),
        object=entry.object_repr,
        object_id=entry.object_id,
        message=entry.change_message,
        sealed_at=at,
    )
