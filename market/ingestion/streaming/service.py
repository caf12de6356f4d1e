"""The stream at work: one connection, one write a second, one look around every few seconds.

Three loops in one thread, none of which waits for another. The database is used by a thread of its own: while
it is slow or away, what comes replaces what came before, and the newest is written once it answers again.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from django.db import Error, connection

from market import store
from market.feeds import Source
from market.ingestion.streaming import silence, storing
from market.ingestion.streaming.latest import Latest
from market.ingestion.streaming.storing import Look
from market.models import StreamStatus
from market.providers.streams.base import Clock, StreamError
from market.quality import Rejections

logger = logging.getLogger(__name__)

T = TypeVar("T")
State = StreamStatus.State
WRITE, LOOK = 1.0, 5.0  # seconds
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
GOOD = 60.0  # seconds; a connection that lasted so long begins with the short pause again
STUCK = 60.0  # seconds that the database may take for one thing before the process is given up
SILENT = "It was connected, but nothing came of any symbol that trades."


@dataclass
class Service:
    """`clock`: what people's clocks say. `monotonic`: seconds that only grow, by which spans are measured."""

    source: Source
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    look_every: float = LOOK
    latest: Latest = field(init=False)
    view: Look = field(default_factory=lambda: Look([], {}, {}))
    rejections: Rejections = field(default_factory=Rejections)
    silent: list[str] = field(default_factory=list)
    state: State = State.CONNECTING
    since: datetime | None = None
    reason: str = ""
    retry_at: datetime | None = None
    stored_at: datetime | None = None
    _database: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "database"))
    _pending: list[float] = field(default_factory=list)  # since when the database was asked for something
    _is_away: bool = False
    _connection: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self.latest = Latest(self.monotonic, self.clock)

    async def run(self) -> None:
        """Run until cancelled, and say then that it was stopped."""
        loops = [self._connect(), self._write(), self._look_around()]
        tasks = [asyncio.ensure_future(loop) for loop in loops]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._enter(State.STOPPED)
            await self.in_database(partial(storing.write_status, self.status()))
            await self.in_database(_close)
            self._database.shutdown(wait=False)

    def is_stuck(self) -> bool:
        """Return whether the database holds up one thing for too long: only a new process helps then."""
        return self.monotonic() - min(self._pending, default=math.inf) > STUCK

    async def in_database(self, work: Callable[[], T]) -> T | None:
        """Do something in the thread that owns the connection; None when the database is away."""
        began = self.monotonic()
        self._pending.append(began)
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._database, partial(_attempt, work))
        finally:
            self._pending.remove(began)
        if isinstance(done, Error):
            if not self._is_away:
                logger.warning("The database does not take it, what comes is kept: %s", done)
            self._is_away = True
            return None
        self._is_away = False
        return done[0]

    # --- the connection -----------------------------------------------------------------------------------

    async def _connect(self) -> None:
        failures = 0
        while True:
            if not self.view.wanted:
                await asyncio.sleep(WRITE)
                continue
            began = self.monotonic()
            error = await self._stream()
            failures = 0 if self.monotonic() - began > GOOD else failures + 1
            wait = _pause(failures) if error.pause is None else error.pause.total_seconds()
            self._enter(_state_after(error), str(error), wait)
            level = logging.INFO if error.is_plan else logging.WARNING
            logger.log(level, "The stream of %s: %s Again in %.0f s.", self.source.title, error, wait)
            await asyncio.sleep(wait)

    async def _stream(self) -> StreamError:
        """Stream until it ends, and return why it did."""
        self.latest.start()
        self._enter(State.CONNECTING)
        self._connection = asyncio.ensure_future(
            self.source.stream.run(lambda: self.view.wanted, self.latest)
        )
        try:
            await asyncio.wait([self._connection])
        finally:
            self._connection.cancel()
            (ending,) = await asyncio.gather(self._connection, return_exceptions=True)
        if isinstance(ending, asyncio.CancelledError):
            return StreamError(SILENT)
        if isinstance(ending, BaseException) and not isinstance(ending, StreamError):
            raise ending
        return ending or StreamError("The connection ended.")

    def _enter(self, state: State, reason: str = "", wait: float | None = None) -> None:
        self.state, self.since, self.reason = state, self.clock(), reason
        self.retry_at = None if wait is None else self.clock() + timedelta(seconds=wait)

    # --- the newest quotes --------------------------------------------------------------------------------

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + WRITE, loop.time())
            await asyncio.sleep(due - loop.time())
            await self._write_changes()

    async def _write_changes(self) -> None:
        ticks = self.latest.take_changes()
        if not ticks:
            return
        source, at = self.source, self.clock()
        work = partial(storing.store, ticks, self.view.wanted, source.provider, source.stream, at)
        stored = await self.in_database(work)
        if stored is None:
            self.latest.give_back(ticks)
            return
        self.stored_at = at
        self.rejections.join(stored.rejections)
        self.latest.forget(tick for tick in ticks if tick.symbol in stored.unfit)
        for symbol, error in stored.failed.items():
            logger.error("What was streamed of %s cannot be stored", symbol, exc_info=error)

    # --- the look around ----------------------------------------------------------------------------------

    async def _look_around(self) -> None:
        while True:
            view = await self.in_database(partial(storing.look, self.source.provider, self.clock()))
            if view is not None:
                self.view = view
                self.latest.seed(view.quotes.values())
                self._judge_silence()
                await self.in_database(partial(storing.write_status, self.status()))
            await self._keep_refused()
            is_new = self.state == State.CONNECTING
            await asyncio.sleep(min(self.look_every, WRITE) if is_new else self.look_every)

    async def _keep_refused(self) -> None:
        """Have refused trades wait for a person, as rows beside those of the poll."""
        if refused := self.rejections.rows:
            self.rejections.rows = {}
            await self.in_database(partial(store.keep_refused, refused, None, self.clock()))

    def _judge_silence(self) -> None:
        if self.latest.symbols and self.state == State.CONNECTING:
            self._enter(State.LIVE)
        heard = {symbol: known.heard for symbol, known in self.latest.symbols.items()}
        opened = self._by_monotonic(self.view.trading_since)
        delay = self.source.stream.delay
        traded = self._by_monotonic({symbol: tick.as_of + delay for symbol, tick in self.view.quotes.items()})
        self.silent = silence.silent(heard, opened, traded, self.monotonic())
        is_silent = silence.is_all_silent(heard.keys() & opened.keys(), self.silent)
        if is_silent and self._connection is not None:
            self._connection.cancel()

    def _by_monotonic(self, moments: Mapping[str, datetime]) -> dict[str, float]:
        """Return moments by the clock that only grows."""
        at, now = self.clock(), self.monotonic()
        return {symbol: now - (at - moment).total_seconds() for symbol, moment in moments.items()}

    def status(self) -> StreamStatus:
        at, latest = self.clock(), self.latest
        quiet = None if latest.last_message is None else self.monotonic() - latest.last_message
        return StreamStatus(
            provider=self.source.provider,
            state=self.state,
            since=self.since or at,
            reason=self.reason,
            retry_at=self.retry_at,
            feed=self.source.stream.feed,
            delay_seconds=int(self.source.stream.delay.total_seconds()),
            symbols=len(latest.symbols),
            left_out=dict(latest.left_out),
            silent=self.silent,
            messages=latest.messages,
            problems=dict(latest.problems),
            rejected=self.rejections.as_json(),
            message_at=None if quiet is None else at - timedelta(seconds=quiet),
            stored_at=self.stored_at,
            updated_at=at,
        )


def _state_after(error: StreamError) -> State:
    if error.is_plan:
        return State.NO_PLAN
    return State.LOST if error.pause is None else State.REFUSED


def _close() -> None:
    connection.close()


def _attempt(work: Callable[[], T]) -> tuple[T] | Error:
    """Do it, or return what the database said; the next attempt has a new connection."""
    try:
        return (work(),)
    except Error as error:
        with suppress(Error):
            connection.close()
        return error


def _pause(failures: int) -> float:
    """Return seconds that double, up to a minute, each drawn from its upper half: not all come at once."""
    longest = min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)
