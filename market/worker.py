"""Whether the worker runs: told by its newest finished cycle of quotes."""

from datetime import datetime, timedelta

from django.conf import settings

MISSED_CYCLES = 3


def patience() -> timedelta:
    """Return how long no cycle may finish before the worker counts as down: three intervals."""
    return MISSED_CYCLES * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS)


def is_down(newest: datetime | None, at: datetime) -> bool:
    """Return whether the newest finished cycle, if there was one, is longer ago than a worker takes.

    A worker that never finished a cycle is not down but not seen yet: it may be at its first.
    """
    return newest is not None and at - newest > patience()
