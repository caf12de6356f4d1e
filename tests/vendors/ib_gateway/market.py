"""Quotes and who may see them: live, frozen, delayed or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum

from tests.vendors import prices
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.messages import Message

LINES = 100  # how many symbols a session may stream
LOT = 100


class DataType(IntEnum):
    LIVE = 1
    FROZEN = 2
    DELAYED = 3
    DELAYED_FROZEN = 4


# What somebody without the subscription is told. With 10167 delayed data follows.
TEXTS = {
    354: "Requested market data is not subscribed. Delayed market data is available.",
    10089: "Requested market data requires additional subscription for API.",
    10090: "Part of requested market data is not subscribed.",
    10167: "Requested market data is not subscribed. Displaying delayed market data.",
    10168: "Requested market data is not subscribed. Delayed market data is not enabled.",
    10197: "No market data during competing live session",
}
# Of each figure the number of its tick, live and delayed.
PRICE_TICKS = {
    "bid": (1, 66),
    "ask": (2, 67),
    "last": (4, 68),
    "high": (6, 72),
    "low": (7, 73),
    "close": (9, 75),
}
SIZE_TICKS = {"bid": "bid_size", "ask": "ask_size", "last": "last_size"}
VOLUME_TICK, TIME_TICK, HALTED_TICK = (8, 74), (45, 88), (49, 90)


@dataclass
class Quote:
    bid: Decimal = Decimal(-1)
    ask: Decimal = Decimal(-1)
    last: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    low: Decimal = Decimal(0)
    close: Decimal = Decimal(0)
    bid_size: int = 300
    ask_size: int = 500
    last_size: int = 100
    volume: int = 1_250_000
    halted: int = 0
    traded_at: datetime | None = None


@dataclass
class Market:
    """`subscriptions`: the error code of symbols that are not subscribed. `in_lots`: sizes in hundreds.

    `is_taken`: another session has the data. `has_delayed`: whether delayed data is given where live is not.
    """

    quotes: dict[int, Quote] = field(default_factory=dict)
    subscriptions: dict[str, int] = field(default_factory=dict)
    has_delayed: bool = True
    is_open: bool = True
    is_taken: bool = False
    in_lots: bool = False

    def quote(self, share: Share, at: datetime) -> Quote:
        """Return what was set by hand, else the price that all vendors on loopback make up."""
        if share.con_id not in self.quotes:
            self.quotes[share.con_id] = self._made_up(share, at)
        return self.quotes[share.con_id]

    def _made_up(self, share: Share, at: datetime) -> Quote:
        price, before = (
            Decimal(str(prices.price(share.symbol.replace(" ", "."), moment)))
            for moment in (at, at - timedelta(days=1))
        )
        cent = Decimal("0.01")
        return Quote(price - cent, price + cent, price, max(price, before), min(price, before), before)

    def refusal(self, share: Share, wanted: DataType) -> int:
        """Return the code of why this type of data is not given; 0: it is."""
        if self.is_taken:
            return 10197
        missing = self.subscriptions.get(share.symbol, 0)
        if not missing or (wanted >= DataType.DELAYED and self.has_delayed):
            return 0
        return missing if self.has_delayed else 10168

    def type_given(self, share: Share, wanted: DataType) -> DataType:
        """Return what the subscriber gets: live beats delayed where it is subscribed."""
        is_frozen = not self.is_open and wanted in (DataType.FROZEN, DataType.DELAYED_FROZEN)
        if share.symbol in self.subscriptions:
            return DataType.DELAYED_FROZEN if is_frozen else DataType.DELAYED
        return DataType.FROZEN if is_frozen else DataType.LIVE

    def ticks(self, share: Share, req_id: str, given: DataType, at: datetime) -> Iterator[Message]:
        quote, which = self.quote(share, at), int(given >= DataType.DELAYED)
        for name, ticks in PRICE_TICKS.items():
            size = self.in_units(getattr(quote, SIZE_TICKS[name])) if name in SIZE_TICKS else 0
            yield [1, 6, req_id, ticks[which], getattr(quote, name), size, 0]
            if size:
                yield [2, 6, req_id, {"bid": (0, 69), "ask": (3, 70), "last": (5, 71)}[name][which], size]
        yield [2, 6, req_id, VOLUME_TICK[which], self.in_units(quote.volume)]
        yield [46, 6, req_id, TIME_TICK[which], int((quote.traded_at or at).timestamp())]
        yield [45, 6, req_id, HALTED_TICK[which], quote.halted]

    def in_units(self, shares: int) -> int:
        return shares // LOT if self.in_lots else shares
