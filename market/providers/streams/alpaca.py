"""Alpaca's websocket: https://docs.alpaca.markets/docs/streaming-market-data and, for shares,
https://docs.alpaca.markets/docs/real-time-stock-pricing-data

Trades, quotes and trading states of each symbol. A plan that allows fewer symbols says so when it is asked
for more: what it was asked for is then halved until it fits, and the most important symbols are streamed.
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

SYMBOL = re.compile(r"[A-Z0-9]+(\.[A-Z]+)?\Z")
MOST_AT_ONCE = 400  # symbols in one message
DELAY = timedelta(minutes=15)
IEX = "V"
CHANNELS: Sequence[str] = ("trades", "quotes", "statuses")
SUCCESS, ERROR, SUBSCRIPTION = "success", "error", "subscription"
AN_HOUR, SOME_MINUTES = timedelta(hours=1), timedelta(minutes=5)
SYMBOL_LIMIT, NO_SUCH_CHANNEL = 405, 410
KEYS = "Check ALPACA_API_KEY and ALPACA_API_SECRET."
PLAN = "The plan has no stream of this feed: set ALPACA_STREAM_URL to one that it has, or upgrade it."
OTHER = "Another program uses the account's only connection: end it, or set STREAMING=off here."
ERRORS: Mapping[object, tuple[str, timedelta | None]] = {
    401: (KEYS, AN_HOUR),
    402: (KEYS, AN_HOUR),
    406: (OTHER, SOME_MINUTES),
    407: ("We were too slow to take in what came.", None),
    409: (PLAN, AN_HOUR),
}
# Of `sc`, by CTA and UTP: what begins a halt, and what ends it. The others say nothing of either.
HALTS: Mapping[object, str] = {
    "2": "trading halt",
    "H": "trading halt",
    "P": "volatility trading pause",
}
RESUMES = ("3", "T")
BEYOND = "beyond the symbols that the plan streams"
STREAM_URL = Setting(
    "ALPACA_STREAM_URL",
    Url(schemes=("ws", "wss")),
    default="wss://stream.data.alpaca.markets/v2/iex",
)


class Dialogue:
    def __init__(self, updates: Updates, *, key: str, secret: str) -> None:
        self.is_ready = False
        self._updates = updates
        self._credentials = {"action": "auth", "key": key, "secret": secret}
        self._given: set[str] = set()
        self._asked = 0  # symbols in the request that is not answered yet
        self._most = MOST_AT_ONCE
        self._limit: int | None = None  # of the plan, once it is known
        self._channels = CHANNELS
        self._wanted: Sequence[str] = ()
        self._data: Mapping[object, Callable[[dict[str, Any], str], None]] = {
            "t": self._trade,
            "q": self._quote,
            "s": self._status,
            "c": self._correction,
            "x": self._cancellation,
        }

    def take(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        kind = message.get("T")
        if (handle := self._data.get(kind)) is not None:
            symbol = message.get("S")
            if isinstance(symbol, str):
                handle(message, symbol)
            else:
                self._updates.unreadable("no symbol")
            return ()
        return self._control(kind, message)

    def ask_for(self, symbols: Sequence[str]) -> Sequence[dict[str, Any]]:
        self._wanted = symbols
        return () if self._asked else self._next_request()

    def _control(self, kind: object, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        if kind == SUCCESS and message.get("msg") == "connected":
            return [self._credentials]
        if kind == SUCCESS:
            self.is_ready = self.is_ready or message.get("msg") == "authenticated"
        elif kind == SUBSCRIPTION:
            return self._note_subscription(message)
        elif kind == ERROR:
            return self._note_error(message)
        return ()

    def _next_request(self) -> Sequence[dict[str, Any]]:
        """Return a request for the next symbols, or to give up those that are not wanted any more."""
        fit = [symbol for symbol in self._wanted if SYMBOL.match(symbol)]
        self._updates.subscribed(self._given, self._left_out(fit))
        if surplus := sorted(self._given.difference(fit[: self._limit])):
            return [self._request("unsubscribe", surplus)]
        missing = [symbol for symbol in fit[: self._limit] if symbol not in self._given][: self._most]
        return [self._request("subscribe", missing)] if missing else ()

    def _request(self, action: str, symbols: Sequence[str]) -> dict[str, Any]:
        self._asked = len(symbols)
        return {"action": action, **{channel: list(symbols) for channel in self._channels}}

    def _left_out(self, fit: Sequence[str]) -> dict[str, str]:
        strange = {symbol: "not a symbol that Alpaca has" for symbol in self._wanted if symbol not in fit}
        return strange | dict.fromkeys([] if self._limit is None else fit[self._limit :], BEYOND)

    def _note_subscription(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        self._given, self._asked = {str(symbol) for symbol in message.get("trades") or ()}, 0
        return self._next_request()

    def _note_error(self, message: dict[str, Any]) -> Sequence[dict[str, Any]]:
        code = message.get("code")
        if code == SYMBOL_LIMIT and self._asked:
            return self._ask_for_fewer()
        if code == NO_SUCH_CHANNEL and self._channels == CHANNELS:
            self._channels, self._asked = CHANNELS[:2], 0
            return self._next_request()
        advice, pause = ERRORS.get(code, ("", None))
        raise StreamError(f"Alpaca: {str(message.get('msg'))[:100]} ({code}). {advice}".strip(), pause=pause)

    def _ask_for_fewer(self) -> Sequence[dict[str, Any]]:
        """Halve the request that was one too many; what was streamed before it still is."""
        self._most, self._asked = self._asked // 2, 0
        if self._most == 0:
            self._limit, self._most = len(self._given), MOST_AT_ONCE
        return self._next_request()

    def _trade(self, row: dict[str, Any], symbol: str) -> None:
        as_of = wire.moment(row.get("t"))
        if as_of is None:
            self._updates.unreadable("a trade without a time")
        elif conditions.not_last(row.get("c"), conditions.trades_of(row.get("z")), as_of):
            self._updates.passed_over(symbol)
        else:
            exchange = "IEX" if row.get("x") == IEX else str(row.get("x") or "")[:16]
            self._updates.trade(symbol, wire.number(row.get("p")), as_of, key=row.get("i"), exchange=exchange)

    def _quote(self, row: dict[str, Any], symbol: str) -> None:
        self._updates.book(
            symbol,
            Book(
                bid=wire.given(row.get("bp")),
                ask=wire.given(row.get("ap")),
                bid_size=wire.share_count(row.get("bs")),
                ask_size=wire.share_count(row.get("as")),
                halt=conditions.halt(row.get("c"), row.get("z")),
            ),
        )

    def _status(self, row: dict[str, Any], symbol: str) -> None:
        code = row.get("sc")
        if code in RESUMES:
            self._updates.halted(symbol, "")
        elif code in HALTS:
            self._updates.halted(symbol, HALTS[code])
        else:
            self._updates.passed_over(symbol)

    def _correction(self, row: dict[str, Any], symbol: str) -> None:
        self._updates.corrected(symbol, row.get("oi"), wire.number(row.get("cp")))

    def _cancellation(self, row: dict[str, Any], symbol: str) -> None:
        self._updates.corrected(symbol, row.get("i"), None)


def build(values: Mapping[str, Any], clock: Clock) -> Stream:
    key, secret, url = (values[name] for name in ("ALPACA_API_KEY", "ALPACA_API_SECRET", STREAM_URL.name))
    is_late = urlsplit(url).path.rstrip("/").endswith("delayed_sip")
    return WebsocketStream(
        "Alpaca",
        url,
        Feed.DELAYED if is_late else Feed.LIVE,
        DELAY if is_late else timedelta(0),
        partial(Dialogue, key=key, secret=secret),
        advice=KEYS,
        secrets=[key, secret],
    )
