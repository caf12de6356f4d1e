"""The clock: queues what is due, settles the tasks of dead workers, and writes the cluster's beat."""

import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from django.db import Error, connection
from django.utils import timezone
from django_q.conf import Conf

from jaxsite.processes import beats
from jaxsite.processes.queue.presence import Presence
from jaxsite.processes.queue.results import Queue
from jaxsite.processes.queue.settle import Strays, settle
from jaxsite.processes.queue.slots import Phase, Shared, Stage
from jaxsite.processes.queue.worker import CONNECTING, SILENT, wait_for_database
from jaxsite.processes.turn import Turn

logger = logging.getLogger(__name__)

LOOK = 0.2  # seconds between two looks at the slots
SCHEDULES = 5.0
STRAYS = 5.0

Scheduler = Callable[[Queue], None]


class Clock:
    def __init__(self, shared: Shared, main: int, scheduler: Scheduler) -> None:
        self.shared, self.main, self.scheduler = shared, main, scheduler
        self.queue = Queue()
        self.presence = Presence(self.queue.list_key, shared.instance)
        self.strays = Strays()
        self.schedules, self.stray_looks, self.beats = Turn(SCHEDULES), Turn(STRAYS), Turn(beats.EVERY)

    def run(self) -> None:
        """Go on until the main process is gone or, at a stop, what the workers have left is settled."""
        while os.getppid() == self.main:
            phase = self.shared.phase  # read before the slots are: at LEAVE none is added to them
            self.look(phase)
            if phase == Phase.LEAVE and not any(slot.ending for slot in self.shared.slots):
                self.attempt(partial(self.beat, stopped=True))
                return
            time.sleep(LOOK)

    def look(self, phase: int) -> None:
        now = time.monotonic()
        self.attempt(self.settle)
        if phase != Phase.RUN:
            return
        self.attempt(self.presence.show)
        if self.beats.comes(now):
            self.attempt(self.beat)
        if self.stray_looks.comes(now):
            self.attempt(self.settle_strays)
        if Conf.SCHEDULER and self.schedules.comes(now):
            self.attempt(partial(self.scheduler, self.queue))

    def attempt(self, work: Callable[[], None]) -> None:
        """Do one thing. If the database is away, or does not let us do this one, the others go on."""
        self.show_life()
        try:
            work()
        except Error as error:
            logger.warning("The queue's clock cannot do its work: %s", error)
            wait_for_database()

    def settle(self) -> None:
        for slot in self.shared.slots:
            if slot.ending:
                settle(slot, timezone.now(), self.queue)

    def settle_strays(self) -> None:
        self.strays.settle(self.shared, timezone.now(), self.queue)

    def beat(self, *, stopped: bool = False) -> None:
        write_beat(self.shared, timezone.now(), stopped=stopped)

    def show_life(self) -> None:
        self.shared.clock_beat = time.monotonic()
        self.shared.clock_patience = CONNECTING if connection.connection is None else SILENT


def write_beat(shared: Shared, at: datetime, *, stopped: bool = False) -> None:
    slots = [slot for slot in shared.slots if slot.pid]
    began = [slot.began for slot in slots if slot.stage == Stage.BEGUN]
    finished = max(slot.finished for slot in shared.slots)
    beats.write_beat(
        beats.service(Conf.CLUSTER_NAME),
        at,
        waiting=len(slots) - len(began),
        busy=len(began),
        busy_since=when(min(began)) if began else None,
        finished_at=when(finished) if finished else None,
        stopped=stopped,
    )


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
