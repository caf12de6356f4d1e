"""How an order goes on by itself: worked on what the market did since, what fills it, and what that costs.

How often it is worked changes nothing: quotes count in the order of their arrival, a bar once the quotes that
lie in it have counted, a quote once the bars before it have, and an order ends only when no quote can arrive
any more that still counts. What reaches one of its prices first fills it, as far as there were shares for it;
of two orders that there were too few for, the older one goes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from approvals.brokers.base import Bracket, Close, Leg, Protection, State
from approvals.brokers.paper import hits
from approvals.brokers.paper.book import Ticket
from approvals.brokers.paper.closing import Closings
from approvals.brokers.paper.floor import INSTANTLY
from approvals.brokers.paper.hits import Hit
from approvals.brokers.paper.levels import Exits
from approvals.brokers.paper.market import Bar, Listing, Quotes

DAY = timedelta(days=1)
LATEST = timedelta(hours=26)  # after which no gap is refilled any more: until then a bar may come late


@dataclass(frozen=True, slots=True)
class Desk(Closings):
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
            self.work_close(ticket, ticket.terms, listing)
        else:
            self._work_exits(ticket, ticket.terms, listing)
        if ticket != before:
            self.book.change(ticket)

    # --- entries and their exits --------------------------------------------------------------------------

    def _work_exits(self, ticket: Ticket, terms: Bracket | Protection, listing: Listing) -> None:
        """Let entry and exits happen in their order: a part that was entered may end before the next one."""
        while ticket.is_live:
            entry = self._entry(ticket, terms, listing) if isinstance(terms, Bracket) else None
            out = self._exit(ticket, listing) if ticket.covered else None
            if out and (entry is None or out.row <= entry.row):
                if self.is_before(ticket, out, listing):
                    break
                self._leave(ticket, out, listing)
            elif entry and isinstance(terms, Bracket) and not self._is_early(ticket, entry, listing):
                self._enter(ticket, terms, entry, listing)
            else:
                break
        if ticket.covered and not self.shares(ticket, self.at):  # a reverse split has left less than one
            ticket.covered = 0
            if isinstance(terms, Protection):
                ticket.end(State.CANCELLED, "A reverse split has left less than one share to guard.", self.at)

    def _entry(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """Return what fills the entry next; it ends here once nothing can any more."""
        if ticket.state is not State.WORKING:
            return None
        end = min(bracket.good_until, bracket.flat_at or bracket.good_until)
        quotes, is_past = self.quotes(ticket, ticket.since, listing).until(end)
        hit = hits.entry_hit(bracket.side, self.steps(ticket, Leg.ENTRY), quotes)
        if hit is None and (is_past or self.at >= end + listing.lag):
            so_far = f" {ticket.filled} of {bracket.quantity} were." if ticket.filled else ""
            reason = f"It was not filled by {end:%Y-%m-%d %H:%M} UTC.{so_far}"
            ticket.end(State.CANCELLED, reason, end)
        return hit

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
            ticket.end(State.FILLED, ticket.reason, hit.at)

    def _leave(self, ticket: Ticket, hit: Hit, listing: Listing) -> None:
        """Sell what the exits cover; what is not entered by then, is not entered any more."""
        out, held = ticket.position_side.opposite, self.shares(ticket, hit.at)
        quantity = self.fillable(ticket, hit, out, held)
        self.fill(ticket, hit, out, quantity, listing)
        ticket.exited += quantity
        ticket.covered, ticket.covered_at = held - quantity, hit.at
        if hit.leg is Leg.STOP:
            ticket.is_stopped = True
        if isinstance(ticket.terms, Protection):
            self._count(ticket, quantity, hit.at)
        elif ticket.state is State.WORKING:
            ticket.end(State.CANCELLED, f"Its {hit.leg} was reached: the rest is not entered.", hit.at)

    def _count(self, ticket: Ticket, quantity: int, at: datetime) -> None:
        """Count what a protection has traded, in shares of the day on which it was placed."""
        if ticket.covered:
            traded = int(quantity / self.factor(ticket, ticket.placed_at, at))
            ticket.filled = min(ticket.filled + traded, ticket.terms.quantity - 1)
        else:
            ticket.filled = ticket.terms.quantity
            ticket.end(State.FILLED, "", at)

    def _exit(self, ticket: Ticket, listing: Listing) -> Hit | None:
        """Bar by bar: the quotes that lie in one, then the bar itself; at the end the time to be flat."""
        exits, flat_at = self.exits(ticket), _flat_at(ticket)
        quotes = self._exit_quotes(ticket, listing)
        for bar in self._exit_bars(ticket, min(self.at, flat_at or self.at), listing):
            inside, is_past = quotes.until(bar.closed_at)
            if hit := _quote_exit(ticket, exits, inside):
                return None if self._is_early(ticket, hit, listing) else hit
            if not is_past and self.at < bar.closed_at + listing.lag:
                return None
            if hit := _bar_exit(ticket, exits, bar, len(inside)):
                return hit
            ticket.looked_until = max(bar.closed_at, ticket.looked_until or bar.closed_at)
            quotes = quotes.only_from(ticket.looked_until)
        if hit := _quote_exit(ticket, exits, quotes):
            return None if self._is_early(ticket, hit, listing) else hit
        return self._flat(ticket, flat_at, listing)

    def _exit_quotes(self, ticket: Ticket, listing: Listing) -> Quotes:
        """Return the quotes that may work the exits: in bars that were looked at already, they have.

        While the entry works, in the same rows as for it, which tell what came first.
        """
        since, looked_until, flat_at = ticket.since, ticket.looked_until, _flat_at(ticket)
        has_looked = looked_until is not None and looked_until != ticket.quotes_until
        if looked_until and has_looked and not ticket.works_entry:
            since = max(since, looked_until - INSTANTLY)
        quotes = self.quotes(ticket, since, listing)
        if looked_until and has_looked:
            quotes = quotes.only_from(looked_until)
        return quotes.until(flat_at)[0] if flat_at else quotes

    def _exit_bars(self, ticket: Ticket, until: datetime, listing: Listing) -> Sequence[Bar]:
        if ticket.looked_until is None:
            return []
        first = max(ticket.quotes_until or ticket.looked_until, self.at - LATEST)
        since = max(min(ticket.looked_until, first), ticket.since)
        return self.bars(ticket, since, until, listing)

    def _is_early(self, ticket: Ticket, hit: Hit, listing: Listing) -> bool:
        """Return whether a bar from before a quote may still come that the exits were to be worked by."""
        if not ticket.covered or ticket.looked_until is None or hit.until < ticket.looked_until:
            return False
        end = self.market.bar_end(ticket.terms.symbol, ticket.looked_until)
        return (end is None or end < hit.until) and self.at < hit.until + listing.lag

    def _flat(self, ticket: Ticket, flat_at: datetime | None, listing: Listing) -> Hit | None:
        """What is held at `flat_at` ends at the last price before, once it is certain which one that is.

        Certain: the bars go on from there and no quote from before can come any more. After an outage that
        lasts until the bars are fetched; a day later it is not waited for any longer.
        """
        entered_at = ticket.entered_at
        if flat_at is None or entered_at is None or self.at < flat_at:
            return None
        quotes, is_past = self.quotes(ticket, entered_at - INSTANTLY, listing).until(flat_at + INSTANTLY)
        bars = self.bars(ticket, flat_at - DAY, self.at, listing)
        has_bars = ticket.quotes_until is None or (bool(bars) and bars[-1].closed_at >= flat_at)
        has_quotes = is_past or self.at >= flat_at + listing.lag
        if (has_bars and has_quotes) or self.at >= flat_at + DAY:
            return hits.flat_hit(ticket.position_side, flat_at, quotes, bars)
        return None


def _flat_at(ticket: Ticket) -> datetime | None:
    return ticket.terms.flat_at if isinstance(ticket.terms, Bracket) else None


def _quote_exit(ticket: Ticket, exits: Exits, quotes: Quotes) -> Hit | None:
    if ticket.is_stopped:
        return hits.market_hit(exits.side.opposite, Leg.STOP, quotes)
    return hits.exit_hit(exits, quotes, ticket.since)


def _bar_exit(ticket: Ticket, exits: Exits, bar: Bar, row: int) -> Hit | None:
    """Return what a bar does to the exits; nothing trades in one without volume."""
    if bar.volume == 0:
        return None
    if ticket.is_stopped:
        return hits.bar_market_hit(exits.side, Leg.STOP, bar, row)
    return hits.bar_exit_hit(exits, bar, row)
