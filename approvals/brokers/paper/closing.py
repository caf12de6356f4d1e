"""How a closing goes on: at the market, at what a delisted share is settled at, and beside exits.

The exits of its guards stay until it fills, and lose what it fills. What they sell first, it does not sell.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from approvals.brokers.base import Close, Execution, Leg, Protection, State
from approvals.brokers.paper import hits
from approvals.brokers.paper.book import Ticket
from approvals.brokers.paper.floor import Floor
from approvals.brokers.paper.hits import Hit
from approvals.brokers.paper.market import Listing, Settlement

SETTLED = "-settled"  # the end of such an execution's id


@dataclass(frozen=True, slots=True)
class Closings(Floor):
    """Where closings are worked."""

    def work_close(self, ticket: Ticket, close: Close, listing: Listing) -> None:
        """Let it fill. Beside exits one part at a time: they may have their turn before the next one."""
        if close.price is not None:
            self._settle(ticket, close, _by_hand(close.price, listing.settlement))
            return
        while ticket.state is State.WORKING:
            if close.guards and not self._closable(ticket, self.at):
                ticket.end(State.CANCELLED, "Its stop or its target was first.", self.at)
                return
            hit = self.closing_hit(ticket, close, listing)
            if hit is None:
                if listing.settlement:
                    self._settle(ticket, close, listing.settlement)
                return
            self._close_part(ticket, close, hit, listing)
            if close.guards:
                return

    def closing_hit(self, ticket: Ticket, close: Close, listing: Listing) -> Hit | None:
        return hits.market_hit(close.side, Leg.CLOSE, self.quotes(ticket, ticket.since, listing))

    def is_before(self, ticket: Ticket, out: Hit, listing: Listing) -> bool:
        """Return whether a closing beside these exits has its turn before them.

        What meets both in one quote is the stop's or the target's; a stop that was hit already is a market
        order that came later.
        """
        for closing in self.live(ticket.terms.symbol):
            if isinstance(closing.terms, Close) and ticket.terms.client_id in closing.guards:
                hit = self.closing_hit(closing, closing.terms, listing)
                if hit and (hit.at < out.at or (hit.at == out.at and ticket.is_stopped)):
                    return True
        return False

    def uncover(self, ticket: Ticket, wanted: int, at: datetime) -> int:
        """Take up to so many shares from an order's exits; return how many it had."""
        covered = self.shares(ticket, at)
        taken = min(max(wanted, 0), covered)
        if taken:
            changed = replace(ticket, covered=covered - taken, covered_at=at)
            if isinstance(ticket.terms, Protection):
                self._shorten(changed, ticket.terms, at)
            self.book.change(changed)
        return taken

    def _shorten(self, ticket: Ticket, terms: Protection, at: datetime) -> None:
        """Let a protection ask for no more than it has left."""
        left = int(ticket.covered / self.factor(ticket, ticket.placed_at, at))
        ticket.terms = replace(terms, quantity=max(ticket.filled + left, 1))
        if not ticket.covered and ticket.filled:
            ticket.end(State.FILLED, "", at)
        elif not ticket.covered:
            ticket.terms = terms
            ticket.end(State.CANCELLED, "What it guarded was closed, or is guarded by another.", at)

    def _close_part(self, ticket: Ticket, close: Close, hit: Hit, listing: Listing) -> None:
        whole, ratio = self.shares(ticket, hit.at), self.factor(ticket, ticket.placed_at, hit.at)
        if not whole:
            self._end_without_a_share(ticket, hit.at)
            return
        left = self._closable(ticket, hit.at) if close.guards else whole
        quantity = self.fillable(ticket, hit, close.side, left)
        if quantity < left:  # a part is counted in shares of the order: whole ones, also after a split
            quantity -= quantity % ratio.numerator
        self.fill(ticket, hit, close.side, quantity, listing)
        self._take_from_guards(ticket, hit.at)
        if quantity == whole:
            ticket.filled = close.quantity
            ticket.end(State.FILLED, ticket.reason, hit.at)
        else:
            ticket.filled += int(quantity / ratio)
            if quantity == left:
                ticket.end(State.CANCELLED, "Its stop or its target has traded the rest.", hit.at)

    def _closable(self, ticket: Ticket, at: datetime) -> int:
        """Return what it would still trade of what is held, as of an instant."""
        symbol, now = ticket.terms.symbol, self.at
        held = self.held(symbol) * ticket.position_side.sign
        older = [
            other
            for other in self.live(symbol)
            if isinstance(other.terms, Close) and other.number < ticket.number
        ]
        free = max(held - sum(self.shares(other, now) for other in older), 0)
        return min(self.shares(ticket, at), int(free / self.factor(ticket, at, now)))

    def _take_from_guards(self, closing: Ticket, at: datetime) -> None:
        """Take from the exits beside it what they cover and is held no more."""
        if not closing.guards:
            return
        live, symbol = self.live(closing.terms.symbol), closing.terms.symbol
        held = int(abs(self.held(symbol)) / self.factor(closing, at, self.at))
        too_many = self.claimed(live, at) - held
        covering = [ticket for ticket in live if ticket.covered]
        for ticket in sorted(covering, key=lambda ticket: ticket.terms.client_id not in closing.guards):
            too_many -= self.uncover(ticket, too_many, at)

    def claimed(self, live: list[Ticket], at: datetime) -> int:
        """Return the shares that exits cover, or closings have taken over from them."""
        return sum(
            self.shares(ticket, at)
            for ticket in live
            if not ticket.guards and (ticket.covered or isinstance(ticket.terms, Close))
        )

    def _end_without_a_share(self, ticket: Ticket, at: datetime) -> None:
        ticket.end(State.CANCELLED, "A reverse split has left less than one share to close.", at)

    def _settle(self, ticket: Ticket, close: Close, settlement: Settlement) -> None:
        """Close what does not trade any more: it is paid out, so nothing slips and nobody is paid for it."""
        whole = self.shares(ticket, self.at)
        quantity = self._closable(ticket, self.at) if close.guards else whole
        if not quantity:
            self._end_without_a_share(ticket, self.at)
            return
        execution = Execution(
            execution_id=f"{close.client_id}{SETTLED}",
            client_id=close.client_id,
            leg=Leg.CLOSE,
            instrument=close.instrument,
            side=close.side,
            quantity=quantity,
            price=settlement.price,
            commission=Decimal(0),
            executed_at=self.at,
            is_settlement=True,
        )
        self.book.fill(ticket, execution, self.at)
        self._take_from_guards(ticket, self.at)
        if quantity == whole:
            ticket.filled = close.quantity
            ticket.end(State.FILLED, settlement.reason, self.at)
        else:
            ticket.filled += int(quantity / self.factor(ticket, ticket.placed_at, self.at))
            ticket.end(State.CANCELLED, settlement.reason, self.at)


def _by_hand(price: Decimal, known: Settlement | None) -> Settlement:
    """Return what a person closes at, with the reason that is known for that very price."""
    if known and known.price == price:
        return known
    return Settlement(price, f"Settled by hand at {price.normalize():f}.")
