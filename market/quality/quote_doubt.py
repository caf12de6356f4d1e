"""Which prices are doubtful until they are confirmed. No Django, no clock.

A price is doubtful when it lies far outside its own book, or far from the last believed one while its book
does not lie there. It is believed once a second trade is near it, or the book comes to lie there; a price
near the last believed one clears the doubt. So a bad print is never believed by itself, and a true jump is
believed at once where the book moved with it, otherwise with the second trade.

Far: more than the clearly erroneous trades of US exchanges begin at
(https://www.finra.org/rules-guidance/rulebooks/finra-rules/11892, numerical guidelines of the regular
session), and more than 8 typical moves of the symbol.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from market.prices import Doubt, QuoteTick

# Up to a price: the share that a trade must be away.
GUIDELINES = ((25.0, 0.10), (50.0, 0.05), (math.inf, 0.03))
TYPICAL_MOVES = 8.0
SPREAD_OF_JUMP = 1 / 3  # how far a second trade may be from the first, of the jump


@dataclass(frozen=True, slots=True)
class LastPrice:
    """The last believed price of a symbol (None: none yet), and the one that is doubted since."""

    price: float | None
    as_of: datetime
    doubtful_price: float | None = None
    doubtful_as_of: datetime | None = None


def far_moves(
    ticks: Iterable[QuoteTick], last: Mapping[str, LastPrice], *, clocked: bool = False
) -> list[str]:
    """Return the symbols whose price may be doubtful: those to judge by their typical move."""
    return [tick.symbol for tick in ticks if _doubt(tick, last.get(tick.symbol), 0.0, clocked=clocked)]


def with_doubts(
    ticks: Sequence[QuoteTick],
    last: Mapping[str, LastPrice],
    typical_moves: Mapping[str, float],
    *,
    clocked: bool = False,
) -> list[QuoteTick]:
    """Return the ticks, the doubtful ones marked.

    `typical_moves`: as logarithm, by symbol; a symbol may be missing. `clocked`: times are the provider's
    clock, so that a price said again may still be the same trade.
    """
    doubts = {
        tick.symbol: _doubt(tick, last.get(tick.symbol), typical_moves.get(tick.symbol, 0.0), clocked=clocked)
        for tick in ticks
    }
    return [
        replace(tick, doubt=doubt) if (doubt := doubts[tick.symbol]) is not None else tick for tick in ticks
    ]


def believed_again(ticks: Iterable[QuoteTick], last: Mapping[str, LastPrice]) -> dict[str, datetime]:
    """Return the time of each trade that was doubted and is believed now, by symbol."""
    return {
        tick.symbol: tick.as_of
        for tick in ticks
        if tick.doubt is None and tick.symbol in last and last[tick.symbol].doubtful_as_of == tick.as_of
    }


def _doubt(tick: QuoteTick, last: LastPrice | None, typical: float, *, clocked: bool) -> Doubt | None:
    limit = max(math.log1p(_guideline(tick.price)), TYPICAL_MOVES * typical)
    is_outside = _outside_book(tick) > limit
    if not is_outside and not (_is_far(tick, last, limit) and not _book_lies_there(tick, limit)):
        return None
    if last is not None and (_is_same(tick, last) or _is_second(tick, last, limit, is_outside, clocked)):
        return None
    return Doubt.OUTSIDE_BOOK if is_outside else Doubt.FAR_FROM_LAST


def _guideline(price: float) -> float:
    return next(share for most, share in GUIDELINES if price <= most)


def _outside_book(tick: QuoteTick) -> float:
    """Return how far the price lies outside its own book, 0 inside of it. A crossed book spans both sides."""
    sides = [side for side in (tick.bid, tick.ask) if side is not None]
    low = min(sides) if tick.bid is not None else 0.0
    high = max(sides) if tick.ask is not None else math.inf
    if tick.price < low:
        return _distance(tick.price, low)
    return _distance(tick.price, high) if tick.price > high else 0.0


def _book_lies_there(tick: QuoteTick, limit: float) -> bool:
    """Return whether a book that is narrow enough to say something lies around the price."""
    if tick.bid is None or tick.ask is None:
        return False
    return _distance(tick.bid, tick.ask) <= limit and _outside_book(tick) <= limit


def _is_far(tick: QuoteTick, last: LastPrice | None, limit: float) -> bool:
    return last is not None and last.price is not None and _distance(tick.price, last.price) > limit


def _is_same(tick: QuoteTick, last: LastPrice) -> bool:
    """Return whether this is the trade that was believed before: its book may have moved away since."""
    return (tick.price, tick.as_of) == (last.price, last.as_of)


def _is_second(tick: QuoteTick, last: LastPrice, limit: float, is_outside: bool, clocked: bool) -> bool:
    """Return whether this is another trade near the doubtful one."""
    if last.doubtful_price is None or last.doubtful_as_of is None or tick.as_of <= last.doubtful_as_of:
        return False
    if clocked and is_outside and tick.price == last.doubtful_price:
        return False  # most likely the same trade, and the book says otherwise
    apart = _distance(tick.price, last.doubtful_price)
    if last.price is None:
        return apart <= limit
    jump = _distance(last.doubtful_price, last.price)
    is_nearer = apart < _distance(tick.price, last.price)
    return apart <= max(limit, SPREAD_OF_JUMP * jump) or (is_nearer and not is_outside)


def _distance(one: float, other: float) -> float:
    return abs(math.log(one / other))
