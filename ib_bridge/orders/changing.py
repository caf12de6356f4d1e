"""Cancels legs of orders of ours and changes them where they stand."""

from collections.abc import Collection, Mapping

from ib_async import IB

from ib_bridge import references
from ib_bridge.gateway.link import Link
from ib_bridge.journal.entries import Kind
from ib_bridge.journal.standing import ALIVE, DONE, REMARKS, Standing, State
from ib_bridge.orders import building
from ib_bridge.orders.book import WORKING, AnswerLost, Book, Refused
from ib_bridge.orders.requests import Change

ANSWER = 6.0  # seconds until what was sent counts as not answered
ENDING = 3.0  # seconds for a cancelled order to end; it may take far longer, as out of session


class Changing:
    def __init__(self, link: Link, book: Book) -> None:
        self._link, self._book = link, book

    async def end(self, ib: IB, client_id: str, legs: Collection[str]) -> None:
        """Cancel what of these legs still works, or was never answered."""
        states = (*WORKING, State.UNANSWERED)
        working = self._book.in_state(client_id, states, legs)
        ids = [self._book.order_id(client_id, leg.leg) for leg in working]
        for leg, order_id in zip(working, ids, strict=True):
            self._note(Kind.CANCEL, {}, client_id, leg.leg, order_id)
        self._link.journal.commit()
        for order_id in ids:
            ib.client.cancelOrder(order_id)
        ended = await self._book.until(
            lambda: not self._book.in_state(client_id, states, legs) or bool(self.refusal(client_id, legs)),
            ENDING,
        )
        if not ended:
            await self._book.look(ib)

    def refusal(self, client_id: str, legs: Collection[str]) -> str:
        """Return why IB does not cancel a leg that lives on; empty when it does."""
        living = self._book.in_state(client_id, WORKING, legs)
        reasons = (self._error_since(Kind.CANCEL, client_id, leg.leg) for leg in living)
        return next((reason for reason in reasons if reason), "")

    async def change(self, ib: IB, client_id: str, change: Change) -> None:
        """Change a leg that works. Raises Refused, AnswerLost."""
        leg = self._book.leg(client_id, change.leg)
        if leg is None or not leg.is_alive:
            raise Refused(f"The {change.leg} does not work any more.")
        if not _is_made(leg, change) and not self._was_overtaken(client_id, change):
            self._send(ib, client_id, change)
            await self._book.until(lambda: self._is_answered(client_id, change), ANSWER)
            self._check(client_id, change)

    def _send(self, ib: IB, client_id: str, change: Change) -> None:
        order_id = self._book.order_id(client_id, change.leg)
        terms, contract = self._book.terms(client_id, change.leg)
        order = building.changed(terms, order_id, self._link.status.account, change)
        if not self._book.in_state(client_id, ALIVE, [references.ENTRY]):
            order.parentId = 0  # IB does not find the parent of a child once that has filled
        body = {"change_id": change.change_id, "level": str(change.level), "quantity": change.quantity}
        self._note(Kind.CHANGE, body, client_id, change.leg, order_id)
        self._link.journal.commit()
        ib.client.placeOrder(order_id, contract, order)

    def _is_answered(self, client_id: str, change: Change) -> bool:
        leg = self._book.leg(client_id, change.leg)
        return (
            leg is None
            or not leg.is_alive
            or _is_made(leg, change)
            or bool(self._error_since(Kind.CHANGE, client_id, change.leg))
        )

    def _check(self, client_id: str, change: Change) -> None:
        leg = self._book.leg(client_id, change.leg)
        if leg is not None and _is_made(leg, change):
            return
        if error := self._error_since(Kind.CHANGE, client_id, change.leg):
            raise Refused(error)
        if leg is None or leg.state in DONE:
            raise Refused(f"The {change.leg} has ended meanwhile.")
        raise AnswerLost("IB has not answered the change.")

    def _error_since(self, kind: Kind, client_id: str, leg: str) -> str:
        """Return what IB said against the last change or cancel of a leg; empty for nothing."""
        told = self._book.entries(client_id, leg)
        since = next((entry.seq for entry in reversed(told) if entry.kind is kind), told[-1].seq)
        errors = [entry.body for entry in told if entry.seq > since and entry.kind is Kind.ERROR]
        against = [error for error in errors if error["code"] not in REMARKS]
        return f"{against[-1]['text']} ({against[-1]['code']})" if against else ""

    def _was_overtaken(self, client_id: str, change: Change) -> bool:
        """Return whether this change was made and another one after it."""
        changes = [e for e in self._book.entries(client_id, change.leg) if e.kind is Kind.CHANGE]
        ids = [entry.body["change_id"] for entry in changes]
        return change.change_id in ids and ids[-1] != change.change_id

    def _note(self, kind: Kind, body: Mapping[str, object], client_id: str, leg: str, order_id: int) -> None:
        self._link.journal.add(self._link.clock(), kind, body, order=(client_id, leg), order_id=order_id)


def _is_made(leg: Standing, change: Change) -> bool:
    return change.level in (None, leg.level) and change.quantity in (None, int(leg.quantity))
