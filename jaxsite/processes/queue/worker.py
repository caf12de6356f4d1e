"""A worker: takes its tasks from the queue's table and runs them in django-q2's own loop.

Of the workers that wait one asks the database for all. Which follows from the shared memory alone: if it is
killed or stopped meanwhile, it is passed over after half a second.
"""

import logging
import os
import time
from contextlib import nullcontext, suppress
from typing import Any

from django.db import Error, connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.worker import worker

from jaxsite.processes import allowed_tasks
from jaxsite.processes.queue import claims, results
from jaxsite.processes.queue.claims import Claim
from jaxsite.processes.queue.presence import Presence
from jaxsite.processes.queue.results import AWAY, Queue, Task
from jaxsite.processes.queue.slots import Phase, Shared, Slot, Stage

logger = logging.getLogger(__name__)

GLANCE = 0.025  # seconds between two looks at the shared memory while there is nothing to do
SILENT = 20.0  # a worker that waits or stores a result is killed when it shows no life for longer
CONNECTING = 60.0  # the same while it connects: the server may be starting
PAUSE = 1.0  # before a database that is away is asked again


def run(shared: Shared, index: int, main: int) -> None:
    """Run tasks until the cluster stops, or django-q2 asks for a fresh process."""
    slot, queue = shared.slots[index], Queue()
    run_allowed = allowed_tasks.checking(worker)
    run_allowed(Tasks(shared, index, queue, main), Results(shared, slot, queue), Timer(slot), Conf.TIMEOUT)


class Tasks:
    """What django-q2's worker takes for its queue of tasks."""

    def __init__(self, shared: Shared, index: int, queue: Queue, main: int) -> None:
        self.shared, self.index, self.queue, self.main = shared, index, queue, main
        self.slot = shared.slots[index]
        self.presence = Presence(queue.list_key, shared.instance)

    def get(self) -> Any:
        """Wait for a task and return it, or STOP when the cluster stops or the main process is gone."""
        asks_at, has_asked = 0.0, False  # a worker that has just ended a task asks for the next in any case
        while self.shared.phase == Phase.RUN and os.getppid() == self.main:
            show_life(self.slot)
            now = time.monotonic()
            if now >= asks_at and (not has_asked or self.shared.is_turn_of(self.index, now)):
                if task := self.ask():
                    return task
                asks_at, has_asked = now + Conf.POLL, True
            time.sleep(GLANCE)
        return "STOP"

    def ask(self) -> Task | None:
        """Take a task, if one waits and the database answers."""
        try:
            self.presence.show()
            return self.take()
        except AWAY as error:
            logger.warning("The queue cannot be read: %s", error)
            wait_for_database()
            return None

    def take(self) -> Task | None:
        """Take a task. The claim is told before it is made: at no moment is it unknown who has a row."""
        claim = Claim.make(timezone.now(), self.shared.instance, self.index)
        self.slot.claim = claim.number
        row = claims.take(self.queue.list_key, claim)
        if row is None:
            release(self.slot)
            return None
        self.slot.stage = Stage.TAKEN
        self.queue.lock = claim.lock
        return self.accept(*row)

    def accept(self, pk: int, payload: str) -> Task | None:
        task = results.read(payload)
        if task is None:
            self.queue.acknowledge(pk)
            release(self.slot)
            return None
        limit = task.get("timeout") or 0
        return task | {
            "timeout": limit if limit > 0 else Conf.TIMEOUT,  # none runs without a limit
            "cluster": Conf.CLUSTER_NAME,
            "ack_id": pk,
        }


class Timer:
    """What django-q2's worker takes for its shared timer: it says when a task begins, and for how long."""

    def __init__(self, slot: Slot) -> None:
        self.slot, self.seconds = slot, -1.0

    def get_lock(self) -> "nullcontext[None]":
        return nullcontext()

    @property
    def value(self) -> float:
        return self.seconds

    @value.setter
    def value(self, seconds: float) -> None:
        self.seconds = seconds
        if seconds <= 0:  # it waits, or ends
            return
        if self.slot.stage != Stage.BEGUN:
            self.slot.began = time.time()
            self.slot.stage = Stage.BEGUN
        self.slot.deadline = time.monotonic() + seconds


class Results:
    """What django-q2's worker takes for its queue of results: each is kept at once."""

    def __init__(self, shared: Shared, slot: Slot, queue: Queue) -> None:
        self.shared, self.slot, self.queue = shared, slot, queue

    def put(self, task: Task) -> None:
        """Keep the result, however long the database is away; at a stop what is not kept counts as failed."""
        show_life(self.slot)
        self.slot.deadline = 0.0
        while not self.is_kept(task):
            if self.shared.phase != Phase.RUN:
                return
            wait_for_database()
            show_life(self.slot)
        self.slot.finished = time.time()
        release(self.slot)

    def is_kept(self, task: Task) -> bool:
        try:
            results.keep(task, self.queue)
        except AWAY as error:
            logger.warning("A result cannot be stored yet: %s", error)
            return False
        return True


def release(slot: Slot) -> None:
    """Say that the row is off the queue, and then that this worker waits."""
    slot.claim = 0
    slot.stage = Stage.WAITING
    show_life(slot)


def show_life(slot: Slot) -> None:
    slot.show_life(CONNECTING if connection.connection is None else SILENT)


def wait_for_database() -> None:
    with suppress(Error):
        connection.close()
    time.sleep(PAUSE)
