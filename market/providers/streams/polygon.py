"""Massive's (once Polygon's) websocket: https://massive.com/docs/websocket/quickstart

Of each symbol: trades, quotes, the day's volume in the aggregates of each second, and halts (LULD). Where the
plan has no trades, the aggregates give the price, too: the vendor builds them by the rules of the last price.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from core.registry import Setting
from core.registry.kinds import Url
from market.prices import Feed
from market.providers import conditions, wire
from market.providers.streams.base import Book, Clock, Stream, StreamError, Updates
from market.providers.streams.websocket import WebsocketStream

MOST_AT_ONCE = 200  # symbols in one message
TRADES, QUOTES, SECONDS, LIMITS = "T", "Q", "A", "LULD"
CHANNELS = (TRADES, QUOTES, SECONDS, LIMITS)
PATIENCE = 5  # looks, a second apart, until something that was asked for must have been confirmed
DELAY = timedelta(minutes=15)
A_DAY, AN_HOUR, SOME_MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=5)
HALTED, RESUMED = 17, 18  # of LULD, for shares listed at Nasdaq
HALT = "limit up, limit down: trading is halted"
KEY = "Check POLYGON_API_KEY."
PLAN = (
    "The plan has no stream of this kind: set POLYGON_STREAM_URL=wss://delayed.massive.com/stocks where it "
    "has the delayed one, or upgrade it."
)
OTHER = "Another program uses the key's only connection: end it, or set STREAMING=off here."
ENDS: Mapping[object, tuple[str, timedelta | None]] = {
    "auth_failed": (KEY, AN_HOUR),
    "auth_timeout": ("", None),
    "max_connections": (OTHER, SOME_MINUTES),
}
CONFIRMED = re.compile(r"subscribed to: (T|Q|A|LULD)\.(\S+)\Z")
NOT_CONFIRMED = "not confirmed: the plan may not have it"
STREAM_URL = Setting(
    "POLYGON_STREAM_URL",
    Url(schemes=("ws", "wss")),
    default="wss://socket.massive.com/stocks",
)


class Dialogue:
    """`ticker`: a symbol as the vendor writes it."""

    def __init__(self, updates: Updates, *, key: str, ticker: Callable[[str], str]) -> None:
        self.is_ready = False
        self._updates, self._key, self._ticker = updates, key, ticker
        self._symbols: dict[str, str] = {}  # by ticker, those asked for
        self._confirmed: dict[str, set[str]] = {channel: set() for channel in CHANNELS}
        self._complaint = ""
        self._looks = 0  # since something was asked for
        self._data: Mapping[object, Callable[[dict[str, Any], str], None]] = {
            TRADES: self._trade,
            QUOTES: self._quote,
            SECONDS: self._second,
            LIMITS: self._limit,
        }

    def take(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        kind = message.get("ev")
        if (handle := self._data.get(kind)) is not None:
            symbol = self._symbols.get(str(message.get("T" if kind == LIMITS else "sym")))
            if symbol is None:
                self._updates.unreadable("not a symbol that was asked for")
            else:
                handle(message, symbol)
            return ()
        return self._status(message) if kind == "status" else ()

    def ask_for(self, symbols: Sequence[str]) -> Sequence[dict[str, Any]]:
        self._note_silence_about_the_request()
        wanted = {self._ticker(symbol): symbol for symbol in symbols}
        surplus = [ticker for ticker in self._symbols if ticker not in wanted]
        missing = [ticker for ticker in wanted if ticker not in self._symbols]
        for confirmed in self._confirmed.values():
            confirmed.difference_update(surplus)
        self._symbols, self._looks = wanted, 0 if missing else self._looks + 1
        self._note_subscribed()
        return [
            self._request(action, part)
            for action, tickers in (("unsubscribe", surplus), ("subscribe", missing))
            for part in wire.chunks(tickers, MOST_AT_ONCE)
        ]

    def _request(self, action: str, tickers: Sequence[str]) -> dict[str, Any]:
        topics = [f"{channel}.{ticker}" for ticker in tickers for channel in CHANNELS]
        return {"action": action, "params": ",".join(topics)}

    @property
    def _priced(self) -> set[str]:
        """Tickers whose price is streamed."""
        return self._confirmed[TRADES] | self._confirmed[SECONDS]

    def _note_subscribed(self) -> None:
        given = {symbol for ticker, symbol in self._symbols.items() if ticker in self._priced}
        late = set(self._symbols.values()) - given if self._looks > PATIENCE else set()
        self._updates.subscribed(given, dict.fromkeys(late, NOT_CONFIRMED))

    def _note_silence_about_the_request(self) -> None:
        if self._complaint and self._looks > PATIENCE and not self._priced:
            raise StreamError(f"Massive: {self._complaint}. {PLAN}", pause=A_DAY, is_plan=True)

    def _status(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        status, text = message.get("status"), str(message.get("message"))[:200]
        if status == "connected":
            return [{"action": "auth", "params": self._key}]
        if status in ENDS:
            advice, pause = ENDS[status]
            raise StreamError(f"Massive: {text} ({status}). {advice}".strip(), pause=pause)
        if status == "auth_success":
            self.is_ready = True
        elif confirmed := CONFIRMED.match(text):
            self._confirmed[confirmed[1]].add(confirmed[2])
        elif status == "error":
            self._complaint = text
        return ()

    def _trade(self, row: dict[str, Any], symbol: str) -> None:
        as_of = wire.from_unix_milliseconds(row.get("t"))
        if as_of is None:
            self._updates.unreadable("a trade without a time")
        elif conditions.not_last(row.get("c"), conditions.POLYGON_TRADES, as_of):
            self._updates.passed_over(symbol)
        else:
            self._updates.trade(symbol, wire.number(row.get("p")), as_of, key=row.get("i"))

    def _quote(self, row: dict[str, Any], symbol: str) -> None:
        self._updates.book(
            symbol,
            Book(
                bid=wire.given(row.get("bp")),
                ask=wire.given(row.get("ap")),
                bid_size=wire.share_count(row.get("bs")),
                ask_size=wire.share_count(row.get("as")),
            ),
        )

    def _second(self, row: dict[str, Any], symbol: str) -> None:
        self._updates.volume(symbol, wire.share_count(row.get("av")))
        ends_at = wire.from_unix_milliseconds(row.get("e"))
        if row.get("sym") in self._confirmed[TRADES]:
            return
        if ends_at is None:
            self._updates.unreadable("an aggregate without a time")
        else:
            self._updates.trade(symbol, wire.number(row.get("c")), ends_at)

    def _limit(self, row: dict[str, Any], symbol: str) -> None:
        indicators = row.get("i")
        indicators = indicators if isinstance(indicators, list) else []
        if RESUMED in indicators:
            self._updates.halted(symbol, "")
        elif HALTED in indicators:
            self._updates.halted(symbol, HALT)


def build(values: Mapping[str, Any], clock: Clock, *, ticker: Callable[[str], str]) -> Stream:
    key, url = values["POLYGON_API_KEY"], values[STREAM_URL.name]
    is_late = (urlsplit(url).hostname or "").startswith("delayed.")
    return WebsocketStream(
        "Massive",
        url,
        Feed.DELAYED if is_late else Feed.LIVE,
        DELAY if is_late else timedelta(0),
        partial(Dialogue, key=key, ticker=ticker),
        advice=KEY,
        secrets=[key],
    )
