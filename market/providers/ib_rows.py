"""What IB Bridge's answers say, in our words: quotes with their mode, bars. No I/O."""

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from market.prices import Bars, Feed, Instants, QuoteTick, Timeframe
from market.providers import wire

DELAY = timedelta(minutes=15)
A_DAY = np.timedelta64(1, "D")
DATE_LENGTH = len("2024-07-03")
NEW_YORK, CLOSE = ZoneInfo("America/New_York"), time(16)
CANDLE_KEYS = ("open", "high", "low", "close", "volume", "vwap")
ZONE_ADVICE = (
    'its times have no zone, so they may be those of any: set "Send instrument-specific attributes for'
    " dual-mode API client in\" to UTC format in the gateway's API settings"
)


@dataclass(frozen=True)
class Mode:
    """What `market_data_mode` means. Frozen: the last prices before the close."""

    feed: Feed
    delay: timedelta = timedelta(0)
    frozen: bool = False

    def worse(self, other: "Mode") -> "Mode":
        """Return what two modes have of delay and of age."""
        late = self if self.delay >= other.delay else other
        return replace(late, frozen=self.frozen or other.frozen)


MODES = {
    "live": Mode(Feed.LIVE),
    "frozen": Mode(Feed.LIVE, frozen=True),
    "delayed": Mode(Feed.DELAYED, DELAY),
    "delayed-frozen": Mode(Feed.DELAYED, DELAY, frozen=True),
}
# Never more than we know: a price that may be late is called late.
UNKNOWN = Mode(Feed.DELAYED, DELAY)


class Unreadable(ValueError):
    """An answer that does not give what was asked, and why."""


class Untraded(Unreadable):
    """An answer without a price, as before the first trade of a day."""


def tick(symbol: str, body: dict[str, Any], mode: Mode) -> QuoteTick:
    named = str(body.get("symbol", symbol)).replace(" ", ".")
    if named != symbol.replace(" ", "."):
        raise Unreadable(f"answered for {named[:20]}")
    price = wire.number(body.get("price"))
    if math.isnan(price) or price in (0.0, -1.0):
        raise Untraded("no last trade yet")
    stamp = wire.moment(body.get("timestamp"))
    if stamp is None:
        raise Unreadable(f"a time that is none: {str(body.get('timestamp'))[:40]}")
    return QuoteTick(
        symbol=symbol,
        price=price,
        as_of=as_of(stamp, told(body, mode)),
        bid=wire.given(body.get("bid")),
        ask=wire.given(body.get("ask")),
        bid_size=wire.share_count(body.get("bid_size")),
        ask_size=wire.share_count(body.get("ask_size")),
        volume=wire.share_count(body.get("volume")),
        exchange=str(body.get("exchange") or "")[:16],
        tells_halts=False,
    )


def at_the_trade(streamed: QuoteTick, body: dict[str, Any]) -> QuoteTick:
    """Return a quote as of its last trade, where the bridge tells when that was and it is not yet to come."""
    traded_at = wire.moment(body.get("last_trade_at"))
    return streamed if traded_at is None else replace(streamed, as_of=min(traded_at, streamed.as_of))


def told(body: dict[str, Any], otherwise: Mode) -> Mode:
    """Return the mode of this very quote, which Jax's own bridge tells; the original has one for all."""
    return MODES.get(str(body.get("market_data_mode")), otherwise)


def as_of(stamp: datetime, mode: Mode) -> datetime:
    """Return what the price is no newer than: the stamp is the bridge's clock, whatever the price's age."""
    at = stamp - mode.delay
    return min(at, last_close(stamp)) if mode.frozen else at


def last_close(at: datetime) -> datetime:
    """Return 16:00 in New York of the last weekday: a frozen price is that old at least, a holiday older."""
    close = datetime.combine(at.astimezone(NEW_YORK).date(), CLOSE, NEW_YORK)
    while close > at or close.weekday() >= 5:
        close -= timedelta(days=1)
    return close.astimezone(UTC)


def bars(body: dict[str, Any], timeframe: Timeframe) -> Bars:
    if not isinstance(body.get("candles"), list):
        raise Unreadable("no candles in the answer")
    rows = wire.rows_of(body["candles"])
    stamps = [row.get("timestamp") for row in rows]
    opened_at = wire.instants(stamps) if timeframe.is_intraday else wire.dates(stamps)
    plain = any(isinstance(stamp, str) and len(stamp) <= DATE_LENGTH for stamp in stamps)
    if (timeframe.is_intraday and plain) or not spaced(opened_at, timeframe):
        # The bridge answers a timeframe that it does not know with daily bars.
        raise Unreadable(f"answered with bars of another timeframe than {timeframe}")
    if timeframe.is_intraday and not all(map(wire.has_zone, stamps)):
        raise Unreadable(ZONE_ADVICE)
    return wire.bars(rows, opened_at, CANDLE_KEYS)


def spaced(opened_at: Instants, timeframe: Timeframe) -> bool:
    """Return whether bars are one length apart or more.

    Weeks may begin a day late; intraday bars are not all whole days apart.
    """
    steps = np.diff(np.unique(opened_at[~np.isnat(opened_at)]))
    least = timedelta(days=5) if timeframe is Timeframe.W1 else timeframe.length
    whole_days = timeframe.is_intraday and len(steps) > 1 and not np.any(steps % A_DAY)
    return bool(np.all(steps >= np.timedelta64(least))) and not whole_days
