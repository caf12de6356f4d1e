"""The version (ETag) of a signal that a user decides on: the signal as it is, and its newest opinion."""

from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Subquery

from opinions.models import OrchestrationRun
from signals.models import Signal
from signals.models.signals import FINGERPRINT, SignalQuerySet, fingerprint_of

# What the parts of a version identify, in their order.
PARTS = (*FINGERPRINT, "the second opinion")


def version(signal: Signal, at: datetime, *, is_conflicting: bool, opinion_id: UUID | None) -> str:
    """Return what identifies all that a user decides on: while it is the same, so is what the page shows."""
    fingerprint = signal.fingerprint(at, is_conflicting=is_conflicting)
    return f"{fingerprint}-{fingerprint_of([str(opinion_id or '')])}"


def differences(seen_version: str, now: str) -> list[str]:
    """Return what two versions of a signal differ in, in words: all of PARTS when one is no version."""
    parts, current = seen_version.split("-"), now.split("-")
    if len(parts) != len(PARTS):
        return list(PARTS)
    return [name for name, before, after in zip(PARTS, parts, current, strict=True) if before != after]


def with_opinion(signals: SignalQuerySet) -> SignalQuerySet:
    """Return the signals, each with `opinion_id`: that of its newest second opinion, None without one."""
    newest = OrchestrationRun.objects.filter(signal=OuterRef("pk")).newest()
    return signals.annotate(opinion_id=Subquery(newest.values("pk")))
