"""What fills an order: the first quote or bar that reaches one of its prices.

All prices are floats on the basis of the order, so a split in between changes nothing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from approvals.brokers.base import Bracket, Leg, Side
from approvals.brokers.paper.market import Bar, Quotes
from market.prices import to_datetime, to_instant

EPSILON = 1e-9  # of a price: sums of floats are no exact prices


@dataclass(frozen=True, slots=True)
class Hit:
    """Where and when an order meets the market. `is_limit`: it fills at this price and never slips."""

    leg: Leg
    at: datetime
    price: float
    is_limit: bool = False


def entry(order: Bracket, quotes: Quotes) -> Hit | None:
    """Return the first quote that can be bought (sold) within the limit, half the spread included."""
    limit = float(order.limit_price) * order.side.sign
    paid = _paid(quotes, order.side)
    rows = np.flatnonzero(quotes.in_session & (order.side.sign * paid <= limit + EPSILON * abs(limit)))
    return Hit(Leg.ENTRY, to_datetime(quotes.as_of[rows[0]]), float(paid[rows[0]])) if len(rows) else None


def at_market(side: Side, leg: Leg, quotes: Quotes) -> Hit | None:
    """Return the first quote in session."""
    rows = np.flatnonzero(quotes.in_session)
    if not len(rows):
        return None
    return Hit(leg, to_datetime(quotes.as_of[rows[0]]), float(_paid(quotes, side)[rows[0]]))


def exit_by_quote(order: Bracket, quotes: Quotes) -> Hit | None:
    """The first quote at the stop or the target. A target fills at its own price, a stop at the quote's."""
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


def exit_by_bar(order: Bracket, bar: Bar) -> Hit | None:
    """The stop or the target inside a bar, the stop first. Beyond them at its open, it fills at its open."""
    sign = order.side.sign
    stop, target = float(order.stop_loss), float(order.take_profit)
    worst, best = (bar.low, bar.high) if order.side is Side.BUY else (bar.high, bar.low)
    if sign * bar.open <= sign * stop + EPSILON * stop:
        return Hit(Leg.STOP, bar.opened_at, bar.open)
    if sign * bar.open >= sign * target - EPSILON * target:
        return Hit(Leg.TARGET, bar.opened_at, bar.open, is_limit=True)
    if sign * worst <= sign * stop + EPSILON * stop:
        return Hit(Leg.STOP, bar.closed_at, stop)
    if sign * best >= sign * target - EPSILON * target:
        return Hit(Leg.TARGET, bar.closed_at, target, is_limit=True)
    return None


def flat(order: Bracket, flat_at: datetime, quotes: Quotes, bars: Sequence[Bar]) -> Hit | None:
    """Return the last price by then: a bar's close, or a quote that is later. None when there is neither."""
    before = quotes[quotes.in_session & (quotes.as_of <= to_instant(flat_at))]
    closed = [bar for bar in bars if bar.closed_at <= flat_at]
    newest = int(np.argmax(before.as_of)) if len(before) else None
    if closed and (newest is None or to_instant(closed[-1].closed_at) >= before.as_of[newest]):
        return Hit(Leg.FLAT, flat_at, closed[-1].close)
    if newest is None:
        return None
    return Hit(Leg.FLAT, flat_at, float(_paid(before, order.side.opposite)[newest]))


def _paid(quotes: Quotes, side: Side) -> "np.typing.NDArray[np.float64]":
    return quotes.price + side.sign * quotes.half_spread
