"""The main process. It touches no database and never waits, so that nothing can hold it up.

It starts the workers and the clock, replaces what dies, kills what is past its deadline or shows no life, and
tells the supervisor that it is alive itself.
"""

import logging
import signal
import time
from functools import partial
from types import FrameType

from jaxsite.processes.notify import ALIVE, EVERY, READY, STOPPING, notify
from jaxsite.processes.queue import worker
from jaxsite.processes.queue.children import Child
from jaxsite.processes.queue.clock import Clock, Scheduler
from jaxsite.processes.queue.slots import Ending, Phase, Shared, Slot
from jaxsite.processes.turn import Turn

logger = logging.getLogger(__name__)

LOOK = 0.1  # seconds
AGAIN = 0.5  # seconds between two starts in the same place
GRACE = 10.0  # what a running task is given at a stop
LAST = 6.0  # what the clock is given then to settle the tasks that were cut short


class Pool:
    def __init__(self, workers: int, scheduler: Scheduler, instance: int) -> None:
        self.count, self.scheduler = workers, scheduler
        self.shared = Shared.create(instance)
        self.workers: dict[int, Child] = {}  # by slot
        self.endings: dict[int, Ending] = {}  # why those were killed that have not ended yet
        self.started: dict[int, float] = {}
        self.clock: Child | None = None
        self.clock_started = 0.0
        self.stopped_at: float | None = None
        self.notices = Turn(EVERY)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, and then until all children have ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        notify(READY)
        while self.shared.phase != Phase.LEAVE or self.clock:
            self.look(time.monotonic())
            time.sleep(LOOK)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # nothing is left to stop while Python ends

    def stop(self, signum: int, frame: FrameType | None) -> None:
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()
            self.shared.phase = Phase.STOP

    def look(self, now: float) -> None:
        if self.notices.comes(now):
            notify(ALIVE if self.stopped_at is None else STOPPING)
        for index, child in list(self.workers.items()):
            self.look_at_worker(index, child, self.shared.slots[index], now)
        self.look_at_clock(now)
        if self.stopped_at is None:
            self.start_workers(now)
        else:
            self.end(now - self.stopped_at)

    def look_at_worker(self, index: int, child: Child, slot: Slot, now: float) -> None:
        if child.has_ended():
            self.note_end(index, child, slot, now)
        elif index not in self.endings:
            if slot.is_overdue(now):
                self.kill(index, Ending.OVERDUE)
            elif slot.is_silent(now):
                self.kill(index, Ending.DIED)

    def note_end(self, index: int, child: Child, slot: Slot, now: float) -> None:
        """Hand over to the clock what the worker held. `ending` comes last: then the clock reads the rest."""
        ending = self.endings.pop(index, Ending.DIED)
        if child.exit_code or slot.claim:
            logger.error("A worker ended (%s, exit %s)", ending.name.lower(), child.exit_code)
        del self.workers[index]
        slot.ended, slot.pid = now, 0
        slot.ending = ending if slot.claim else Ending.NONE

    def kill(self, index: int, ending: Ending) -> None:
        self.endings[index] = ending
        self.workers[index].kill()

    def start_workers(self, now: float) -> None:
        for index, slot in enumerate(self.shared.slots):
            if len(self.workers) == self.count:
                return
            if slot.is_free() and now - self.started.get(index, -AGAIN) >= AGAIN:
                slot.clear(worker.CONNECTING)
                self.started[index] = now
                run = partial(worker.run, self.shared, index)
                self.workers[index] = Child(f"worker {index + 1}", run)
                slot.pid = self.workers[index].pid

    def look_at_clock(self, now: float) -> None:
        if self.clock and self.clock.has_ended():
            if self.shared.phase != Phase.LEAVE:
                logger.error("The queue's clock ended (exit %s)", self.clock.exit_code)
            self.clock = None
        elif self.clock and now - self.shared.clock_beat > self.shared.clock_patience:
            self.clock.kill()
        if not self.clock and self.shared.phase != Phase.LEAVE and now - self.clock_started >= AGAIN:
            self.clock_started = self.shared.clock_beat = now
            self.shared.clock_patience = worker.CONNECTING
            self.clock = Child("clock", self.run_clock)

    def run_clock(self, main: int) -> None:
        Clock(self.shared, main, self.scheduler).run()

    def end(self, since: float) -> None:
        """Cut short what runs after the grace, then let the clock settle it, but not for ever."""
        if since > GRACE:
            for index in set(self.workers) - set(self.endings):
                self.kill(index, Ending.CUT)
        if not self.workers:
            self.shared.phase = Phase.LEAVE
        if self.clock and since > GRACE + LAST:
            self.clock.kill()
