"""Whether the worker runs: told by its newest finished cycle of quotes."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Max, Min, Window
from django.db.models.functions import Lag

from market.models import IngestionRun

MISSED_CYCLES = 3


def newest_cycle_at() -> datetime | None:
    """Return when the newest finished cycle of quotes ended; None before the first. One query."""
    newest = IngestionRun.objects.finished(IngestionRun.Kind.QUOTES).order_by("-started_at")
    return newest.values_list("finished_at", flat=True).first()


def patience() -> timedelta:
    """Return how long no cycle may finish before the worker counts as down: three intervals."""
    return MISSED_CYCLES * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS)


def is_down(newest: datetime | None, at: datetime) -> bool:
    """Return whether the newest finished cycle, if there was one, is longer ago than a worker takes.

    A worker that never finished a cycle is not down but not seen yet: it may be at its first.
    """
    return newest is not None and at - newest > patience()


def silences(since: datetime, at: datetime, longer_than: timedelta) -> list[tuple[datetime, datetime]]:
    """Return the times from `since` to `at` in which no cycle of quotes began, from the first ever on.

    Oldest first. At most three queries.
    """
    cycles = IngestionRun.objects.finished(IngestionRun.Kind.QUOTES).order_by()
    first_ever = cycles.aggregate(at=Min("started_at"))["at"]
    if first_ever is None:
        return []
    cycles = cycles.filter(started_at__range=(since, at))
    ends = cycles.aggregate(first=Min("started_at"), last=Max("started_at"))
    previous = Window(Lag("started_at"), order_by=F("started_at").asc())
    gaps = cycles.annotate(previous=previous).filter(started_at__gt=F("previous") + longer_than)
    begun = max(since, first_ever)
    spans = [
        (begun, ends["first"] or at),
        *gaps.order_by("started_at").values_list("previous", "started_at"),
        (ends["last"] or at, at),
    ]
    return [(start, end) for start, end in spans if end - start > longer_than]
