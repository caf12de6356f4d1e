"""How an order goes on by itself: worked on what the market did since, what fills it, and what that costs.

How often it is worked changes nothing: quotes count in the order of their arrival, bars once those before
them have counted, and an order ends only when no quote can arrive any more that still counts. The first quote
or bar that reaches one of its prices fills it. Slippage, ticks and commission are always against us.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction

import numpy as np

from approvals.brokers.base import Bracket, Close, Execution, Leg, Side, State
from approvals.brokers.paper.book import Book, Ticket
from approvals.brokers.paper.market import Bar, Listing, Market, Quotes, Settlement, factor
from market.prices import Floats, to_datetime, to_instant

INSTANTLY = timedelta(microseconds=1)
DAY = timedelta(days=1)
LATELY = timedelta(minutes=5)
SETTLED = "-settled"  # the end of such an execution's id
LATEST = timedelta(hours=26)  # after which no gap is refilled any more: until then a bar may come late
EPSILON = 1e-9  # of a price: sums of floats are no exact prices
PER_SHARE, LEAST = Decimal("0.005"), Decimal("1.00")  # of commission
BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Hit:
    """Where and when an order meets the market. `is_limit`: it fills at this price and never slips."""

    leg: Leg
    at: datetime
    price: float
    is_limit: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an order is worked: what is written down, what the market did, and until when it is looked at."""

    book: Book
    market: Market
    at: datetime
    slippage_bps: Decimal

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
        """What a working closing would trade, or what a bracket's exits cover, restated to an instant."""
        if isinstance(ticket.terms, Close):
            return int(ticket.terms.quantity * self._factor(ticket, ticket.placed_at, at))
        return int(ticket.covered * self._factor(ticket, ticket.covered_at or ticket.placed_at, at))

    def _work_close(self, ticket: Ticket, close: Close, listing: Listing) -> None:
        if close.price is not None:
            self._settle(ticket, close, _by_hand(close.price, listing.settlement))
            return
        hit = _market_hit(close.side, Leg.CLOSE, self._quotes(ticket, ticket.placed_at))
        if hit is None:
            if listing.settlement:
                self._settle(ticket, close, listing.settlement)
            return
        quantity = self.shares(ticket, hit.at)
        if quantity:
            self._fill(ticket, hit, close.side, quantity, listing)
            ticket.state, ticket.ended_at = State.FILLED, hit.at
        else:
            self._end_without_a_share(ticket, hit.at)

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
        ticket.state, ticket.ended_at, ticket.reason = State.FILLED, self.at, settlement.reason

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
        hit = _entry_hit(bracket, quotes)
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
            return _quote_exit_hit(bracket, quotes), False
        quotes, is_past = quotes.until(min(ends))
        return _quote_exit_hit(bracket, quotes), is_past or self.at >= min(ends) + listing.lag

    def _exit_by_bars(self, ticket: Ticket, bracket: Bracket) -> Hit | None:
        if ticket.looked_until is None:
            return None
        until = min(self.at, bracket.flat_at or self.at)
        since = min(ticket.looked_until, max(ticket.quotes_until or ticket.looked_until, self.at - LATEST))
        for bar in self._bars(ticket, since, until):
            ticket.looked_until = max(bar.closed_at, ticket.looked_until)
            if hit := _bar_exit_hit(bracket, bar):
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
            return _flat_hit(bracket, flat_at, quotes, bars)
        return None

    def _fill(self, ticket: Ticket, hit: Hit, side: Side, quantity: int, listing: Listing) -> None:
        execution = Execution(
            execution_id=f"{ticket.terms.client_id}-{_part(hit.leg)}",
            client_id=ticket.terms.client_id,
            leg=hit.leg,
            instrument=ticket.terms.instrument,
            side=side,
            quantity=quantity,
            price=self._price(ticket, hit, side, listing),
            commission=_commission(quantity),
            executed_at=hit.at,
        )
        self.book.fill(ticket, execution, self.at)

    def _price(self, ticket: Ticket, hit: Hit, side: Side, listing: Listing) -> Decimal:
        """Return what the hit costs, on the basis of its own day, on a tick."""
        tick = listing.tick_size or BASIS_POINT
        ratio = self._factor(ticket, ticket.placed_at, hit.at)
        price = _divided(Decimal(f"{hit.price:.6f}"), ratio)
        if not hit.is_limit:
            price = _slipped(price, side, self.slippage_bps)
        price = _on_tick(price, side, tick)
        if hit.leg in (Leg.ENTRY, Leg.TARGET) and isinstance(ticket.terms, Bracket):
            limit = ticket.terms.limit_price if hit.leg is Leg.ENTRY else ticket.terms.take_profit
            price = _never_beyond(price, _divided(limit, ratio), side)
        return price.quantize(Decimal("0.000001"))

    def _factor(self, ticket: Ticket, since: datetime, until: datetime) -> Fraction:
        return factor(self.market.restatings(ticket.terms.symbol, ticket.placed_at), since, until)

    def _quotes(self, ticket: Ticket, since: datetime) -> Quotes:
        """Return the quotes later than `since`, on the order's basis.

        What was placed or filled while the clock was ahead is worked by the quotes that come now.
        """
        since = since if since <= self.at else self.at - LATELY
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


def _by_hand(price: Decimal, known: Settlement | None) -> Settlement:
    """Return what a person closes at, with the reason that is known for that very price."""
    if known and known.price == price:
        return known
    return Settlement(price, f"Settled by hand at {price.normalize():f}.")


