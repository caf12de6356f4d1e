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
from market import faults
from market.models import Fault

BATCH = 50  # appended under one lock: a decision waits no longer than that


def seal(at: datetime) -> int:
    """Make every entry of the log that has no event yet one, oldest first. Returns how many.

    One that cannot be sealed keeps no other out of the chain.
    """
    isolation, total = faults.Isolation(Fault.Work.SEAL, at), 0
    while sealed := _seal_some(isolation, at):
        total += sealed
    return total


@transaction.atomic
def _seal_some(isolation: faults.Isolation, at: datetime) -> int:
    chain.lock()  # before the look: another worker's events are then there, or not yet begun
    sealed = AuditEvent.objects.filter(log_entry=OuterRef("pk"))
    unsealed = LogEntry.objects.filter(~Exists(sealed)).exclude(pk__in=isolation.paused)
    count = 0
    for entry in unsealed.select_related("user", "content_type").order_by("pk")[:BATCH]:
        with isolation.of(entry.pk, f"the change of {entry.object_repr} in admin's log"):
            _seal_one(entry, at)
            count += 1
    return count


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
