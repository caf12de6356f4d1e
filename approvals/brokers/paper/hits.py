"""Where an order meets the market: the first quote or bar that reaches one of its prices. Pure.

All prices are floats on the basis of the order, so a split in between changes nothing here.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from approvals.brokers.base import Leg, Side
from approvals.brokers.paper.levels import Exits, Steps
from approvals.brokers.paper.market import Bar, Quotes
from market.prices import Flags, Floats, to_datetime, to_instant

LAST = sys.maxsize  # as a row: nothing comes after the end
EPSILON = 1e-9  # of a price: sums of floats are no exact prices


@dataclass(frozen=True, slots=True)
class Hit:
    """Where and when an order meets the market.

    `until`: up to when it has used up what traded: the time of the quote, the close of the bar. `row`: how
    many quotes came before it. `is_limit`: it fills at this price and never slips. `limit`: what it never
    pays more than, or gets less. `shown`: how many shares are on offer there; None where that is not known.
    `bar`: in which it is; None for a quote.
    """

    leg: Leg
    at: datetime
    price: float
    until: datetime
    row: int
    is_limit: bool = False
    limit: float | None = None
    shown: float | None = None
    bar: Bar | None = None


def entry_hit(side: Side, limits: Steps, quotes: Quotes) -> Hit | None:
    """Return the first quote whose ask lies within a buyer's limit, or whose bid within a seller's."""
    levels = limits.at_each(quotes.as_of)
    is_within = side.sign * paid(quotes, side) <= side.sign * levels + EPSILON * levels
    hit = market_hit(side, Leg.ENTRY, quotes, is_within)
    return hit and replace(hit, limit=float(levels[hit.row]))


def market_hit(side: Side, leg: Leg, quotes: Quotes, rows: Flags | None = None) -> Hit | None:
    """Return the first quote in session, of these rows: a purchase pays the ask, a sale gets the bid."""
    chosen = np.flatnonzero(quotes.in_session if rows is None else quotes.in_session & rows)
    return quote_hit(side, leg, quotes, int(chosen[0])) if len(chosen) else None


def quote_hit(side: Side, leg: Leg, quotes: Quotes, row: int) -> Hit:
    at = to_datetime(quotes.as_of[row])
    sizes = quotes.ask_size if side is Side.BUY else quotes.bid_size
    shown = None if np.isnan(sizes[row]) else float(sizes[row])
    return Hit(leg, at, float(paid(quotes, side)[row]), at, row, shown=shown)


def exit_hit(exits: Exits, quotes: Quotes, since: datetime) -> Hit | None:
    """Return the first quote at the stop or the target, as they stood then. All are from after `since`.

    The last trade works the stop, which becomes a market order. A target is a limit: it takes the other side
    of the book, at its own price where it rested there already.
    """
    sign, out = exits.side.sign, exits.side.opposite
    stop, target = exits.stop.at_each(quotes.as_of), exits.target.at_each(quotes.as_of)
    at_stop = sign * quotes.price <= sign * stop + EPSILON * stop
    at_target = sign * paid(quotes, out) >= sign * target - EPSILON * target
    rows = np.flatnonzero(quotes.in_session & (at_stop | at_target))
    if not len(rows):
        return None
    row = int(rows[0])
    if at_stop[row]:
        return quote_hit(out, Leg.STOP, quotes, row)
    hit, limit = quote_hit(out, Leg.TARGET, quotes, row), float(target[row])
    price = limit if _rested(exits.target, quotes, row, since) else hit.price
    return replace(hit, price=price, is_limit=True, limit=limit)


def _rested(target: Steps, quotes: Quotes, row: int, since: datetime) -> bool:
    """Return whether a target was where it is when an earlier quote came: then it was not marketable."""
    moved_at = target.moved_at(to_datetime(quotes.as_of[row]))
    if moved_at is None or moved_at < since:
        return True
    before = quotes[:row]
    return bool(np.any(before.in_session & (before.as_of >= to_instant(moved_at))))


def bar_exit_hit(exits: Exits, bar: Bar, row: int) -> Hit | None:
    """Return the stop or the target inside a bar, the stop first.

    What opens beyond the stop is out at the open. What opens beyond the target has that better price in the
    auction at a session's open alone: later, a limit that rests there has traded at its own price. Of a bar
    in doubt the worse of its two readings counts: a target must be reached without doubted prices. In a bar
    in which they were moved, what happened before and what after is not known: its open meets the old ones,
    and of its range counts what reaches the old and the new.
    """
    sign, plain = exits.side.sign, bar.plain or bar
    stop, target = exits.stop.at(bar.opened_at), exits.target.at(bar.opened_at)
    worst, best = (bar.low, plain.high) if exits.side is Side.BUY else (bar.high, plain.low)
    opening = _worse(exits.side, bar.open, plain.open)
    in_auction = opening if bar.opens_session else opening - sign * bar.half_spread
    if sign * opening <= sign * stop + EPSILON * stop:
        return bar_hit(exits.side, Leg.STOP, bar, bar.opened_at, opening, row)
    if sign * in_auction >= sign * target - EPSILON * target:
        price = opening if bar.opens_session else target
        return _target_hit(bar, bar.opened_at, price, target, row)
    stop, target = (
        exits.worst_stop(bar.opened_at, bar.closed_at),
        exits.best_target(bar.opened_at, bar.closed_at),
    )
    if sign * worst <= sign * stop + EPSILON * stop:
        return bar_hit(exits.side, Leg.STOP, bar, bar.closed_at, stop, row)
    if sign * best - bar.half_spread >= sign * target - EPSILON * target:
        return _target_hit(bar, bar.closed_at, target, target, row)
    return None


def _target_hit(bar: Bar, at: datetime, price: float, target: float, row: int) -> Hit:
    return Hit(Leg.TARGET, at, price, bar.closed_at, row, is_limit=True, limit=target, bar=bar)


def bar_hit(side: Side, leg: Leg, bar: Bar, at: datetime, price: float, row: int) -> Hit:
    """Return a market order out of a position at a price of a bar: it crosses the spread."""
    return Hit(leg, at, price - side.sign * bar.half_spread, bar.closed_at, row, bar=bar)


def bar_market_hit(side: Side, leg: Leg, bar: Bar, row: int) -> Hit:
    """Return what of a stop is left, which is out at the open of the next bar."""
    opening = _worse(side, bar.open, (bar.plain or bar).open)
    return bar_hit(side, leg, bar, bar.opened_at, opening, row)


def flat_hit(side: Side, flat_at: datetime, quotes: Quotes, bars: Sequence[Bar]) -> Hit | None:
    """Return the last price by then: a bar's close, or a quote that is later. None when there is neither.

    That is the closing auction, in which all of it goes.
    """
    before = quotes[quotes.in_session & (quotes.as_of <= to_instant(flat_at))]
    closed = [bar for bar in bars if bar.closed_at <= flat_at and bar.volume != 0]
    newest = int(np.argmax(before.as_of)) if len(before) else None
    if closed and (newest is None or to_instant(closed[-1].closed_at) >= before.as_of[newest]):
        last = closed[-1]
        price = _worse(side, last.close, (last.plain or last).close)
        return Hit(Leg.FLAT, flat_at, price - side.sign * last.half_spread, flat_at, LAST)
    if newest is None:
        return None
    return Hit(Leg.FLAT, flat_at, float(paid(before, side.opposite)[newest]), flat_at, LAST)


def paid(quotes: Quotes, side: Side) -> Floats:
    """Return what a purchase pays, or a sale gets, for each quote."""
    return quotes.ask if side is Side.BUY else quotes.bid


def _worse(side: Side, *readings: float) -> float:
    """Return the worse price to get out of a position of this side at."""
    return min(readings) if side is Side.BUY else max(readings)
