"""Orders of ours as the journal has them, and waiting for what the gateway says of them."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ib_async import IB, Contract

from ib_bridge import references
from ib_bridge.gateway.link import Link
from ib_bridge.journal.entries import Entry, Kind
from ib_bridge.journal.standing import ALIVE, Standing, State, standings
from ib_bridge.orders import reports

WORKING = (State.HELD, State.WORKING)


class Refused(Exception):
    """IB or the bridge said no: nothing of what was asked is there."""


class AnswerLost(Exception):
    """It was handed over and not answered: ask by the id."""


class Book:
    def __init__(self, link: Link) -> None:
        self._link = link

    def entries(self, client_id: str, leg: str = "") -> list[Entry]:
        """Return what the journal has of an order, or of one leg of it."""
        entries = self._link.journal.of_order(client_id)
        return [entry for entry in entries if entry.leg == leg] if leg else entries

    def report(self, client_id: str) -> dict[str, Any]:
        return reports.report(client_id, self.entries(client_id))

    def standings(self, client_id: str) -> list[Standing]:
        return standings(self.entries(client_id))

    def leg(self, client_id: str, name: str) -> Standing | None:
        return next((leg for leg in self.standings(client_id) if leg.leg == name), None)

    def in_state(
        self, client_id: str, states: Collection[State], legs: Collection[str] = references.LEGS
    ) -> list[Standing]:
        """Return those of the legs that are in one of the states."""
        return [leg for leg in self.standings(client_id) if leg.leg in legs and leg.state in states]

    def is_new(self, client_id: str) -> bool:
        """Return whether nothing of this id is at IB, or can be."""
        return all(leg.state is State.NEVER_RECEIVED for leg in self.standings(client_id))

    def is_alive(self, client_id: str) -> bool:
        legs = self.standings(client_id)
        return any(leg.is_alive for leg in legs) and legs[0].state not in reports.UNREPORTABLE

    def terms(self, client_id: str, leg: str) -> tuple[Mapping[str, Any], Contract]:
        """Return a leg's terms and contract, as the gateway last told them."""
        told = reversed(self.entries(client_id, leg))
        last = next(entry for entry in told if entry.kind in (Kind.OPEN_ORDER, Kind.PLACE))
        contract = {name: value for name, value in last.body["contract"].items() if value != "?"}
        return last.body["order"], Contract(**contract)

    def order_id(self, client_id: str, leg: str) -> int:
        """Return the leg's order id in this connection."""
        for order_id, ours in self._link.recorder.references_by_id.items():
            if ours == (client_id, leg):
                return order_id
        raise Refused(f"The {leg} was placed by another client id of IB's API: only that one can change it.")

    def groups_of(self, guards: Sequence[str]) -> list[tuple[str, int]]:
        """Return the OCA groups of the exits that guard the shares, with how many shares each guards."""
        found: dict[str, int] = {}
        for client_id in guards:
            entry = self.leg(client_id, references.ENTRY)
            for leg in self.in_state(client_id, ALIVE, references.EXITS):
                group = str(self.terms(client_id, leg.leg)[0].get("ocaGroup", ""))
                left = leg.quantity - leg.filled
                guarded = left if entry is None else min(left, entry.filled)
                found[group] = max(found.get(group, 0), int(guarded))
        return [(group, guarded) for group, guarded in found.items() if group and guarded]

    async def until(self, is_true: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is true of our orders. Return whether it is."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while not is_true():
            left = ends - loop.time()
            if left <= 0 or not self._link.status.is_ready:
                return False
            await self._link.orders.wait(left)
        return True

    async def look(self, ib: IB) -> None:
        """Have the gateway list its orders. Raises AnswerLost when it does not."""
        try:
            await self._link.reading.orders(ib)
        except (TimeoutError, ConnectionError):
            raise AnswerLost("IB has not answered, and does not say which orders it has.") from None
