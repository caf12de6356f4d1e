"""Sends orders of ours once: into the journal first, then to the gateway, then until each leg is answered."""

from collections.abc import Sequence

from ib_async import IB, Contract, Order
from ib_async.util import dataclassNonDefaults

from ib_bridge import references
from ib_bridge.gateway.link import Link
from ib_bridge.journal.entries import Kind
from ib_bridge.journal.standing import Standing, State, is_refused
from ib_bridge.orders.book import AnswerLost, Book, Refused
from ib_bridge.orders.changing import Changing

ANSWER = 6.0  # seconds until what was sent counts as not answered
LATE = 0.3  # seconds for an order to come alive after an error, before the gateway's list is asked
NOT_THERE = (State.REJECTED, State.NEVER_RECEIVED)


class Placing:
    def __init__(self, link: Link, book: Book, changing: Changing) -> None:
        self._link, self._book, self._changing = link, book, changing

    async def send(
        self, ib: IB, client_id: str, contract: Contract, orders: Sequence[Order], good_until: str | None
    ) -> None:
        """Send the orders and wait for the answer. Raises Refused when none of them is there, AnswerLost."""
        self._write_down(contract, orders, good_until)
        try:
            for order in orders:
                ib.client.placeOrder(order.orderId, contract, order)
        except ConnectionError:
            raise AnswerLost("The connection to the gateway was lost while the order was sent.") from None
        await self._wait_for_answer(ib, client_id)

    def _write_down(self, contract: Contract, orders: Sequence[Order], good_until: str | None) -> None:
        """Put into the journal what will be sent, and onto the disk, before it is sent."""
        journal, at = self._link.journal, self._link.clock()
        for order in orders:
            ours = references.read(order.orderRef)
            body = {
                "contract": dataclassNonDefaults(contract),
                "order": dataclassNonDefaults(order),
                "good_until": good_until if ours[1] == references.ENTRY else None,
            }
            journal.add(at, Kind.PLACE, body, order=ours, order_id=order.orderId)
            journal.note_done(*ours)
            journal.note_open(*ours, at)
            self._link.recorder.references_by_id[order.orderId] = ours
        journal.commit()

    async def _wait_for_answer(self, ib: IB, client_id: str) -> None:
        await self._book.until(lambda: self._is_answered(client_id), ANSWER)
        if not await self._book.until(lambda: not self._waiting(client_id), LATE):
            await self._book.look(ib)
        refused = self._book.in_state(client_id, NOT_THERE)
        if refused:
            # What was not transmitted has no answer, and waits at the gateway for its last leg.
            await self._changing.end(ib, client_id, references.LEGS)
            self._refuse_unless_alive(client_id, refused[0])
        if self._waiting(client_id):
            raise AnswerLost("IB has not answered the order.")

    def _waiting(self, client_id: str) -> list[Standing]:
        return self._book.in_state(client_id, [State.UNANSWERED])

    def _is_answered(self, client_id: str) -> bool:
        """Return whether every leg is acknowledged, or an error came for one."""
        return not self._waiting(client_id) or any(
            is_refused(self._book.entries(client_id, leg.leg)[-1:]) for leg in self._waiting(client_id)
        )

    def _refuse_unless_alive(self, client_id: str, refused: Standing) -> None:
        """Raise Refused when nothing of the order is left; what has filled or lives is reported."""
        legs = self._book.standings(client_id)
        if not any(
            leg.filled or leg.is_alive or leg.state in (State.FILLED, State.UNANSWERED) for leg in legs
        ):
            raise Refused(refused.reason or "IB refused the order.")
