"""Many requests to one provider: each at its slot, a few at once, failed ones again, all within a bound."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta

from core.http.exchange import LARGEST_BODY, Answer, Exchange, Request
from core.http.failures import Failure
from core.http.lines import Line

# Reserves up to that many requests: seconds from now at which each granted one may be sent.
Reserve = Callable[[int], Sequence[float]]
# None: not sent, because the time was over.
Outcome = Answer | Failure | None

HOPELESS = 5  # so many requests in vain and not one answered: the rest is not tried in this wave
MOST_PAGES = 50


def at_once(wanted: int) -> list[float]:
    """No pace: for what the provider does not count, as a health check."""
    return [0.0] * wanted


@dataclass(frozen=True)
class Patience:
    """How long we wait, in seconds: to connect, for the next byte, for an answer, for a whole `fetch`."""

    connect: float = 3.0
    read: float = 8.0
    answer: float = 15.0
    fetch: float = 22.0
    attempts: int = 3
    pause: float = 0.5


@dataclass
class Fetched:
    """What came by key, what failed and why, and what there was no slot or time to ask."""

    answers: dict[str, Answer] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    declined: list[str] = field(default_factory=list)

    def take(self, outcomes: Mapping[str, Outcome]) -> None:
        for key, outcome in outcomes.items():
            if isinstance(outcome, Answer):
                self.answers[key] = outcome
                self.failed.pop(key, None)
            elif outcome is not None:
                self.failed[key] = outcome
            elif key not in self.failed:
                self.declined.append(key)


@dataclass
class Pages:
    """Like Fetched, with every page of a key in order. A key in `failed` or `declined` is incomplete."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    declined: list[str] = field(default_factory=list)