def _times(bar: Bar, ratio: float) -> Bar:
    if ratio == 1:
        return bar
    prices = (bar.open * ratio, bar.high * ratio, bar.low * ratio, bar.close * ratio)
    return Bar(bar.opened_at, bar.closed_at, *prices, bar.plain and _times(bar.plain, ratio))


def _divided(price: Decimal, ratio: Fraction) -> Decimal:
    return price * ratio.denominator / ratio.numerator


def _part(leg: Leg) -> str:
    """Return which execution of its order this is: its exits have one together, so that two never happen."""
    return leg.value if leg in (Leg.ENTRY, Leg.CLOSE) else "exit"


# --- what fills an order ----------------------------------------------------------------------------------
# All prices are floats on the basis of the order, so a split in between changes nothing here.


def _entry_hit(order: Bracket, quotes: Quotes) -> Hit | None:
    """Return the first quote that can be bought (sold) within the limit, half the spread included."""
    limit = float(order.limit_price) * order.side.sign
    paid = _paid(quotes, order.side)
    rows = np.flatnonzero(quotes.in_session & (order.side.sign * paid <= limit + EPSILON * abs(limit)))
    return Hit(Leg.ENTRY, to_datetime(quotes.as_of[rows[0]]), float(paid[rows[0]])) if len(rows) else None


def _market_hit(side: Side, leg: Leg, quotes: Quotes) -> Hit | None:
    """Return the first quote in session."""
    rows = np.flatnonzero(quotes.in_session)
    if not len(rows):
        return None
    return Hit(leg, to_datetime(quotes.as_of[rows[0]]), float(_paid(quotes, side)[rows[0]]))


def _quote_exit_hit(order: Bracket, quotes: Quotes) -> Hit | None:
    """Return the first quote at the stop or the target.

    A target fills at its own price, a stop at the quote's.
    """
    sign = order.side.sign
    stop, target = float(order.stop_loss), float(order.take_profit)
    at_stop = sign * quotes.price <= sign * stop + EPSILON * stop
    at_target = sign * quotes.price >= sign * target - EPSILON * target
    rows = np.flatnonzero(quotes.in_session & (at_stop | at_target))
    if not len(rows):
        return None
    row, at = rows[0], to_datetime(quotes.as_of[rows[0]])
    if at_stop[row]:
        return Hit(Leg.STOP, at, float(_paid(quotes, order.side.opposite)[row]))
    return Hit(Leg.TARGET, at, target, is_limit=True)


def _bar_exit_hit(order: Bracket, bar: Bar) -> Hit | None:
    """Return the stop or the target inside a bar, the stop first. A bar that opens beyond: at its open.

    Of a bar in doubt the worse of its two readings counts: a target must be reached without doubted prices.
    """
    sign, plain = order.side.sign, bar.plain or bar
    stop, target = float(order.stop_loss), float(order.take_profit)
    worst, best = (bar.low, plain.high) if order.side is Side.BUY else (bar.high, plain.low)
    opening = _worse(order.side, bar.open, plain.open)
    if sign * opening <= sign * stop + EPSILON * stop:
        return Hit(Leg.STOP, bar.opened_at, opening)
    if sign * opening >= sign * target - EPSILON * target:
        return Hit(Leg.TARGET, bar.opened_at, opening, is_limit=True)
    if sign * worst <= sign * stop + EPSILON * stop:
        return Hit(Leg.STOP, bar.closed_at, stop)
    if sign * best >= sign * target - EPSILON * target:
        return Hit(Leg.TARGET, bar.closed_at, target, is_limit=True)
    return None


def _flat_hit(order: Bracket, flat_at: datetime, quotes: Quotes, bars: Sequence[Bar]) -> Hit | None:
    """Return the last price by then: a bar's close, or a quote that is later. None when there is neither."""
    before = quotes[quotes.in_session & (quotes.as_of <= to_instant(flat_at))]
    closed = [bar for bar in bars if bar.closed_at <= flat_at]
    newest = int(np.argmax(before.as_of)) if len(before) else None
    if closed and (newest is None or to_instant(closed[-1].closed_at) >= before.as_of[newest]):
        last = closed[-1]
        return Hit(Leg.FLAT, flat_at, _worse(order.side, last.close, (last.plain or last).close))
    if newest is None:
        return None
    return Hit(Leg.FLAT, flat_at, float(_paid(before, order.side.opposite)[newest]))


def _worse(side: Side, *readings: float) -> float:
    """Return the worse price to get out of a position of this side at."""
    return min(readings) if side is Side.BUY else max(readings)


def _paid(quotes: Quotes, side: Side) -> Floats:
    return quotes.price + side.sign * quotes.half_spread


# --- what a fill costs ------------------------------------------------------------------------------------


def _commission(quantity: int) -> Decimal:
    return max(PER_SHARE * quantity, LEAST)


def _slipped(price: Decimal, side: Side, bps: Decimal) -> Decimal:
    return price * (1 + side.sign * bps * BASIS_POINT)


def _on_tick(price: Decimal, side: Side, tick: Decimal) -> Decimal:
    """Return the price on the next tick that is worse for us, one tick at least."""
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    return max((price / tick).to_integral_value(rounding), Decimal(1)) * tick


def _never_beyond(price: Decimal, limit: Decimal, side: Side) -> Decimal:
    return min(price, limit) if side is Side.BUY else max(price, limit)
