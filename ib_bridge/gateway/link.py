"""Keeps a connection to the gateway: connects for ever, reads everything after each connect."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from ib_async import IB

from ib_bridge import conditions
from ib_bridge.conditions import State, when_unreachable
from ib_bridge.configuration import Configuration
from ib_bridge.gateway.news import News
from ib_bridge.gateway.reading import Reading
from ib_bridge.gateway.recorder import Recorder, connectable
from ib_bridge.gateway.status import Status
from ib_bridge.journal.entries import Kind
from ib_bridge.journal.store import Journal

logger = logging.getLogger("ib_bridge")

HAND_SHAKE = 10.0  # seconds until the gateway has answered a new connection
SHORT, LONG = 1.0, 60.0  # seconds between two attempts, doubled each time
WATCH, PATIENCE = 30.0, 10.0  # how often a silent gateway is asked for the time, and how long that may take
LOOKS_AT_READ_ONLY = 4  # after how many of them it is asked for orders again: each opens a dialog there
BEST_DATA = 4  # live where subscribed, else delayed, and the last prices while the market is closed


class NotReady(Exception):
    """There is no connection over which anything may be sent; the message says why."""


async def _nothing_to_settle(ib: IB) -> None:
    """Do what follows a reading while nobody has said what that is."""


class Link:
    """`news` is of the account, `orders` of orders of ours, `ticks` of quotes.

    `settle`: what is done once everything has been read, before anything else is sent.
    """

    settle: Callable[[IB], Awaitable[None]]

    def __init__(self, configuration: Configuration, journal: Journal, clock: Callable[[], datetime]) -> None:
        self.configuration, self.journal, self.clock = configuration, journal, clock
        self.news, self.orders, self.ticks = News(), News(), News()
        self.data_errors: dict[int, tuple[int, str]] = {}  # by request, in this connection
        self.status = Status(clock, self._state_changed)
        self.reading = Reading(journal, clock, self.status)
        self.settle = _nothing_to_settle
        self.connections = 0  # of this process, so that others notice a new one
        self._ib: IB | None = None
        self._recorder: Recorder | None = None
        self._pause = SHORT
        self._poked = asyncio.Event()
        self._lost = asyncio.Event()
        self._code_of_end = 0

    @property
    def ib(self) -> IB:
        """Return the client of a connection that may be used. Raises NotReady."""
        if self._ib is None or not self.status.is_ready or not self._ib.isConnected():
            words = conditions.WORDS[self.status.state]
            raise NotReady(f"{words.message} {words.advice}".strip())
        return self._ib

    @property
    def trading(self) -> IB:
        """Return the client of a connection over which orders may be read and sent. Raises NotReady."""
        ib = self.ib
        if not self.status.is_synced:
            words = conditions.WORDS[self.status.state]
            raise NotReady(f"{words.message} {words.advice}")
        return ib

    @property
    def recorder(self) -> Recorder:
        if self._recorder is None:
            raise NotReady("There was no connection yet.")
        return self._recorder

    def poke(self) -> None:
        """Try to connect now instead of after the pause."""
        self._poked.set()

    async def run(self) -> None:
        """Keep a connection until it is cancelled."""
        try:
            while True:
                await self._once()
                await self._rest()
        finally:
            self._drop()

    async def _once(self) -> None:
        """Connect, and stay until the connection is lost."""
        self._lost, self._code_of_end = asyncio.Event(), 0
        self._ib, self._recorder = connectable(self.journal, self.clock, self)
        self._ib.disconnectedEvent += self._lost.set
        self._ib.pendingTickersEvent += self._on_ticks
        self.data_errors.clear()
        try:
            if await self._connect(self._ib):
                self._pause = SHORT
                await self._watch(self._ib)
                self.status.become(State.CONNECTING, "The connection to the gateway was lost.")
        except (OSError, TimeoutError, ConnectionError) as reason:
            self.status.become(self._why_not(reason))
        finally:
            self._drop()

    async def _connect(self, ib: IB) -> bool:
        """Return whether the connection is made, its account allowed, and everything read."""
        host, port = self.configuration.gateway
        shaking = asyncio.ensure_future(
            ib.client.connectAsync(host, port, self.configuration.client_id, HAND_SHAKE)
        )
        ib.wrapper.clientId = self.configuration.client_id
        lost = asyncio.ensure_future(self._lost.wait())
        await asyncio.wait([shaking, lost], return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        if not shaking.done():
            shaking.cancel()
            with suppress(asyncio.CancelledError, OSError, TimeoutError):
                await shaking
            raise ConnectionError("refused")
        shaking.result()
        if not self._choose_account(ib.client.getAccounts()):
            self.status.become(State.LIVE_REFUSED)
            return False
        self._begin(ib)
        await self._read(ib)
        return True

    async def _read(self, ib: IB) -> None:
        state = await self.reading.all(ib, self.status.account)
        if state is State.CONNECTED:
            await self.settle(ib)
            self.status.end(conditions.READ_ONLY)
        self.status.become(state, f"Account {self.status.account}.")

    def _begin(self, ib: IB) -> None:
        """Note the connection. An order id that an earlier one has used is never used again."""
        self.journal.begin_connection(self.clock(), self.configuration.client_id, self.status.account)
        ib.client.updateReqId(self.journal.highest_order_id() + 1)
        self.status.server_version = ib.client.serverVersion()
        self.status.forget_notices()
        self.connections += 1
        ib.reqMarketDataType(BEST_DATA)
        self.status.become(State.READING)

    def _choose_account(self, accounts: list[str]) -> bool:
        """Take the account that LIVE_TRADING names, else a paper one. Return whether there is one."""
        live = self.configuration.live_account
        paper = [account for account in accounts if account.startswith("D")]
        chosen = live if live and live in accounts else paper[0] if paper else ""
        self.status.account = chosen
        return bool(chosen)

    async def _watch(self, ib: IB) -> None:
        """Wait until the connection is lost; read again after the gateway has lost IB and found it again."""
        for looks in itertools.count(1):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), WATCH)
                return
            try:
                await asyncio.wait_for(ib.reqCurrentTimeAsync(), PATIENCE)
                if self.status.state is State.READ_ONLY and looks % LOOKS_AT_READ_ONLY == 0:
                    await self._read(ib)
            except TimeoutError:
                logger.warning("The gateway has not answered for %.0f s; connecting again.", PATIENCE)
                return

    async def _rest(self) -> None:
        """Wait before the next attempt, unless somebody asks for one."""
        self.status.retry_in = self._pause
        with suppress(TimeoutError):
            await asyncio.wait_for(self._poked.wait(), self._pause)
        self._poked.clear()
        self._pause = min(LONG, self._pause * 2)

    def _drop(self) -> None:
        if self._ib is not None and self._ib.client.isConnected():
            self._ib.client.disconnect()
        self.journal.commit()

    def _why_not(self, reason: Exception) -> State:
        if self._code_of_end == conditions.CLIENT_ID_IN_USE:
            return State.CLIENT_ID_TAKEN
        if isinstance(reason, TimeoutError) or self.status.state is State.READING:
            return State.NO_ANSWER
        return when_unreachable(self.clock())

    # --- what the recorder tells ---

    def on_order(self, client_id: str, leg: str) -> None:
        self.orders.happened()

    def on_change(self) -> None:
        self.news.happened()

    def _on_ticks(self, tickers: object) -> None:
        self.ticks.happened()

    def on_error(self, request: int, code: int, text: str) -> None:
        self.status.note(code, text)
        if conditions.is_read_only(code, text):
            self.reading.refused.set()
            if self.status.state is State.CONNECTED:
                self.status.become(State.READ_ONLY)
        if request > 0:
            self.data_errors[request] = (code, text)
            self.ticks.happened()
        if code == conditions.CLIENT_ID_IN_USE:
            self._code_of_end = code
            self._lost.set()
        elif code == conditions.LOST:
            self.status.become(State.SERVER_LOST)
        elif code in (conditions.RESTORED, conditions.RESTORED_AFRESH) and self._ib is not None:
            self.connections += code == conditions.RESTORED_AFRESH
            self.reading.again(self._ib)

    def _state_changed(self, state: State) -> None:
        if self.journal.connection:
            self.journal.add(self.clock(), Kind.STATE, {"state": state})
            self.journal.commit()
        for news in (self.news, self.orders, self.ticks):
            news.happened()
