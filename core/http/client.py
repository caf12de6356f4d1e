"""Many requests to one provider: each at its slot, a few at once, failed ones again, all within a bound."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.http.failures import Failure
from core.http.session import LARGEST_BODY, Answer, Call, Request, Session
from core.http.wave import MOST_HANGING, Outcome, Wave, Window, hanging

# Reserves up to that many requests; returns the seconds from now at which each granted one may be sent.
Reserve = Callable[[int], Sequence[float]]

MOST_PAGES = 50


def at_once(wanted: int) -> list[float]:
    """Grant all at once: for what the provider does not count, as a health check."""
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
        self._session = Session(name, base_url, headers or {}, connections, clock, largest)
        self._connections = connections
        self._window = Window(window, clock) if window else None
        self._patience = patience or Patience()
        self._sleep = sleep
        self.who = self._session.who
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
        """Return every request's answer or failure by its key, before `until` on the client's clock.

        `abreast`: how many at the same time, when that is to be less than the client's connections;
        `attempts`: how many times each, when not the usual number.
        """
        until = self.clock() + self._patience.fetch if until is None else until
        fetched = Fetched()
        waiting, alive = list(requests), True
        for attempt in range(attempts or self._patience.attempts) if requests else ():
            if attempt and not self._pause(attempt, fetched.failed, until):
                break
            # A host that answered nothing gets a single request first.
            slots = reserve(len(waiting) if alive else 1)
            granted, rest = waiting[: len(slots)], waiting[len(slots) :]
            if attempt == 0:
                fetched.declined, rest = rest, []
            threads = min(abreast or self._connections, self._connections)
            outcomes = self._wave({key: requests[key] for key in granted}, slots, threads, until)
            fetched.take(outcomes)
            alive = _alive(outcomes)
            waiting = rest + [key for key in _worth_repeating(outcomes) if requests[key].is_repeatable]
            if not waiting or not granted:
                break
        return fetched

    def fetch_pages(
        self,
        requests: Mapping[str, Request],
        following: Callable[[Request, Answer], Request | None],
        reserve: Reserve = at_once,
    ) -> Pages:
        """Return every page: `following` says which request brings the next one, None after the last.

        What there is no slot or time for, and what lies beyond `MOST_PAGES`, is declined.
        """
        until = self.clock() + self._patience.fetch
        pages = Pages()
        due = dict(requests)
        for _ in range(MOST_PAGES):
            fetched = self.fetch(due, reserve, until=until)
            pages.failed |= fetched.failed
            pages.declined += fetched.declined
            nexts = {key: following(due[key], answer) for key, answer in fetched.answers.items()}
            for key, answer in fetched.answers.items():
                pages.answers.setdefault(key, []).append(answer)
            due = {key: request for key, request in nexts.items() if request is not None}
            if not due:
                break
        pages.declined += due
        return pages

    def _pause(self, attempt: int, failed: Mapping[str, Failure], until: float) -> bool:
        """Back off before another attempt. Return whether there is time for one."""
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
        if (count := hanging(self._session.host)) >= MOST_HANGING:
            failure = Failure(
                f"{self.who} leaves {count} answers open; not asked until they end",
                again=True,
                for_all=True,
                unsent=True,
            )
            return dict.fromkeys(requests, failure)
        began = self.clock()
        calls = {
            key: Call(request, began + slot)
            for (key, request), slot in zip(requests.items(), slots, strict=False)
        }
        timeout = (self._patience.connect, self._patience.read)
        wave = Wave(self._session, calls, timeout, self.clock, self._window)
        return wave.run(threads, answer=self._patience.answer, until=until)


def _alive(outcomes: Mapping[str, Outcome]) -> bool:
    sent = [outcome for outcome in outcomes.values() if outcome is not None]
    return not all(isinstance(outcome, Failure) and outcome.blames_provider for outcome in sent)


def _worth_repeating(outcomes: Mapping[str, Outcome]) -> list[str]:
    return [key for key, outcome in outcomes.items() if isinstance(outcome, Failure) and outcome.again]
