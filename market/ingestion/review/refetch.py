"""Bars fetched again because a person asks: a task of the queue, and what came of it."""

from datetime import datetime, timedelta

from django.contrib.admin.models import ADDITION, LogEntry
from django.db import transaction
from django_q.tasks import async_task

from market import store
from market.ingestion import cycle
from market.ingestion.review.bars import Decision, Key, ReviewRefused, describe
from market.models import BarVerdict, Candle, Instrument, Refetch

Status = Refetch.Status
TASK = "market.tasks.refetch"
LOST_AFTER = timedelta(minutes=10)  # the queue ends a task after five
LONGEST_RESULT = 500


@transaction.atomic
def request(key: Key, decision: Decision, last: datetime | None = None) -> Refetch:
    """Queue a bar, or those from it to the `last`, to be fetched again.

    Raises ReviewRefused while that is under way.
    """
    if not Instrument.objects.filter(pk=key.symbol).exists():
        raise ReviewRefused(f"{key.symbol} is no instrument: nothing is fetched for it.")
    store.lock([key.symbol])
    waiting = Refetch.objects.filter(**_asked_for(key), status=Status.WAITING)
    if waiting.filter(asked_at__gt=decision.at - LOST_AFTER).exists():
        raise ReviewRefused("It is being fetched already.")
    row = Refetch.objects.create(
        **_asked_for(key),
        until=_until(key, last or key.opened_at),
        asked_by=decision.by,
        asked_at=decision.at,
        why=decision.why,
    )
    LogEntry.objects.log_actions(
        decision.by.pk, [row], ADDITION, f"Fetch again: {key}. {decision.why}", single_object=True
    )
    async_task(TASK, row.pk, q_options={"task_name": f"market.refetch {row.pk}"})
    return row


def _asked_for(key: Key) -> dict[str, object]:
    """Return what is fetched: what is built here, from the bars inside it."""
    return key.columns() | {"timeframe": key.timeframe.built_from or key.timeframe}


def _until(key: Key, last: datetime) -> datetime:
    """Return the opening of the last bar that is fetched: of what is built here, of the last inside."""
    finer = key.timeframe.built_from
    return last + key.timeframe.length - finer.length if finer else last


def run(row: Refetch, at: datetime) -> None:
    """Fetch, and note what came of it. Twice is the same as once."""
    if row.status != Status.WAITING:
        return
    key = Key.of(row)
    before = key.candle()
    cycles = list(cycle.backfill([key.symbol], key.timeframe, key.opened_at, at, row.until))
    if failure := _failure(cycles, f"{key.symbol} {key.timeframe}"):
        _finish(row, Status.FAILED, failure, at)
    else:
        _finish(row, Status.DONE, _result(key, before), at)


def _failure(cycles: list[cycle.Cycle], name: str) -> str:
    if not cycles:
        return "Another history was being fetched: ask again in a minute."
    current = cycles[0]
    if name in current.stored:
        return ""
    if name in current.waiting:
        return "The provider's pace does not allow it now, or a split is pending: ask again in some minutes."
    return current.failures.get(name, "No provider answered.")


def _result(key: Key, before: Candle | None) -> str:
    """Return in words what the bar is now beside what it was."""
    after, verdict = key.candle(), key.verdict()
    if after is None and verdict and verdict.verdict == BarVerdict.Verdict.DROPPED:
        return "It stays dropped: with the same values it is left out."
    if after is None:
        return "The provider gives no such bar." if before is None else "It is gone."
    if before is None:
        return f"It came: {describe(after)}."
    if after.provider == store.BY_HAND:
        return "It was corrected by hand, which no provider changes: take the correction back first."
    if describe(before) == describe(after):
        return f"It is as it was: {describe(after)}."
    return f"It changed: {describe(after)}; before {describe(before)}."


def _finish(row: Refetch, status: Refetch.Status, result: str, at: datetime) -> None:
    Refetch.objects.filter(pk=row.pk, status=Status.WAITING).update(
        status=status, finished_at=at, result=result[:LONGEST_RESULT]
    )
