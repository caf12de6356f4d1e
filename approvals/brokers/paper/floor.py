"""The market as an order meets it, on its own share basis, and what it takes of it: shares, at a price."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from approvals.brokers.base import Close, Execution, Leg, Protection, Side
from approvals.brokers.paper import account, hits
from approvals.brokers.paper.book import Book, Ticket
from approvals.brokers.paper.costs import BASIS_POINT, FINEST, Costs, never_beyond, on_tick, slipped
from approvals.brokers.paper.hits import Hit
from approvals.brokers.paper.levels import Exits, Steps
from approvals.brokers.paper.market import Bar, Listing, Market, Quotes, factor, restated
from market.prices import Floats, to_instant

INSTANTLY = timedelta(microseconds=1)
FINEST_PRICE = Decimal("0.000001")
LATELY = timedelta(minutes=5)
LONGEST_WEEKEND = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Floor:
    """What is written down, what the market did, until when it is looked at, and what it costs."""

    book: Book
    market: Market
    at: datetime
    costs: Costs

    def fillable(self, ticket: Ticket, hit: Hit, side: Side, wanted: int) -> int:
        """Return for how many shares there were others: those shown, or a share of what traded.

        What orders of ours have taken of them already is taken. At `flat_at` the closing auction takes all.
        """
        if hit.leg is Leg.FLAT:
            return wanted
        if hit.shown is not None:
            return self._left(ticket, side, hit.shown, hit.at - INSTANTLY, hit.at, wanted)
        bar = hit.bar or self._bar_before(ticket, hit.at)
        if bar is None or np.isnan(bar.volume):
            return wanted
        most = float(self.costs.volume_share) * bar.volume
        return self._left(ticket, side, most, bar.opened_at - INSTANTLY, max(bar.closed_at, hit.at), wanted)

    def _left(
        self, ticket: Ticket, side: Side, most: float, since: datetime, until: datetime, wanted: int
    ) -> int:
        taken = self.book.traded(ticket, side, since, until)
        return max(min(wanted, int(most + hits.EPSILON) - taken), 0)

    def _bar_before(self, ticket: Ticket, at: datetime) -> Bar | None:
        """Return the last bar that is known for certain at an instant."""
        listing = self.market.listing(ticket.terms.symbol)
        until = at - listing.lag if listing else at
        bars = self.market.bars(ticket.terms.symbol, until - LONGEST_WEEKEND, until)
        return bars[-1] if bars else None

    def fill(self, ticket: Ticket, hit: Hit, side: Side, quantity: int, listing: Listing) -> None:
        """Write down what was executed; also without a share of it, what traded by then is used up."""
        ticket.worked_until = hit.until
        if not quantity:
            return
        price = self._price(ticket, hit, side, listing)
        before = [each for each in self.book.fills(ticket) if each.side is side]
        part = _part(hit.leg)
        execution = Execution(
            execution_id=f"{ticket.terms.client_id}-{part}" + (f"-{len(before) + 1}" if before else ""),
            client_id=ticket.terms.client_id,
            leg=hit.leg,
            instrument=ticket.terms.instrument,
            side=side,
            quantity=quantity,
            price=price,
            commission=self._commission(before, quantity, price, side),
            executed_at=hit.at,
        )
        self.book.fill(ticket, execution, self.at)

    def _commission(self, before: Sequence[Execution], quantity: int, price: Decimal, side: Side) -> Decimal:
        """Return what an order owes for its next part: its minimum is one for all of its parts."""
        shares = sum(each.quantity for each in before)
        value = sum((each.quantity * each.price for each in before), Decimal(0))
        paid = sum((each.commission or Decimal(0) for each in before), Decimal(0))
        due = self.costs.schedule.due(shares + quantity, value + quantity * price, side)
        return max(due.quantize(FINEST) - paid, Decimal(0))

    def _price(self, ticket: Ticket, hit: Hit, side: Side, listing: Listing) -> Decimal:
        """Return what the hit costs, on the basis of its own day, on a tick."""
        ratio = self.factor(ticket, ticket.placed_at, hit.at)
        price = _divided(Decimal(f"{hit.price:.6f}"), ratio)
        if not hit.is_limit:
            price = slipped(price, side, self.costs.slippage_bps)
        price = on_tick(price, side, _tick(listing))
        if hit.limit is not None:
            price = never_beyond(price, _divided(Decimal(f"{hit.limit:.6f}"), ratio), side)
        return price.quantize(FINEST_PRICE)

    def factor(self, ticket: Ticket, since: datetime, until: datetime) -> Fraction:
        return factor(self.market.restatings(ticket.terms.symbol, ticket.placed_at), since, until)

    def shares(self, ticket: Ticket, at: datetime) -> int:
        """What a working closing would still trade, or what exits cover, restated to an instant."""
        if isinstance(ticket.terms, Close):
            left = ticket.terms.quantity - ticket.filled
            return self.restated(left, ticket, ticket.placed_at, at)
        return self.restated(ticket.covered, ticket, ticket.covered_at or ticket.placed_at, at)

    def live(self, symbol: str) -> list[Ticket]:
        return [ticket for ticket in self.book.live() if ticket.terms.symbol == symbol]

    def held(self, symbol: str) -> int:
        """Return the shares that the account holds of a symbol; negative when short."""
        executions = [execution for execution in self.book.executions() if execution.symbol == symbol]
        if not executions:
            return 0
        restatings = self.market.restatings(symbol, executions[0].executed_at)
        return account.position(executions, restatings, self.at).shares

    def level(self, ticket: Ticket, leg: Leg) -> Decimal | None:
        """Return where a leg stands now, on today's basis."""
        moved = ticket.moved(leg)
        level, since = (moved.level, moved.at) if moved else (ticket.first_level(leg), ticket.placed_at)
        return (
            None
            if level is None
            else _divided(level, self.factor(ticket, since, self.at)).quantize(FINEST_PRICE)
        )

    def steps(self, ticket: Ticket, leg: Leg) -> Steps:
        """Return where a leg stood over time, on the basis of the order; what protects has a beginning."""
        moves = [
            (change.at, float(change.level) * float(self.factor(ticket, ticket.placed_at, change.at)))
            for change in ticket.changes
            if change.leg is leg and change.level is not None
        ]
        level = ticket.first_level(leg)
        first = math.nan if level is None else float(level)
        if isinstance(ticket.terms, Protection):
            return Steps(math.nan, ((ticket.placed_at, first), *moves))
        return Steps(first, tuple(moves))

    def exits(self, ticket: Ticket) -> Exits:
        return Exits(ticket.position_side, self.steps(ticket, Leg.STOP), self.steps(ticket, Leg.TARGET))

    def restated(self, shares: int, ticket: Ticket, since: datetime, until: datetime) -> int:
        return restated(shares, self.market.restatings(ticket.terms.symbol, ticket.placed_at), since, until)

    def quotes(self, ticket: Ticket, since: datetime, listing: Listing) -> Quotes:
        """Return the quotes later than `since`, on the order's basis, with a book around each.

        What was placed or filled while the clock was ahead is worked by the quotes that come now.
        """
        since = since if since <= self.at else self.at - LATELY
        quotes = self.market.quotes(ticket.terms.symbol, since).with_book(float(_tick(listing)))
        return quotes.times(self._ratios(ticket, quotes))

    def _ratios(self, ticket: Ticket, quotes: Quotes) -> Floats:
        ratios = np.ones(len(quotes))
        for restating in self.market.restatings(ticket.terms.symbol, ticket.placed_at):
            ratios[quotes.as_of >= to_instant(restating.at)] *= float(restating.ratio)
        return ratios

    def bars(self, ticket: Ticket, since: datetime, until: datetime, listing: Listing) -> list[Bar]:
        """On the order's basis, with an assumed spread."""
        tick = float(_tick(listing))
        return [
            bar.times(float(self.factor(ticket, ticket.placed_at, bar.opened_at)), tick)
            for bar in self.market.bars(ticket.terms.symbol, since, until)
        ]


def _tick(listing: Listing) -> Decimal:
    return listing.tick_size or BASIS_POINT


def _divided(price: Decimal, ratio: Fraction) -> Decimal:
    return price * ratio.denominator / ratio.numerator


def _part(leg: Leg) -> str:
    """Return which execution of its order this is: its exits have one together, so that two never happen."""
    return leg.value if leg in (Leg.ENTRY, Leg.CLOSE) else "exit"
