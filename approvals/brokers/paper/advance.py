"""How an order goes on by itself: it is worked on what the market did since.

How often it is worked changes nothing: quotes count in the order of their arrival, bars once those before
them have counted, and an order ends only when no quote can arrive any more that still counts.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from approvals.brokers.base import Bracket, Close, Execution, Leg, Side, State
from approvals.brokers.paper import costs, hits
from approvals.brokers.paper.book import Book, Ticket
from approvals.brokers.paper.hits import Hit
from approvals.brokers.paper.market import Bar, Listing, Market, Quotes, factor
from market.prices import Floats, to_instant

INSTANTLY = timedelta(microseconds=1)
DAY = timedelta(days=1)
LATEST = timedelta(hours=26)  # after which no gap is refilled any more: until then a bar may come late


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an order is worked: what is written down, what the market did, and until when it is looked at."""

    book: Book
    market: Market
    at: datetime
    slippage_bps: Decimal

    def work(self, ticket: Ticket) -> None:
        """Bring an order up to date. While a split is being restated nothing is known, so nothing happens."""
        listing = self.market.listing(ticket.terms.symbol)
        if listing is None or listing.is_restating:
            return
        before = replace(ticket)
        if isinstance(ticket.terms, Close):
            self._work_close(ticket, ticket.terms, listing)
        else:
            self._work_bracket(ticket, ticket.terms, listing)
        if ticket != before:
            self.book.change(ticket)

    def shares(self, ticket: Ticket, at: datetime) -> int:
        """What a working closing would trade, or what a bracket's exits cover, restated to an instant."""
        if isinstance(ticket.terms, Close):
            return int(ticket.terms.quantity * self._factor(ticket, ticket.placed_at, at))
        return int(ticket.covered * self._factor(ticket, ticket.covered_at or ticket.placed_at, at))

    def _work_close(self, ticket: Ticket, close: Close, listing: Listing) -> None:
        hit = hits.at_market(close.side, Leg.CLOSE, self._quotes(ticket, ticket.placed_at))
        if hit is None:
            return
        quantity = self.shares(ticket, hit.at)
        if quantity:
            self._fill(ticket, hit, close.side, quantity, listing)
            ticket.state, ticket.ended_at = State.FILLED, hit.at
        else:
            ticket.state, ticket.ended_at = State.CANCELLED, hit.at
            ticket.reason = "A reverse split has left less than one share to close."

    def _work_bracket(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> None:
        if ticket.state is State.WORKING:
            self._enter(ticket, bracket, listing)
        if ticket.covered:
            hit = self._exit(ticket, bracket, listing)
            quantity = self.shares(ticket, hit.at if hit else self.at)
            if hit and quantity:
                self._fill(ticket, hit, bracket.side.opposite, quantity, listing)
            if hit or not quantity:
                ticket.covered = 0

    def _enter(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> None:
        end = min(bracket.good_until, bracket.flat_at or bracket.good_until)
        quotes, is_past = self._quotes(ticket, ticket.placed_at).until(end)
        hit = hits.entry(bracket, quotes)
        if hit:
            self._fill(ticket, hit, bracket.side, bracket.quantity, listing)
            ticket.state, ticket.ended_at, ticket.entered_at = State.FILLED, hit.at, hit.at
            ticket.covered, ticket.covered_at = bracket.quantity, hit.at
            ticket.quotes_until = ticket.looked_until = self.market.bar_end(bracket.symbol, hit.at)
        elif is_past or self.at >= end + listing.lag:
            ticket.state, ticket.ended_at = State.CANCELLED, end
            ticket.reason = f"It was not filled by {end:%Y-%m-%d %H:%M} UTC."

    def _exit(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """By quotes while the bar of the fill lasts (always, without bars), then by bars, then by time."""
        if ticket.looked_until == ticket.quotes_until:
            hit, is_complete = self._exit_by_quotes(ticket, bracket, listing)
            if hit or not is_complete:
                return hit
        return self._exit_by_bars(ticket, bracket) or self._flat(ticket, bracket, listing)

    def _exit_by_quotes(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> tuple[Hit | None, bool]:
        """And whether all quotes are there that may still work the exits."""
        quotes = self._quotes(ticket, ticket.entered_at or ticket.placed_at)
        ends = [end for end in (ticket.quotes_until, bracket.flat_at) if end]
        if not ends:
            return hits.exit_by_quote(bracket, quotes), False
        quotes, is_past = quotes.until(min(ends))
        return hits.exit_by_quote(bracket, quotes), is_past or self.at >= min(ends) + listing.lag

    def _exit_by_bars(self, ticket: Ticket, bracket: Bracket) -> Hit | None:
        if ticket.looked_until is None:
            return None
        until = min(self.at, bracket.flat_at or self.at)
        since = min(ticket.looked_until, max(ticket.quotes_until or ticket.looked_until, self.at - LATEST))
        for bar in self._bars(ticket, since, until):
            ticket.looked_until = max(bar.closed_at, ticket.looked_until)
            if hit := hits.exit_by_bar(bracket, bar):
                return hit
        return None

    def _flat(self, ticket: Ticket, bracket: Bracket, listing: Listing) -> Hit | None:
        """What is held at `flat_at` ends at the last price before, once it is certain which one that is.

        Certain: the bars go on from there and no quote from before can come any more. After an outage that
        lasts until the bars are fetched; a day later it is not waited for any longer.
        """
        flat_at, entered_at = bracket.flat_at, ticket.entered_at
        if flat_at is None or entered_at is None or self.at < flat_at:
            return None
        quotes, is_past = self._quotes(ticket, entered_at - INSTANTLY).until(flat_at + INSTANTLY)
        bars = self._bars(ticket, flat_at - DAY, self.at)
        has_bars = ticket.quotes_until is None or (bool(bars) and bars[-1].closed_at >= flat_at)
        has_quotes = is_past or self.at >= flat_at + listing.lag
        if (has_bars and has_quotes) or self.at >= flat_at + DAY:
            return hits.flat(bracket, flat_at, quotes, bars)
        return None

    def _fill(self, ticket: Ticket, hit: Hit, side: Side, quantity: int, listing: Listing) -> None:
        execution = Execution(
            execution_id=f"{ticket.terms.client_id}-{_part(hit.leg)}",
            client_id=ticket.terms.client_id,
            leg=hit.leg,
            symbol=ticket.terms.symbol,
            side=side,
            quantity=quantity,
            price=self._price(ticket, hit, side, listing),
            commission=costs.commission(quantity),
            executed_at=hit.at,
        )
        self.book.fill(ticket, execution, self.at)

    def _price(self, ticket: Ticket, hit: Hit, side: Side, listing: Listing) -> Decimal:
        """Return what the hit costs, on the basis of its own day, on a tick."""
        tick = listing.tick_size or costs.BASIS_POINT
        ratio = self._factor(ticket, ticket.placed_at, hit.at)
        price = _divided(Decimal(f"{hit.price:.6f}"), ratio)
        if not hit.is_limit:
            price = costs.slipped(price, side, self.slippage_bps)
        price = costs.on_tick(price, side, tick)
        if hit.leg in (Leg.ENTRY, Leg.TARGET) and isinstance(ticket.terms, Bracket):
            limit = ticket.terms.limit_price if hit.leg is Leg.ENTRY else ticket.terms.take_profit
            price = costs.never_beyond(price, _divided(limit, ratio), side)
        return price.quantize(Decimal("0.000001"))

    def _factor(self, ticket: Ticket, since: datetime, until: datetime) -> Fraction:
        return factor(self.market.restatings(ticket.terms.symbol, ticket.placed_at), since, until)

    def _quotes(self, ticket: Ticket, since: datetime) -> Quotes:
        """On the order's basis."""
        quotes = self.market.quotes(ticket.terms.symbol, since)
        ratios = self._ratios(ticket, quotes)
        return replace(quotes, price=quotes.price * ratios, half_spread=quotes.half_spread * ratios)

    def _ratios(self, ticket: Ticket, quotes: Quotes) -> Floats:
        ratios = np.ones(len(quotes))
        for restating in self.market.restatings(ticket.terms.symbol, ticket.placed_at):
            ratios[quotes.as_of >= to_instant(restating.at)] *= float(restating.ratio)
        return ratios

    def _bars(self, ticket: Ticket, since: datetime, until: datetime) -> list[Bar]:
        """On the order's basis."""
        bars = self.market.bars(ticket.terms.symbol, since, until)
        return [_times(bar, float(self._factor(ticket, ticket.placed_at, bar.opened_at))) for bar in bars]


def _times(bar: Bar, ratio: float) -> Bar:
    if ratio == 1:
        return bar
    prices = (bar.open * ratio, bar.high * ratio, bar.low * ratio, bar.close * ratio)
    return Bar(bar.opened_at, bar.closed_at, *prices)


def _divided(price: Decimal, ratio: Fraction) -> Decimal:
    return price * ratio.denominator / ratio.numerator


def _part(leg: Leg) -> str:
    """Return which execution of its order this is: its exits have one together, so that two never happen."""
    return leg.value if leg in (Leg.ENTRY, Leg.CLOSE) else "exit"
