"""Listening to the broker: when it says that something has changed, the books are compared at once.

What is pushed is not read, so that there is one way in for all that is recorded. The comparison of each
minute goes on: it is the check of the stream.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection
from django_q.tasks import async_task

from approvals.brokers import registry
from approvals.brokers.base import BrokerError, BrokerSpec
from approvals.models import BrokerStream
from market import faults
from market.models import Fault

logger = logging.getLogger(__name__)

State = BrokerStream.State

RECONCILE, PATIENCE = "approvals.tasks.reconcile", 30.0  # seconds that it waits for one that runs already
TOGETHER = 0.1  # seconds in which several changes are one
WRITE = 5.0  # seconds between two signs of life
NOTICES = 30.0  # seconds between two questions whether something is wrong
GOOD, FIRST_PAUSE, LONGEST_PAUSE = 60.0, 1.0, 60.0


def configured() -> BrokerSpec | None:
    """Return the spec of the broker that BROKER names, where it can be listened to."""
    try:
        spec = registry.spec_of(settings.BROKER)
    except registry.UnknownBroker:  # manage.py check says so
        return None
    return spec if spec.stream and spec.is_configured(spec.values(settings)) else None


def growing_pause(failures: int) -> float:
    """Return seconds that double, up to a minute, each drawn from its upper half: not all come at once."""
    longest = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)


def compare_soon() -> None:
    """Queue a comparison of the books; it waits for one that runs, which may have asked too early."""
    async_task(RECONCILE, PATIENCE)


class Listener:
    """Listens for as long as it is not stopped.

    `clock`: now. `alive`: called every few seconds. `compare`: called when something has changed. `pause`:
    seconds before it is tried again, after so many failures. The broker's stream runs in a thread of its own,
    which knows no database.
    """

    def __init__(
        self,
        spec: BrokerSpec,
        clock: Callable[[], datetime],
        alive: Callable[[datetime], None],
        *,
        compare: Callable[[], None] = compare_soon,
        pause: Callable[[int], float] = growing_pause,
    ) -> None:
        self.spec, self.clock, self.alive = spec, clock, alive
        self._compare, self._pause = compare, pause
        self.stopped = threading.Event()
        self.state, self.since, self.reason = State.CONNECTING, clock(), ""
        self.told_at: datetime | None = None
        self._news, self._entering = threading.Event(), threading.Lock()
        self._owes = False  # a comparison that could not be queued
        self._noticed = ""

    def run(self) -> None:
        """Queue a comparison for what is told, and write how the stream is doing, until it is stopped."""
        threading.Thread(target=self._listen, name="broker stream", daemon=True).start()
        if self.spec.notices:
            threading.Thread(target=self._ask_for_notices, name="broker notices", daemon=True).start()
        while not self.stopped.is_set():
            is_told = self._news.wait(WRITE) or self._owes
            if is_told:
                self.stopped.wait(TOGETHER)
            self._attempt(is_told)
        self._enter(State.STOPPED)
        self._attempt(False)

    def stop(self) -> None:
        self.stopped.set()
        self._news.set()

    def _attempt(self, is_told: bool) -> None:
        """Do what the database is needed for. While it is away, what was told is kept."""
        try:
            steps = faults.Isolation(Fault.Work.STEP, self.clock(), part="stream")
            if is_told and not self.stopped.is_set():
                self._news.clear()
                self._owes = not _do(steps, "a comparison after the broker's news", self._compare)
            _do(steps, "how the broker's stream stands", self._write)
            _do(steps, "signs of life of the stream", lambda: self.alive(self.clock()))
        except Error as error:
            logger.warning("The database does not take what the broker told: %s", error)
            if is_told:
                self._news.set()
            connection.close()
            self.stopped.wait(FIRST_PAUSE)

    def _listen(self) -> None:
        """Listen again and again, after pauses that grow."""
        failures = 0
        while not self.stopped.is_set():
            began = time.monotonic()
            reason = self._listen_once()
            failures = 0 if time.monotonic() - began > GOOD else failures + 1
            pause = self._pause(failures)
            logger.warning("Nothing is heard from %s: %s Again in %.0f s.", self.spec.title, reason, pause)
            self._enter(State.LOST, reason)
            self.stopped.wait(pause)

    def _listen_once(self) -> str:
        """Listen until the stream ends; return why it did."""
        assert self.spec.stream is not None
        try:
            self.spec.stream(self.spec.values(settings), self._change)
        except BrokerError as error:
            return str(error)
        except Exception as error:  # a broker's module of another's may raise anything
            logger.exception("the broker's stream failed")
            return f"Its module failed: {type(error).__name__}."
        return "The stream ended."

    def _ask_for_notices(self) -> None:
        """Ask again and again what is wrong with the connection."""
        while not self.stopped.is_set():
            try:
                self._noticed = self.spec.notices(self.spec.values(settings)) if self.spec.notices else ""
            except Exception:  # a broker's module of another's may raise anything
                logger.exception("the broker's notices cannot be asked for")
            self.stopped.wait(NOTICES)

    def _change(self) -> None:
        if self.state != State.LIVE:
            self._enter(State.LIVE)
        self.told_at = self.clock()
        self._news.set()

    def _enter(self, state: BrokerStream.State, reason: str = "") -> None:
        """Note a state. Once it is stopped, no thread that is late says otherwise."""
        with self._entering:
            is_late = self.stopped.is_set() and state != State.STOPPED
            if not is_late and (state, reason) != (self.state, self.reason):
                self.state, self.since, self.reason = state, self.clock(), reason

    def _write(self) -> None:
        reason = " ".join(part for part in (self.reason, self._noticed) if part)
        values = {"state": self.state, "since": self.since, "reason": reason, "told_at": self.told_at}
        row = BrokerStream(broker=self.spec.name, updated_at=self.clock(), **values)
        fields = [*values, "updated_at"]
        BrokerStream.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["broker"], update_fields=fields
        )


def _do(steps: faults.Isolation, name: str, act: Callable[[], None]) -> bool:
    """Return whether a step went well. What fails is recorded, told and tried again; the others go on."""
    try:
        act()
    except Exception as error:  # whatever it is, the broker is listened to
        if isinstance(error, OperationalError | InterfaceError) and not _is_of_one(error):
            raise
        logger.exception("%s failed", name)
        steps.fail({name: faults.describe(error)})
        return False
    steps.succeed([name])
    return True


def _is_of_one(error: Exception) -> bool:
    """Return whether the database has answered, and refuses this alone."""
    return isinstance(error, OperationalError) and faults.is_of_one(error)