class Client:
    """One provider's host. `window`: (count, seconds) that this process keeps even when its threads are late.
    `largest`: bytes of an answer.

    Slots come from `reserve`, called in the caller's thread only; the worker threads know nothing but HTTP.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        connections: int = 8,
        window: tuple[int, float] | None = None,
        patience: Patience | None = None,
        largest: int = LARGEST_BODY,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._exchange = Exchange(name, base_url, headers or {}, connections, clock, largest)
        self._connections = connections
        self._window = _Window(window, clock) if window else None
        self._patience = patience or Patience()
        self._sleep = sleep
        self.who = self._exchange.who
        self.clock = clock

    def fetch(
        self,
        requests: Mapping[str, Request],
        reserve: Reserve = at_once,
        *,
        abreast: int | None = None,
        attempts: int | None = None,
        until: float | None = None,
    ) -> Fetched:
        """Every request's answer or failure by its key, before `until` on the client's clock.

        `abreast`: how many at the same time, when that is to be less than the client's connections;
        `attempts`: how many times each, when not the usual number.
        """
        until = self.clock() + self._patience.fetch if until is None else until
        got = Fetched()
        waiting, alive = list(requests), True
        for attempt in range(attempts or self._patience.attempts) if requests else ():
            if attempt and not self._pause(attempt, got.failed, until):
                break
            # A host that answered nobody is asked for one thing first.
            slots = reserve(len(waiting) if alive else 1)
            asked, rest = waiting[: len(slots)], waiting[len(slots) :]
            if attempt == 0:
                got.declined, rest = rest, []
            threads = min(abreast or self._connections, self._connections)
            outcomes = self._wave({key: requests[key] for key in asked}, slots, threads, until)
            got.take(outcomes)
            alive = _alive(outcomes)
            waiting = rest + [key for key in _worth_repeating(outcomes) if requests[key].body is None]
            if not waiting or not asked:
                break
        return got

    def fetch_pages(
        self,
        requests: Mapping[str, Request],
        following: Callable[[Request, Answer], Request | None],
        reserve: Reserve = at_once,
    ) -> Pages:
        """Every page: `following` says which request brings the next one, None after the last.

        What there is no slot or time for, and what lies beyond `MOST_PAGES`, is declined.
        """
        until = self.clock() + self._patience.fetch
        pages = Pages()
        asked = dict(requests)
        for _ in range(MOST_PAGES):
            got = self.fetch(asked, reserve, until=until)
            pages.failed |= got.failed
            pages.declined += got.declined
            nexts = {key: following(asked[key], answer) for key, answer in got.answers.items()}
            for key, answer in got.answers.items():
                pages.answers.setdefault(key, []).append(answer)
            asked = {key: request for key, request in nexts.items() if request is not None}
            if not asked:
                break
        pages.declined += asked
        return pages

    def _pause(self, attempt: int, failed: Mapping[str, Failure], until: float) -> bool:
        """Back off before another attempt. False: there is no time for one."""
        backoff = self._patience.pause * 2 ** (attempt - 1) * random.uniform(0.75, 1.5)
        asked_for = max(
            (failure.retry_after or timedelta(0) for failure in failed.values()), default=timedelta(0)
        )
        pause = max(backoff, asked_for.total_seconds())
        if self.clock() + pause >= until:
            return False
        self._sleep(pause)
        return True

    def _wave(
        self, requests: Mapping[str, Request], slots: Sequence[float], threads: int, until: float
    ) -> dict[str, Outcome]:
        """Send each request at its slot and wait for all, but not beyond `until`."""
        if not requests:
            return {}
        began = self.clock()
        wave = _Wave()
        calls = {
            key: _Call(request, began + slot, Line(self.clock))
            for (key, request), slot in zip(requests.items(), slots, strict=False)
        }
        futures: dict[str, Future[Outcome]] = {}
        pool = ThreadPoolExecutor(min(threads, len(calls)), thread_name_prefix="http")
        try:
            futures |= {key: pool.submit(self._perform, call, wave) for key, call in calls.items()}
            self._watch({futures[key]: calls[key] for key in futures}, wave, until)
        finally:
            wave.over.set()
            for key, future in futures.items():
                if not future.done():  # nobody waits for it any more, least of all the end of the process
                    calls[key].line.cut()
            pool.shutdown(wait=all(future.done() for future in futures.values()), cancel_futures=True)
        unsent_first = sorted(futures, key=lambda key: calls[key].started is not None)
        return {key: _outcome(futures[key], calls[key], wave) for key in unsent_first}

    def _perform(self, call: "_Call", wave: "_Wave") -> Outcome:
        wave.over.wait(call.due - self.clock())
        if self._window and call.request.counted and not wave.over.is_set():
            wave.over.wait(self._window.turn(call.line))
        if wave.over.is_set():
            return wave.why
        call.started = self.clock()
        try:
            answer = self._exchange.send(
                call.request, call.line, (self._patience.connect, self._patience.read)
            )
        except Failure as failure:
            wave.note(failure)
            return failure
        wave.note(None)
        return answer

    def _watch(self, calls: "dict[Future[Outcome], _Call]", wave: "_Wave", until: float) -> None:
        """Wait until all are done. Who takes longer than an answer may is cut off, at `until` everyone."""
        pending = set(calls)
        while pending and (left := until - self.clock()) > 0:
            _, pending = wait(pending, timeout=min(left, 0.25))
            for future in pending:
                if calls[future].runs_since(self.clock() - self._patience.answer):
                    calls[future].line.cut()
        wave.over.set()
        for future in pending:
            calls[future].line.cut()
        wait(pending, timeout=0.2)


class _Call:
    """One request of a wave and when it may be sent."""

    def __init__(self, request: Request, due: float, line: Line) -> None:
        self.request = request
        self.due = due
        self.line = line
        self.started: float | None = None

    def runs_since(self, moment: float) -> bool:
        return self.started is not None and self.started <= moment


class _Wave:
    """Whether the rest of a wave is still worth sending, and if not, why."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered = self._in_vain = 0
        self.over = threading.Event()
        self.why: Failure | None = None

    def note(self, failure: Failure | None) -> None:
        """What a request came to: None when it was answered."""
        with self._lock:
            self._answered += failure is None
            if failure is None or not failure.blames_provider:
                return
            self._in_vain += 1
            hopeless = self._in_vain >= HOPELESS and not self._answered
            if self.why is None and (failure.for_all or hopeless):
                self.why = failure
                self.over.set()


class _Window:
    """At most `count` sends in any `seconds` of this process.

    Slots alone do not keep that: a thread that gets its turn late comes too close to those that follow.
    """

    def __init__(self, window: tuple[int, float], clock: Callable[[], float]) -> None:
        count, self._seconds = window
        self._sent: deque[tuple[float, Line]] = deque(maxlen=count)
        self._lock = threading.Lock()
        self._clock = clock

    def turn(self, line: Line) -> float:
        """Take the next turn; seconds from now."""
        with self._lock:
            now = turn = self._clock()
            if len(self._sent) == self._sent.maxlen:
                planned, oldest = self._sent[0]
                turn = max(now, (oldest.written or max(planned, now)) + self._seconds)
            self._sent.append((turn, line))
        return turn - now


def _outcome(future: Future[Outcome], call: _Call, wave: _Wave) -> Outcome:
    if future.done() and not future.cancelled():
        return future.result()
    return wave.why if call.started is None else Failure("no answer in time", again=True)


def _alive(outcomes: Mapping[str, Outcome]) -> bool:
    return not all(isinstance(outcome, Failure) and outcome.blames_provider for outcome in outcomes.values())


def _worth_repeating(outcomes: Mapping[str, Outcome]) -> list[str]:
    return [key for key, outcome in outcomes.items() if isinstance(outcome, Failure) and outcome.again]
