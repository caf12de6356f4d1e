"""Putting what the admin and the API have logged into the chain, and changes of symbol that were followed.

Entries are committed out of the order of their ids, so no highest id sealed so far says what is left: every
look asks for those without an event.
"""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef, TextField, Value
from django.db.models.functions import Cast, Concat

from approvals.audit import chain
from approvals.models import AuditEvent
from market import faults
from market.models import Fault, SymbolChange

SYMBOL_CHANGED, CHANGE_OF_SYMBOL = "symbol changed", "change of symbol "
BATCH = 50  # appended under one lock: a decision waits no longer than that


def seal(at: datetime) -> int:
    """Make every entry of the log and change of symbol without an event one, oldest first. Returns how many.

    One that cannot be sealed keeps no other out of the chain.
    """
    isolation, total = faults.Isolation(Fault.Work.SEAL, at), 0
    while sealed := _seal_some(isolation, at):
        total += sealed
    return total + _seal_symbol_changes(isolation, at)


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


def _seal_symbol_changes(isolation: faults.Isolation, at: datetime) -> int:
    """Put each change of symbol that was followed into the chain: fills have another symbol since."""
    subject = Concat(Value(CHANGE_OF_SYMBOL), Cast(OuterRef("pk"), TextField()))
    sealed = AuditEvent.objects.filter(kind=SYMBOL_CHANGED, subject=subject)
    count = 0
    for change in SymbolChange.objects.filter(~Exists(sealed)).select_related("followed_by").order_by("pk"):
        name = f"{CHANGE_OF_SYMBOL}{change.pk}"
        if not isolation.is_paused(name):
            with isolation.of(name, str(change)):
                count += _seal_symbol_change(name, change, at)
    return count


def _seal_symbol_change(name: str, change: SymbolChange, at: datetime) -> int:
    chain.lock()
    if AuditEvent.objects.filter(kind=SYMBOL_CHANGED, subject=name).exists():
        return 0  # another worker was first
    chain.append(
        SYMBOL_CHANGED,
        name,
        change.followed_at,
        by=change.followed_by,
        old=change.old,
        new=change.new,
        since=change.since,
        is_shared=change.is_shared,
        source=change.source,
        sealed_at=at,
    )
    return 1
