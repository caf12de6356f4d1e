"""Results: what django-q2's monitor does with one, in the process that has it."""

import logging
from datetime import datetime
from typing import Any

from django.db import InterfaceError, OperationalError
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.monitor import monitor
from django_q.signing import SignedPackage

from jaxsite.processes import allowed_tasks

logger = logging.getLogger(__name__)

Task = dict[str, Any]
AWAY = (OperationalError, InterfaceError)  # the database is: it is worth trying again


class Queue(ORM):  # type: ignore[misc]  # django-q2 has no types
    """django-q2's broker, which takes a row off the queue only as long as it is the one that was taken."""

    lock: datetime | None = None

    def acknowledge(self, task_id: int) -> None:
        OrmQ.objects.filter(pk=task_id, lock=self.lock).delete()


class OneResult:
    """What the monitor takes for its queue of results."""

    def __init__(self, task: Task) -> None:
        self.left: list[Any] = ["STOP", dict(task)]

    def get(self) -> Any:
        return self.left.pop()


def keep(task: Task, queue: Queue) -> None:
    """Store a failure, queue what follows a task, take it off the queue. Raises what AWAY names."""
    try:
        monitor(OneResult(task), queue)
    except AWAY:
        raise
    except Exception:  # a hook, chain or receiver is broken: no reason to run the task again, or to end
        logger.exception("The result of a task could not be handled: %s", task["name"])
        queue.acknowledge(task["ack_id"])


def read(payload: str) -> Task | None:
    """Return the task of a row; None, with a line in the log, for one that cannot be read."""
    try:
        task: Task = SignedPackage.loads(payload)
    except Exception:  # a pickle of another release may fail in any way
        logger.exception("A queued task cannot be read and is dropped.")
        return None
    return task


def fail(row: OrmQ, reason: str, at: datetime, queue: Queue) -> None:
    """Store that the row's task failed, and take it off the queue."""
    queue.lock = row.lock
    task = read(row.payload)
    if task is None:
        queue.acknowledge(row.pk)
        return
    ended = {"result": reason, "success": False, "stopped": at, "ack_failure": True}
    keep(allowed_tasks.checked(task) | ended | {"cluster": Conf.CLUSTER_NAME, "ack_id": row.pk}, queue)
