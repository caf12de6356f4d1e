"""Ends what came to IB in part only: an entry without its exits would fill unprotected.

Legs travel one by one, and a process or a connection can die in between. What is transmitted last is what IB
waits for, but a gateway may keep what waits, and a person may transmit it there.
"""

import logging
from collections.abc import Sequence

from ib_async import IB

from ib_bridge import references
from ib_bridge.gateway.link import Link
from ib_bridge.journal.standing import Standing, State
from ib_bridge.orders.book import Book
from ib_bridge.orders.changing import Changing

logger = logging.getLogger("ib_bridge")
NEVER_CAME = (State.NEVER_RECEIVED, State.REJECTED)


class Halves:
    def __init__(self, link: Link, book: Book, changing: Changing) -> None:
        self._link, self._book, self._changing = link, book, changing

    async def end(self, ib: IB) -> None:
        """End entries without their exits, and make sure of what counts as never received.

        Raises Refused, AnswerLost and ConnectionError.
        """
        for client_id, legs in self._half_sent():
            logger.warning("Order %s came to IB without its exits: it is cancelled.", client_id)
            await self._changing.end(ib, client_id, legs)
        self._cancel_what_never_came(ib)

    def _half_sent(self) -> list[tuple[str, Sequence[str]]]:
        working = dict.fromkeys(leg.client_id for leg in self._link.journal.open_legs())
        found = [(client_id, legs_to_end(self._book.standings(client_id))) for client_id in working]
        return [(client_id, legs) for client_id, legs in found if legs]

    def _cancel_what_never_came(self, ib: IB) -> None:
        """Cancel what the gateway does not list: it may keep it on its screen all the same."""
        absent = self._link.reading.take_absent()
        for order_id in absent:
            ib.client.cancelOrder(order_id)
        if absent:
            logger.warning("Cancelled at IB, to be sure, what never came there: %s.", absent)


def legs_to_end(legs: Sequence[Standing]) -> Sequence[str]:
    """Return what of an order has to end because an exit that was sent with its entry never came to be."""
    entry = next((leg for leg in legs if leg.leg == references.ENTRY), None)
    lacks = any(leg.leg in references.EXITS and leg.state in NEVER_CAME for leg in legs)
    if entry is None or not entry.is_alive or not lacks:
        return ()
    return [references.ENTRY] if entry.filled else references.LEGS
