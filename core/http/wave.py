"""Requests that are sent at the same time: each at its slot, a few threads at once, all within a bound."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait

from core.http.failures import Failure
from core.http.session import Answer, Call, Session

# None: not sent, because the time was over.
Outcome = Answer | Failure | None

HOPELESS = 5  # so many requests without a word from the host: the rest is not sent in this wave
MOST_HANGING = 8  # threads that wait for the head of an answer of one host: it is not asked for more
BEAT, GRACE = 0.25, 0.2  # seconds between two looks at the clock, and for a call that was cut off to end


class Window:
    """At most `count` sends in any `seconds` of this process.

    Slots alone do not keep that: a thread that gets its turn late comes too close to those that follow.
    """

    def __init__(self, window: tuple[int, float], clock: Callable[[], float]) -> None:
        self._count, self._seconds = window
        self._calls: deque[tuple[float, Call]] = deque(maxlen=self._count)
        self._lock = threading.Lock()
        self._clock = clock

    def turn(self, call: Call) -> float:
        """Take the next turn. Return it in seconds from now.

        What leaves turns to others waits as if the window were that much smaller.
        """
        with self._lock:
            now = turn = self._clock()
            if len(self._calls) >= (most := self._count - call.request.leaves):
                planned, oldest = self._calls[-most]
                turn = max(now, (oldest.started or max(planned, now)) + self._seconds)
            self._calls.append((turn, call))
        return turn - now


class Wave:
    """Calls by key, and the threads that make them. Used once.

    The threads are daemons: neither the caller nor the end of the process waits for one whose host drips the
    head of an answer, looks up a name or connects for ever. `hanging` counts them.
    """

    def __init__(
        self,
        session: Session,
        calls: Mapping[str, Call],
        timeout: tuple[float, float],
        clock: Callable[[], float],
        window: Window | None = None,
    ) -> None:
        self._session, self._timeout, self._clock, self._window = session, timeout, clock, window
        self._calls = calls
        self._futures: dict[str, Future[Outcome]] = {key: Future() for key in calls}
        self._waiting = deque(calls)
        self._threads: dict[str, threading.Thread] = {}  # by the key of the call that they are at
        self._lock = threading.Lock()
        self._answered = self._in_vain = self._busy = 0
        self._over = threading.Event()
        self._why: Failure | None = None

    def run(self, threads: int, *, answer: float, until: float) -> dict[str, Outcome]:
        """Return what each call came to, those that were not sent first.

        `answer`: seconds that one call may take; `until`: when all must have ended, on the clock.
        """
        self._busy = min(threads, len(self._calls))
        try:
            for _ in range(self._busy):
                threading.Thread(target=self._work, name="http", daemon=True).start()
            self._watch(answer, until)
        finally:
            self._over.set()
            self._cut({key for key, future in self._futures.items() if not future.done()})
        sent_last = sorted(self._calls, key=lambda key: self._calls[key].started is not None)
        return {key: self._outcome(key) for key in sent_last}

    def _watch(self, answer: float, until: float) -> None:
        """Wait until all have ended. Cut off each that takes longer than an answer may."""
        pending = set(self._calls)
        while pending and self._busy and (left := until - self._clock()) > 0:
            wait([self._futures[key] for key in pending], timeout=min(left, BEAT))
            pending = {key for key in pending if not self._futures[key].done()}
            late = self._clock() - answer
            self._cut({key for key in pending if self._calls[key].runs_since(late)})

    def _cut(self, keys: set[str]) -> None:
        """Cut the calls off. Give up the threads of those that do not end."""
        for key in keys:
            self._calls[key].cut()
        wait([self._futures[key] for key in keys], timeout=GRACE)
        for key in keys:
            with self._lock:
                is_sent = key in self._threads and self._calls[key].started is not None
                if self._futures[key].done() or not is_sent:
                    continue
                failure = self._session.too_slow()
                self._futures[key].set_result(failure)
                self._busy -= 1
                _hang(self._session.host, self._threads[key])
            self._note(failure)

    def _work(self) -> None:
        while (key := self._next()) is not None:
            outcome: Outcome | BaseException
            try:
                outcome = self._perform(self._calls[key])
            except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
                outcome = error
            with self._lock:
                del self._threads[key]
                if self._futures[key].done():  # given up
                    return
                if isinstance(outcome, BaseException) and not isinstance(outcome, Failure):
                    self._futures[key].set_exception(outcome)
                else:
                    self._futures[key].set_result(outcome)
        with self._lock:
            self._busy -= 1

    def _next(self) -> str | None:
        with self._lock:
            if not self._waiting:
                return None
            key = self._waiting.popleft()
            self._threads[key] = threading.current_thread()
            return key

    def _perform(self, call: Call) -> Outcome:
        self._over.wait(call.due - self._clock())
        if self._window and call.request.counted and not self._over.is_set():
            self._over.wait(self._window.turn(call))
        if self._over.is_set():
            return self._why
        try:
            answer = self._session.send(call, self._timeout)
        except Failure as failure:
            self._note(failure)
            return failure
        self._note(None)
        return answer

    def _note(self, failure: Failure | None) -> None:
        """Count what a call came to, None when it was answered. The wave ends when the rest is hopeless."""
        with self._lock:
            if failure is None or failure.status is not None:  # a refusal may be that of its one request
                self._answered += 1
            else:
                self._in_vain += failure.blames_provider
            if failure is not None and failure.for_all:
                self._why = self._why or failure
                self._over.set()
            elif self._in_vain >= HOPELESS and not self._answered:
                self._over.set()

    def _outcome(self, key: str) -> Outcome:
        if self._futures[key].done():
            return self._futures[key].result()
        return self._why if self._calls[key].started is None else Failure("no answer in time", again=True)


_hanging: dict[str, set[threading.Thread]] = {}


def _hang(host: str, thread: threading.Thread) -> None:
    _hanging.setdefault(host, set()).add(thread)


def hanging(host: str) -> int:
    """Return how many threads of this process still wait for the head of an answer of that host."""
    threads = {thread for thread in _hanging.get(host, ()) if thread.is_alive()}
    _hanging[host] = threads
    return len(threads)
