"""How an order goes on by itself: worked on what the market did since, what fills it, and what that costs.

How often it is worked changes nothing: quotes count in the order of their arrival, a bar once the quotes that
lie in it have counted, a quote once the bars before it have, and an order ends only when no quote can arrive
any more that still counts. What reaches one of its prices first fills it, as far as there were shares for it;
of two orders that there were too few for, the older one goes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from approvals.brokers.base import Bracket, Close, Execution, Leg, State
from approvals.brokers.paper import hits
from approvals.brokers.paper.book import Ticket
from approvals.brokers.paper.floor import INSTANTLY, Floor
from approvals.brokers.paper.hits import Hit
from approvals.brokers.paper.market import Bar, Listing, Quotes, Settlement

DAY = timedelta(days=1)
SETTLED = "-settled"  # the end of such an execution's id
LATEST = timedelta(hours=26)  # after which no gap is refilled any more: until then a bar may come late


@dataclass(frozen=True, slots=True)
class Desk(Floor):
    """Where an order is worked: what it meets, in its order."""

    def work(self, ticket: Ticket) -> None:
        """Bring an order up to date. While a split is being restated, or in a halt, nothing happens.

        What traded before is made up for then.
        """
        listing = self.market.listing(ticket.terms.symbol)
        if listing is None or listing.is_restating or listing.is_halted:
            return
        before = replace(ticket)
        if isinstance(ticket.terms, Close):
            self._work_close(ticket, ticket.terms, listing)
        else:
            self._work_bracket(ticket, ticket.terms, listing)
        if ticket != before:
            self.book.change(ticket)

    def shares(self, ticket: Ticket, at: datetime) -> int:
        """What a working closing would still trade, or what exits cover, restated to an instant."""
        if isinstance(ticket.terms, Close):
            left = ticket.terms.quantity - ticket.filled
            return int(left * self.factor(ticket, ticket.placed_at, at))
        return int(ticket.covered * self.factor(ticket, ticket.covered_at or ticket.placed_at, at))

    # --- closings -----------------------------------------------------------------------------------------

    def _work_close(self, ticket: Ticket, close: Close, listing: Listing) -> None:
        if close.price is not None:
            self._settle(ticket, close, _by_hand(close.price, listing.settlement))
            return
        while ticket.state is State.WORKING:
            hit = hits.market_hit(close.side, Leg.CLOSE, self.quotes(ticket, ticket.since, listing))
            if hit is None:
                if listing.settlement:
                    self._settle(ticket, close, listing.settlement)
                return
            self._close_part(ticket, close, hit, listing)

    def _close_part(self, ticket: Ticket, close: Close, hit: Hit, listing: Listing) -> None:
        left, ratio = self.shares(ticket, hit.at), self.factor(ticket, ticket.placed_at, hit.at)
        if not left:
            self._end_without_a_share(ticket, hit.at)
            return
        quantity = self.fillable(ticket, hit, close.side, left)
        if quantity < left:  # a part is counted in shares of the order: whole ones, also after a split
            quantity -= quantity % ratio.numerator
        self.fill(ticket, hit, close.side, quantity, listing)
        if quantity == left:
            ticket.filled = close.quantity
            ticket.state, ticket.ended_at = State.FILLED, hit.at
        else:
            ticket.filled += int(quantity / ratio)

    def _end_without_a_share(self, ticket: Ticket, at: datetime) -> None:
        ticket.state, ticket.ended_at = State.CANCELLED, at
        ticket.reason = "A reverse split has left less than one share to close."

    def _settle(self, ticket: Ticket, close: Close, settlement: Settlement) -> None:
        """Close what does not trade any more: it is paid out, so nothing slips and nobody is paid for it."""
        quantity = self.shares(ticket, self.at)
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
        ticket.filled = close.quantity
        ticket.state, ticket.ended_at, ticket.reason = State.FILLED, self.at, settlement.reason

    # --- entries and their exits --------------------------------------------------------------------------

    def _work_bracket(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> None:
        """Let entry and exits happen in their order: a part that was entered may end before the next one."""
        while ticket.is_live:
            entry = self._entry(ticket, bracket, listing) if ticket.state is State.WORKING else None
            out = self._exit(ticket, bracket, listing) if ticket.covered else None
            if out and (entry is None or out.row <= entry.row):
                self._leave(ticket, bracket, out, listing)
            elif entry and not self._is_early(ticket, entry, listing):
                self._enter(ticket, bracket, entry, listing)
            else:
                break
        if not self.shares(ticket, self.at):  # a reverse split has left less than one
            ticket.covered = 0

    def _entry(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """Return what fills the entry next; it ends here once nothing can any more."""
        end = min(bracket.good_until, bracket.flat_at or bracket.good_until)
        quotes, is_past = self.quotes(ticket, ticket.since, listing).until(end)
        hit = hits.entry_hit(bracket, quotes)
        if hit is None and (is_past or self.at >= end + listing.lag):
            so_far = f" {ticket.filled} of {bracket.quantity} were." if ticket.filled else ""
            self._end_entry(ticket, f"It was not filled by {end:%Y-%m-%d %H:%M} UTC.{so_far}", end)
        return hit

    def _end_entry(self, ticket: Ticket, reason: str, at: datetime) -> None:
        ticket.state, ticket.ended_at, ticket.reason = State.CANCELLED, at, reason

    def _enter(self, ticket: Ticket, bracket: Bracket, hit: Hit, listing: Listing) -> None:
        quantity = self.fillable(ticket, hit, bracket.side, bracket.quantity - ticket.filled)
        covered = self.shares(ticket, hit.at)
        self.fill(ticket, hit, bracket.side, quantity, listing)
        if not quantity:
            return
        ticket.filled += quantity
        ticket.entered_at = ticket.entered_at or hit.at
        ticket.covered, ticket.covered_at = covered + quantity, hit.at
        ticket.quotes_until = ticket.looked_until = self.market.bar_end(bracket.symbol, hit.at)
        if ticket.filled == bracket.quantity:
            ticket.state, ticket.ended_at = State.FILLED, hit.at

    def _leave(self, ticket: Ticket, bracket: Bracket, hit: Hit, listing: Listing) -> None:
        """Sell what the exits cover; what is not entered by then, is not entered any more."""
        out, held = bracket.side.opposite, self.shares(ticket, hit.at)
        quantity = self.fillable(ticket, hit, out, held)
        self.fill(ticket, hit, out, quantity, listing)
        ticket.exited += quantity
        ticket.covered, ticket.covered_at = held - quantity, hit.at
        if hit.leg is Leg.STOP:
            ticket.is_stopped = True
        if ticket.state is State.WORKING:
            self._end_entry(ticket, f"Its {hit.leg} was reached: the rest is not entered.", hit.at)

    def _exit(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """Bar by bar: the quotes that lie in one, then the bar itself; at the end the time to be flat."""
        quotes = self._exit_quotes(ticket, bracket, listing)
        for bar in self._exit_bars(ticket, min(self.at, bracket.flat_at or self.at), listing):
            inside, is_past = quotes.until(bar.closed_at)
            if hit := self._quote_exit(ticket, bracket, inside):
                return None if self._is_early(ticket, hit, listing) else hit
            if not is_past and self.at < bar.closed_at + listing.lag:
                return None
            if hit := _bar_exit(ticket, bracket, bar, len(inside)):
                return hit
            ticket.looked_until = max(bar.closed_at, ticket.looked_until or bar.closed_at)
            quotes = quotes.only_from(ticket.looked_until)
        if hit := self._quote_exit(ticket, bracket, quotes):
            return None if self._is_early(ticket, hit, listing) else hit
        return self._flat(ticket, bracket, listing)

    def _exit_quotes(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Quotes:
        """Return the quotes that may work the exits: in bars that were looked at already, they have.

        While the entry works, in the same rows as for it, which tell what came first.
        """
        since, looked_until = ticket.since, ticket.looked_until
        has_looked = looked_until is not None and looked_until != ticket.quotes_until
        if looked_until and has_looked and ticket.state is not State.WORKING:
            since = max(since, looked_until - INSTANTLY)
        quotes = self.quotes(ticket, since, listing)
        if looked_until and has_looked:
            quotes = quotes.only_from(looked_until)
        return quotes.until(bracket.flat_at)[0] if bracket.flat_at else quotes

    def _exit_bars(self, ticket: Ticket, until: datetime, listing: Listing) -> Sequence[Bar]:
        if ticket.looked_until is None:
            return []
        first = max(ticket.quotes_until or ticket.looked_until, self.at - LATEST)
        since = max(min(ticket.looked_until, first), ticket.since)
        return self.bars(ticket, since, until, listing)

    def _quote_exit(self, ticket: Ticket, bracket: Bracket, quotes: Quotes) -> Hit | None:
        if ticket.is_stopped:
            return hits.market_hit(bracket.side.opposite, Leg.STOP, quotes)
        return hits.exit_hit(bracket, quotes)

    def _is_early(self, ticket: Ticket, hit: Hit, listing: Listing) -> bool:
        """Return whether a bar from before a quote may still come that the exits were to be worked by."""
        if not ticket.covered or ticket.looked_until is None or hit.until < ticket.looked_until:
            return False
        end = self.market.bar_end(ticket.terms.symbol, ticket.looked_until)
        return (end is None or end < hit.until) and self.at < hit.until + listing.lag

    def _flat(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """What is held at `flat_at` ends at the last price before, once it is certain which one that is.

        Certain: the bars go on from there and no quote from before can come any more. After an outage that
        lasts until the bars are fetched; a day later it is not waited for any longer.
        """
        flat_at, entered_at = bracket.flat_at, ticket.entered_at
        if flat_at is None or entered_at is None or self.at < flat_at:
            return None
        quotes, is_past = self.quotes(ticket, entered_at - INSTANTLY, listing).until(flat_at + INSTANTLY)
        bars = self.bars(ticket, flat_at - DAY, self.at, listing)
        has_bars = ticket.quotes_until is None or (bool(bars) and bars[-1].closed_at >= flat_at)
        has_quotes = is_past or self.at >= flat_at + listing.lag
        if (has_bars and has_quotes) or self.at >= flat_at + DAY:
            return hits.flat_hit(bracket, flat_at, quotes, bars)
        return None


def _bar_exit(ticket: Ticket, bracket: Bracket, bar: Bar, row: int) -> Hit | None:
    """Return what a bar does to the exits; nothing trades in one without volume."""
    if bar.volume == 0:
        return None
    if ticket.is_stopped:
        return hits.bar_market_hit(bracket, Leg.STOP, bar, row)
    return hits.bar_exit_hit(bracket, bar, row)


def _by_hand(price: Decimal, known: Settlement | None) -> Settlement:
    """Return what a person closes at, with the reason that is known for that very price."""
    if known and known.price == price:
        return known
    return Settlement(price, f"Settled by hand at {price.normalize():f}.")
