"""The chain for others: rows for a spreadsheet, and lines from which the hashes can be computed again."""

import json
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Min

from approvals.audit.verification import EventRow, rows
from approvals.models import AuditEvent

HEADINGS = EventRow._fields
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def between(since: datetime | None = None, until: datetime | None = None) -> Iterator[EventRow]:
    """The stretch of the chain that holds all events of this time: without holes, so that it can be checked.

    Events are numbered as they were committed; one of another time may stand between two of this.
    """
    events = AuditEvent.objects.all()
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lt=until)
    stretch = events.aggregate(first=Min("number"), last=Max("number"))
    return rows(stretch["first"], stretch["last"]) if stretch["first"] else iter(())


def sheet_row(row: EventRow) -> list[str]:
    """Return the cells of a row. What a spreadsheet would take for a formula gets an apostrophe in front."""
    values = [row.at.isoformat() if name == "at" else getattr(row, name) for name in HEADINGS]
    cells = ["" if value is None else str(value) for value in values]
    return [f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells]


def witness(row: EventRow) -> str:
    """A line of JSON with the exact text and both hashes; everything else about the event is in its text."""
    kept = {name: getattr(row, name) for name in ("previous_hash", "hash", "text")}
    return json.dumps(kept, ensure_ascii=False)
