"""What every stream does, and to whom it tells what comes. No Django, clock or database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from market.prices import Feed, QuoteTick

Wanted = Callable[[], Sequence[str]]
Clock = Callable[[], datetime]


class StreamError(Exception):
    """A stream ended, and why. `pause`: how long it is left alone; None: tried again soon.

    With a pause, it will be refused again until someone acts; the text says what to do. `is_plan`: the plan
    has no stream, which is no fault.
    """

    def __init__(self, message: str, *, pause: timedelta | None = None, is_plan: bool = False) -> None:
        super().__init__(message)
        self.pause, self.is_plan = pause, is_plan


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides of the market as a provider gave them. None: not given. `halt`: why trading is halted."""

    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None
    halt: str = ""


class Updates(Protocol):
    """Takes in what a stream says, as it comes. Nothing here waits, and nothing is kept but the newest."""

    def subscribed(self, symbols: Collection[str], left_out: Mapping[str, str]) -> None:
        """Note which symbols the provider streams from now on, and why others are left out."""

    def trade(
        self, symbol: str, price: float, as_of: datetime, *, key: object = None, exchange: str = ""
    ) -> None:
        """Take a trade that sets the last price. `key`: the provider's name for it."""

    def corrected(self, symbol: str, key: object, price: float | None) -> None:
        """Correct the price of a trade, if it is still the last one; None: it was taken back."""

    def book(self, symbol: str, book: Book) -> None: ...

    def volume(self, symbol: str, shares: float | None) -> None:
        """Take the shares that were traded today."""

    def halted(self, symbol: str, why: str) -> None:
        """Note that trading is halted, or with an empty reason that it goes on."""

    def tick(self, tick: QuoteTick) -> None:
        """Take a whole quote."""

    def passed_over(self, symbol: str) -> None:
        """Note that something came that says nothing about the price: the symbol is not silent."""

    def unreadable(self, why: str) -> None:
        """Count a message that makes no sense."""


class Stream(Protocol):
    @property
    def feed(self) -> Feed: ...

    @property
    def delay(self) -> timedelta:
        """Return the feed's stated delay."""

    async def run(self, wanted: Wanted, updates: Updates) -> None:
        """Stream the wanted symbols, whatever they are by now, until the connection ends.

        `wanted`: the most important first. Raises StreamError.
        """


class BuildStream(Protocol):
    def __call__(self, values: Mapping[str, Any], clock: Clock) -> Stream:
        """Return the stream. `values`: those of its provider's settings."""
