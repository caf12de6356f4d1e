"""What a dialogue tells of, written down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from market.prices import QuoteTick
from market.providers.streams.base import Book


@dataclass
class Told:
    """`Updates` that keep everything, in order."""

    said: list[tuple[object, ...]] = field(default_factory=list)
    streamed: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)

    def subscribed(self, symbols: Collection[str], left_out: Mapping[str, str]) -> None:
        self.streamed, self.left_out = set(symbols), dict(left_out)

    def trade(
        self, symbol: str, price: float, as_of: datetime, *, key: object = None, exchange: str = ""
    ) -> None:
        self.said.append(("trade", symbol, price, as_of))

    def corrected(self, symbol: str, key: object, price: float | None) -> None:
        self.said.append(("corrected", symbol, key, price))

    def book(self, symbol: str, book: Book) -> None:
        self.said.append(("book", symbol, book))

    def volume(self, symbol: str, shares: float | None) -> None:
        self.said.append(("volume", symbol, shares))

    def halted(self, symbol: str, why: str) -> None:
        self.said.append(("halted", symbol, why))

    def tick(self, tick: QuoteTick) -> None:
        self.said.append(("tick", tick.symbol, tick.price, tick.as_of))

    def passed_over(self, symbol: str) -> None:
        self.said.append(("passed over", symbol))

    def unreadable(self, why: str) -> None:
        self.said.append(("unreadable", why))
