"""How a row of the queue is taken: its `lock` names the worker that has it.

django-q2 locks a row until an hour at which it may run a second time. Here it is taken for good: `lock` lies
a thousand years ahead, whatever the clock says, and what dead workers had is settled, never waited for.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django_q.models import OrmQ

from jaxsite.processes.queue import queries
from jaxsite.processes.queue.slots import INSTANCES, SLOTS

FAR = timedelta(days=365_000)
WAITING_BEFORE = datetime(2500, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Claim:
    """A number as microseconds: about when (to a second), by which cluster, by which of its workers."""

    number: int

    @classmethod
    def make(cls, at: datetime, instance: int, index: int) -> "Claim":
        step = INSTANCES * SLOTS
        return cls((at - EPOCH) // MICROSECOND // step * step + instance * SLOTS + index)

    @classmethod
    def of(cls, row: OrmQ) -> "Claim":
        return cls((row.lock - FAR - EPOCH) // MICROSECOND)

    @property
    def instance(self) -> int:
        return self.number // SLOTS % INSTANCES

    @property
    def lock(self) -> datetime:
        return EPOCH + FAR + self.number * MICROSECOND


def take(queue: str, claim: Claim) -> tuple[int, str] | None:
    """Take the oldest row that waits: its id and payload. None when none waits. One statement."""
    return queries.take(queue, claim.lock, WAITING_BEFORE)


def taken(queue: str) -> "QuerySet[Any]":
    """Return the rows that workers have taken."""
    rows: QuerySet[Any] = OrmQ.objects.filter(key=queue, lock__gte=WAITING_BEFORE)
    return rows


def queue_again(row: OrmQ, at: datetime) -> None:
    """Give a taken row back, unless it has been given back or finished."""
    OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=at)
