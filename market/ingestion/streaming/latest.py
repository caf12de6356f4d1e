"""What a stream said last of each symbol. No database.

Only the newest is kept, so it takes the same room however much comes and however long nothing is written.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from market.ingestion.streaming.silence import Heard
from market.prices import QuoteTick
from market.providers.streams.base import Book
from market.quality import KEPT_ROWS
from market.quality.quotes import is_fit

EMPTY = Book()


@dataclass(slots=True)
class Symbol:
    """The last trade and the book of a symbol.

    `told_halt`: a halt that was announced and not yet ended; `is_from_before`: over an earlier connection.
    """

    heard: Heard
    price: float | None = None
    as_of: datetime | None = None
    key: object = None
    exchange: str = ""
    book: Book = EMPTY
    volume: float | None = None
    told_halt: str = ""
    is_from_before: bool = False

    def tick(self, symbol: str) -> QuoteTick | None:
        """Return the quote; None while there was no trade."""
        if self.price is None or self.as_of is None:
            return None
        book = self.book
        return QuoteTick(
            symbol,
            self.price,
            self.as_of,
            bid=book.bid,
            ask=book.ask,
            bid_size=book.bid_size,
            ask_size=book.ask_size,
            volume=self.volume,
            exchange=self.exchange,
            halt=self.told_halt or book.halt,
        )


@dataclass
class Latest:
    """Takes in what a stream says. `clock`: seconds that only grow; `now`: what people's clocks say.

    `left_out`: why symbols are not streamed. `problems`: how many messages made no sense, by reason.
    """

    clock: Callable[[], float]
    now: Callable[[], datetime]
    symbols: dict[str, Symbol] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    problems: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    last_message: float | None = None
    _changed: set[str] = field(default_factory=set)
    _unfit: list[QuoteTick] = field(default_factory=list)

    def start(self) -> None:
        """Forget what was said over a connection that has ended: it may be long ago."""
        self.symbols, self.left_out, self.last_message = {}, {}, None
        self._changed.clear()

    def subscribed(self, symbols: Collection[str], left_out: Mapping[str, str]) -> None:
        self.left_out = left_out
        if self.symbols.keys() == set(symbols):
            return
        now = self.clock()
        known = self.symbols
        self.symbols = {symbol: known.get(symbol) or Symbol(Heard(now)) for symbol in symbols}
        self._changed &= self.symbols.keys()

    def seed(self, ticks: Iterable[QuoteTick]) -> None:
        """Begin with quotes that were stored before, where nothing came yet.

        A halt among them is not told again: it lasts until its end is told, or a trade.
        """
        for tick in ticks:
            known = self.symbols.get(tick.symbol)
            if known is None or known.as_of is not None:
                continue
            known.price, known.as_of, known.exchange = tick.price, tick.as_of, tick.exchange
            known.told_halt = known.told_halt or tick.halt
            known.is_from_before = known.told_halt != ""
            if known.book is EMPTY:
                known.book = Book(tick.bid, tick.ask, tick.bid_size, tick.ask_size)

    def trade(
        self, symbol: str, price: float, as_of: datetime, *, key: object = None, exchange: str = ""
    ) -> None:
        known = self._hear(symbol)
        if known is None:
            return
        if not is_fit(price, as_of, self.now()):
            self._refuse(QuoteTick(symbol, price, as_of, exchange=exchange))
        elif known.as_of is None or as_of >= known.as_of:
            if known.is_from_before and known.as_of is not None and as_of > known.as_of:
                known.told_halt, known.is_from_before = "", False
            known.price, known.as_of, known.key, known.exchange = price, as_of, key, exchange
            self._changed.add(symbol)

    def corrected(self, symbol: str, key: object, price: float | None) -> None:
        known = self._hear(symbol)
        if known is None or known.as_of is None or key is None or known.key != key:
            return
        if price is not None and not is_fit(price, known.as_of, self.now()):
            self._refuse(QuoteTick(symbol, price, known.as_of))
            return
        known.price = price
        if price is not None:
            self._changed.add(symbol)

    def _refuse(self, tick: QuoteTick) -> None:
        """Keep a trade that is none for those who count them; the quote stays as it was."""
        if len(self._unfit) < KEPT_ROWS:
            self._unfit.append(tick)

    def book(self, symbol: str, book: Book) -> None:
        known = self._hear(symbol)
        if known is not None and known.book != book:
            known.book = book
            self._changed.add(symbol)

    def volume(self, symbol: str, shares: float | None) -> None:
        known = self._hear(symbol)
        if known is not None and shares is not None:
            known.volume = shares
            self._changed.add(symbol)

    def halted(self, symbol: str, why: str) -> None:
        known = self._hear(symbol)
        if known is not None:
            known.told_halt, known.is_from_before = why, False
            self._changed.add(symbol)

    def tick(self, tick: QuoteTick) -> None:
        self.book(tick.symbol, Book(tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.halt))
        self.trade(tick.symbol, tick.price, tick.as_of, exchange=tick.exchange)
        self.volume(tick.symbol, tick.volume)

    def passed_over(self, symbol: str) -> None:
        self._hear(symbol)

    def unreadable(self, why: str) -> None:
        self.problems[why] += 1
        self.messages += 1

    def take_changes(self) -> list[QuoteTick]:
        """Return the quotes that have changed since they were last taken, and trades that are to be refused.

        Those with an announced halt are always among them: a poll does not know of it, and would end it.
        """
        halted = {symbol for symbol, known in self.symbols.items() if known.told_halt}
        changed, self._changed = self._changed | halted, set()
        ticks = (self.symbols[symbol].tick(symbol) for symbol in changed if symbol in self.symbols)
        unfit, self._unfit = self._unfit, []
        return [*unfit, *(tick for tick in ticks if tick is not None)]

    def give_back(self, ticks: Sequence[QuoteTick]) -> None:
        """Have quotes taken again that could not be stored; newer ones may have come by then."""
        self._changed.update(tick.symbol for tick in ticks if tick.symbol in self.symbols)

    def forget(self, ticks: Iterable[QuoteTick]) -> None:
        """Forget trades that were refused: a time in the future would keep out those that come after."""
        for tick in ticks:
            known = self.symbols.get(tick.symbol)
            if known is not None and known.as_of == tick.as_of:
                known.price = known.as_of = known.key = None

    def _hear(self, symbol: str) -> Symbol | None:
        """Note that something came about a symbol; None when it is not streamed (any more)."""
        now = self.clock()
        self.messages, self.last_message = self.messages + 1, now
        known = self.symbols.get(symbol)
        if known is not None:
            known.heard.note(now)
        return known
