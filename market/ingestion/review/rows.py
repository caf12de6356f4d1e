"""Refused rows, gaps and disagreements that a person has seen and leaves as they are. Each is logged."""

import hashlib

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction

from market.ingestion.review.bars import CHANGED, Decision, ReviewRefused
from market.models import Disagreement, Gap, RefusedRow, UnexplainedMove

Row = Gap | RefusedRow | Disagreement
COMPARED: dict[type, tuple[str, ...]] = {
    Gap: ("first_at", "last_at", "bars", "reason"),
    RefusedRow: ("given",),
    Disagreement: ("stored", "given", "note"),
    UnexplainedMove: ("answer", "looks_like", "close_before", "open_after"),
}


def version(row: Row | UnexplainedMove) -> str:
    """Return what changes when that changes which a person looks at."""
    values = [getattr(row, name) for name in COMPARED[type(row)]]
    if isinstance(row, RefusedRow):  # the time of a quote is another one each minute
        values = [sorted((name, str(value)) for name, value in row.given.items() if name != "as_of")]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


@transaction.atomic
def leave(row: Row, decision: Decision) -> None:
    """Note that a row was seen and stays as it is. It waits again when it changes."""
    current = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
    if current is None:
        raise ReviewRefused("It is gone: it was filled, corrected, or is too old.")
    if current.reviewed_at is not None:
        raise ReviewRefused("It was left as it is already.")
    if version(current) != decision.seen:
        raise ReviewRefused(CHANGED)
    current.reviewed_by, current.reviewed_at, current.why = decision.by, decision.at, decision.why
    current.save(update_fields=["reviewed_by", "reviewed_at", "why"])
    text = f"Left as it is: {current}. {decision.why}"
    LogEntry.objects.log_actions(decision.by.pk, [current], CHANGE, text, single_object=True)
