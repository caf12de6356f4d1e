"""What makes a quote unfit, and why. No Django, no clock.

Unfit quotes are refused and counted by reason; nothing is repaired.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from market.prices import QuoteTick
from market.quality import FUTURE, NOT_ASKED, NOT_FINITE, NOT_POSITIVE, WRONG_UNIT, Rejections

BEFORE_2000 = "time_before_2000"
TOO_OLD = "time_too_old"

# Clocks without time service drift by seconds. Less than one ingestion interval, so that a quote from the
# future can never stand in the way of the next cycle's.
CLOCK_SKEW = timedelta(seconds=30)
YEAR_2000 = datetime(2000, 1, 1, tzinfo=UTC)
# A share that has not traded for a year has no newest price.
OLDEST = timedelta(days=366)
# Seconds, milliseconds and microseconds, taken for the thousandth, millionth and billionth part of them.
SMALLER_UNITS = (10**3, 10**6, 10**9)


def fit_quotes(
    ticks: Sequence[QuoteTick], requested: Collection[str], at: datetime, rejections: Rejections
) -> list[QuoteTick]:
    """Return the ticks that can be used at the moment `at`, one for each symbol (the newest).

    A nonsensical bid, ask, size or volume is dropped and the price kept; a crossed book is kept as it came.
    """
    wanted = frozenset(requested)
    fit: dict[str, QuoteTick] = {}
    for tick in ticks:
        reason = _unfit_because(tick, wanted, at)
        if reason:
            as_of = tick.as_of.isoformat()
            rejections.add(reason, f"{tick.symbol} {tick.price:g} at {as_of}")
            book = {"price": tick.price, "bid": tick.bid, "ask": tick.ask, "volume": tick.volume}
            rejections.keep(reason, tick.symbol, "", book | {"as_of": as_of})
        elif tick.symbol not in fit or fit[tick.symbol].as_of <= tick.as_of:
            fit[tick.symbol] = _without_nonsense(tick)
    return list(fit.values())


def is_fit(price: float, as_of: datetime, at: datetime) -> bool:
    """Return whether a trade can be used at the moment `at`. What is not is refused by `fit_quotes`."""
    return 0 < price < math.inf and at - OLDEST <= as_of <= at + CLOCK_SKEW


def _unfit_because(tick: QuoteTick, requested: Collection[str], at: datetime) -> str:
    if tick.symbol not in requested:
        return NOT_ASKED
    if not math.isfinite(tick.price):
        return NOT_FINITE
    if tick.price <= 0:
        return NOT_POSITIVE
    if tick.as_of > at + CLOCK_SKEW:
        return FUTURE
    return _too_old_because(tick.as_of, at) if tick.as_of < at - OLDEST else ""


def _too_old_because(as_of: datetime, at: datetime) -> str:
    if as_of >= YEAR_2000:
        return TOO_OLD
    seconds = as_of.timestamp()
    is_other_unit = any(
        YEAR_2000.timestamp() <= seconds * unit <= at.timestamp() + 86_400 for unit in SMALLER_UNITS
    )
    return WRONG_UNIT if is_other_unit else BEFORE_2000


def _without_nonsense(tick: QuoteTick) -> QuoteTick:
    bid, ask = _price_or_none(tick.bid), _price_or_none(tick.ask)
    sizes = tuple(_size_or_none(size) for size in (tick.bid_size, tick.ask_size, tick.volume))
    if (bid, ask, *sizes) == (tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.volume):
        return tick
    return replace(tick, bid=bid, ask=ask, bid_size=sizes[0], ask_size=sizes[1], volume=sizes[2])


def _price_or_none(price: float | None) -> float | None:
    return price if price is not None and 0 < price < math.inf else None


def _size_or_none(size: float | None) -> float | None:
    return size if size is not None and 0 <= size < math.inf else None
