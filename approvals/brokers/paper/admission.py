"""What is taken and what is refused, in words: entries, closings, protections, and changes of what works."""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from approvals.brokers.base import Bracket, Close, Leg, OrderRefused, Protection, Side
from approvals.brokers.paper.advance import Desk
from approvals.brokers.paper.book import Opening, Ticket
from approvals.brokers.paper.levels import Change

EXITS = (Leg.STOP, Leg.TARGET)


@dataclass(frozen=True, slots=True)
class Admission(Desk):
    """Where orders are taken. Each call raises OrderRefused, and has changed nothing then."""

    def refuse_entry(self, order: Bracket, opening: Opening) -> None:
        listing = self.market.listing(order.symbol)
        if listing is None:
            raise OrderRefused(f"{order.symbol} is not known here. Put it on the watchlist first.")
        if not listing.tick_size:
            raise OrderRefused(f"{order.symbol} has no tick size. Set it on the instrument's page first.")
        if listing.currency != opening.currency:
            raise OrderRefused(
                f"{order.symbol} trades in {listing.currency} and the account holds {opening.currency}. "
                f"Trade it from an account in {listing.currency}."
            )
        if order.quantity <= 0 or not _in_order(
            order.side, order.stop_loss, order.limit_price, order.take_profit
        ):
            raise OrderRefused("The limit must lie between the stop and the target, for one share at least.")
        if order.good_until <= self.at:
            raise OrderRefused(
                f"It was good until {order.good_until:%Y-%m-%d %H:%M} UTC. Give it a later end."
            )
        self._refuse_other_side(order)

    def _refuse_other_side(self, order: Bracket) -> None:
        """An entry never closes or turns a position, and exits of two sides never stand side by side."""
        held = self.held(order.symbol)
        if held * order.side.sign < 0:
            raise OrderRefused(f"The account holds {held} {order.symbol}. Close them before the other side.")
        for ticket in self.live(order.symbol):
            if not isinstance(ticket.terms, Close) and ticket.position_side is not order.side:
                raise OrderRefused(
                    f"Order {ticket.terms.client_id} works on the other side. Cancel it first."
                )

    # --- closings -----------------------------------------------------------------------------------------

    def take_over(self, order: Close) -> None:
        """Refuse what would open or turn a position; take its shares from exits that are not its guards."""
        held, live = self.held(order.symbol), self.live(order.symbol)
        closing = self._being_closed(live)
        if order.quantity <= 0 or held * order.side.sign >= 0 or order.quantity > abs(held) - closing:
            raise OrderRefused(
                f"The account holds {held} {order.symbol}, of which {closing} are being closed already: "
                f"{order.side} {order.quantity} would do more than close them. Lower the quantity."
            )
        covering = [ticket for ticket in live if ticket.covered]
        beside = [ticket for ticket in covering if ticket.terms.client_id in order.guards]
        left = order.quantity - max(abs(held) - self.claimed(live, self.at), 0)
        left -= sum(self.shares(ticket, self.at) for ticket in beside)
        for ticket in covering:
            if ticket not in beside:
                left -= self.uncover(ticket, left, self.at)

    def _being_closed(self, live: list[Ticket]) -> int:
        return sum(self.shares(ticket, self.at) for ticket in live if isinstance(ticket.terms, Close))

    # --- protections --------------------------------------------------------------------------------------

    def protected(self, order: Protection) -> Ticket:
        """Return the order for exits of shares that nothing else guards or closes; those it replaces end."""
        if self.market.listing(order.symbol) is None:
            raise OrderRefused(f"{order.symbol} is not known here. Put it on the watchlist first.")
        levels = [level for level in (order.stop_loss, order.take_profit) if level is not None]
        if order.quantity <= 0 or not levels or not _in_order(order.side.opposite, *_exits(order)):
            raise OrderRefused("Give a stop, or a target beyond it, or both, for one share at least.")
        before = self._replaced(order)
        held, live = self.held(order.symbol), self.live(order.symbol)
        kept = self.shares(before, self.at) if before else 0
        claimed = self.claimed(live, self.at) - kept
        if held * order.side.sign >= 0 or order.quantity > abs(held) - claimed:
            raise OrderRefused(
                f"The account holds {held} {order.symbol}, of which {max(claimed, 0)} are guarded or being "
                f"closed already: {order.side} {order.quantity} would do more. Lower the quantity."
            )
        if before:
            self.uncover(before, kept, self.at)
        end = self.market.bar_end(order.symbol, self.at)
        return Ticket(
            order, self.at, covered=order.quantity, covered_at=self.at, quotes_until=end, looked_until=end
        )

    def _replaced(self, order: Protection) -> Ticket | None:
        """Return the order whose exits end as these begin."""
        if order.cancels is None:
            return None
        before = self.book.ticket(order.cancels)
        if before is None:
            raise OrderRefused(f"There is no order {order.cancels} whose exits these could replace.")
        return before

    # --- changes ------------------------------------------------------------------------------------------

    def changed(self, ticket: Ticket, change: Change) -> Ticket:
        """Return the order as it stands with the change.

        A stop or a target beyond the price is taken: it is executed at the next quote.
        """
        self._refuse_change(ticket, change)
        last = max((earlier.at for earlier in ticket.changes), default=self.at)
        change = replace(change, at=max(change.at, last))
        after = replace(ticket, changes=(*ticket.changes, change))
        if change.quantity is not None:
            self._resize(after, change.leg, change.quantity)
        levels = [self.level(after, leg) for leg in (Leg.STOP, Leg.ENTRY, Leg.TARGET)]
        if not ticket.works_entry:
            levels[1] = None
        if not _in_order(ticket.position_side, *levels):
            raise OrderRefused(
                "The stop, the limit of what is not entered yet and the target must be in order."
            )
        return after

    def _refuse_change(self, ticket: Ticket, change: Change) -> None:
        leg = change.leg
        works = ticket.works_entry if leg is Leg.ENTRY else bool(ticket.covered) or ticket.works_entry
        if leg not in (Leg.ENTRY, *EXITS) or ticket.first_level(leg) is None or not works:
            raise OrderRefused(f"There is no {leg} of it that works. Look how the order stands.")
        if leg in EXITS and ticket.is_stopped:
            raise OrderRefused("Its stop was hit: what is left is traded at the market.")
        if change.level is None and change.quantity is None:
            raise OrderRefused("Give another level or another quantity.")
        if (change.level is not None and change.level <= 0) or (
            change.quantity is not None and change.quantity <= 0
        ):
            raise OrderRefused("A level and a quantity must be above zero.")

    def _resize(self, ticket: Ticket, leg: Leg, quantity: int) -> None:
        """Let the entry ask for so many shares, or the stop and the target guard them: both of them do."""
        if leg is Leg.ENTRY:
            if quantity <= ticket.filled:
                raise OrderRefused(f"{ticket.filled} shares are filled already: cancel what is left instead.")
            ticket.terms = replace(ticket.terms, quantity=quantity)
            return
        if ticket.works_entry:
            raise OrderRefused("Its exits guard what is entered: change the quantity of the entry.")
        covered = self.shares(ticket, self.at)
        held, live = abs(self.held(ticket.terms.symbol)), self.live(ticket.terms.symbol)
        wanted = quantity - sum(part.quantity for part in self.book.fills(ticket) if part.leg is leg)
        if not 0 < wanted <= covered + held - self.claimed(live, self.at):
            raise OrderRefused(
                f"{covered} shares are left to guard, and others are not free. Give another number."
            )
        ticket.covered, ticket.covered_at = wanted, self.at
        if isinstance(ticket.terms, Protection):
            left = int(wanted / self.factor(ticket, ticket.placed_at, self.at))
            ticket.terms = replace(ticket.terms, quantity=ticket.filled + max(left, 1))


def _exits(order: Protection) -> tuple[Decimal | None, Decimal | None]:
    return order.stop_loss, order.take_profit


def _in_order(side: Side, *levels: Decimal | None) -> bool:
    """Return whether levels, where there is one, lie one beyond the other from the stop to the target."""
    present = [level for level in levels if level is not None]
    in_order = present if side is Side.BUY else present[::-1]
    return all(level > 0 for level in present) and all(a < b for a, b in pairwise(in_order))
