"""Reads what the gateway knows: open orders, executions, completed orders, positions, the account."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from ib_async import IB, Trade

from ib_bridge import references
from ib_bridge.conditions import State
from ib_bridge.gateway.status import Status
from ib_bridge.journal.entries import Kind
from ib_bridge.journal.standing import State as LegState
from ib_bridge.journal.standing import is_refused, standings
from ib_bridge.journal.store import Journal, OpenLeg

T = TypeVar("T")

PATIENCE = 20.0  # seconds for each question
SURELY_LISTED = 60.0  # seconds after which a gateway lists what it was sent in the same connection
OF_OPEN_ORDERS = (Kind.PLACE, Kind.OPEN_ORDER, Kind.STATUS)
NOT_DONE = (LegState.HELD, LegState.WORKING, LegState.PENDING_CANCEL, LegState.UNANSWERED)


class ReadOnly(ConnectionError):
    """The gateway does not tell its orders: its API is read-only."""


class Reading:
    """`foreign`: the open orders of others, as the last reading had them.

    `refused` is set when the gateway says that its API is read-only: it then leaves questions unanswered.
    """

    def __init__(self, journal: Journal, clock: Callable[[], datetime], status: Status) -> None:
        self._journal, self._clock, self._status = journal, clock, status
        self._lock = asyncio.Lock()
        self._again: asyncio.Future[None] | None = None
        self.foreign: list[Trade] = []
        self._absent: list[int] = []
        self.refused = asyncio.Event()

    async def all(self, ib: IB, account: str) -> State:
        """Read everything. Return what the connection is good for. Raises TimeoutError or ConnectionError."""
        state = State.CONNECTED
        try:
            await self.orders(ib)
        except ReadOnly:
            state = State.READ_ONLY
        await asyncio.wait_for(ib.reqPositionsAsync(), PATIENCE)
        await asyncio.wait_for(ib.reqAccountUpdatesAsync(account), PATIENCE)
        self._journal.commit()
        return state

    def again(self, ib: IB) -> None:
        """Read everything while the connection stays: the gateway has found IB's servers again."""
        self._status.become(State.READING)
        self._again = asyncio.ensure_future(self._read_again(ib))

    async def _read_again(self, ib: IB) -> None:
        try:
            state = await self.all(ib, self._status.account)
        except (TimeoutError, ConnectionError):
            ib.disconnect()
            return
        self._status.become(state)

    def take_absent(self) -> list[int]:
        """Return, once, the order ids of earlier connections that were sent and never came to be."""
        absent, self._absent = self._absent, []
        return absent

    async def orders(self, ib: IB) -> None:
        """Read open orders, executions and completed orders: of others' nothing is told by itself."""
        async with self._lock:
            self.refused.clear()
            began = self._journal.revision
            open_orders = await self._answer(ib.reqAllOpenOrdersAsync())
            await self._answer(ib.reqExecutionsAsync())
            await self._answer(ib.reqCompletedOrdersAsync(False))
            self._note_which_are_gone(open_orders, began)

    async def _answer(self, question: Awaitable[T]) -> T:
        """Wait for an answer. Raises ReadOnly as soon as the gateway refuses such questions, TimeoutError."""
        asked = asyncio.ensure_future(question)
        refused = asyncio.ensure_future(self.refused.wait())
        await asyncio.wait([asked, refused], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        refused.cancel()
        if asked.done():
            return asked.result()
        asked.cancel()
        if self.refused.is_set():
            raise ReadOnly("The gateway's API is read-only: it does not tell its orders.")
        raise TimeoutError

    def _note_which_are_gone(self, open_orders: list[Trade], began: int) -> None:
        """Compare the legs of ours that should be open with those that are, and note the difference.

        `began`: the journal's last line before. What was sent since then may or may not be in the reading.
        """
        at, journal = self._clock(), self._journal
        listed = {references.read(trade.order.orderRef) for trade in open_orders}
        self.foreign = [t for t in open_orders if references.read(t.order.orderRef) == references.NOT_OURS]
        for client_id, leg in listed - {references.NOT_OURS}:
            journal.note_open(client_id, leg, at)
        for open_leg in journal.open_legs():
            if (open_leg.client_id, open_leg.leg) not in listed and not self._is_newer(open_leg, began):
                self._missing(open_leg)
        journal.commit()

    def _is_newer(self, leg: OpenLeg, began: int) -> bool:
        told = self._journal.of_order(leg.client_id)
        return any(
            entry.seq > began and entry.leg == leg.leg and entry.kind in OF_OPEN_ORDERS for entry in told
        )

    def _missing(self, leg: OpenLeg) -> None:
        """Note the end of a leg that is not listed; whether it is one, the journal's last word says."""
        journal, at = self._journal, self._clock()
        if self._state(leg) in NOT_DONE and self._is_conclusive(leg):
            if self._state(leg) is LegState.UNANSWERED and leg.connection != journal.connection:
                self._absent.append(journal.order_id_of(leg.client_id, leg.leg))
            body = {"seen_at": leg.seen_at.isoformat()}
            journal.add(at, Kind.GONE, body, order=(leg.client_id, leg.leg))
        if self._state(leg) not in NOT_DONE:
            journal.note_done(leg.client_id, leg.leg)

    def _state(self, leg: OpenLeg) -> LegState | None:
        legs = standings(self._journal.of_order(leg.client_id))
        return next((standing.state for standing in legs if standing.leg == leg.leg), None)

    def _is_conclusive(self, leg: OpenLeg) -> bool:
        """Return whether a reading without the leg says that it is gone.

        Just sent and neither acknowledged nor refused, it may still be on its way within the same connection.
        """
        if self._state(leg) is not LegState.UNANSWERED or leg.connection != self._journal.connection:
            return True
        told = [entry for entry in self._journal.of_order(leg.client_id) if entry.leg == leg.leg]
        return is_refused(told) or (self._clock() - leg.seen_at).total_seconds() > SURELY_LISTED
