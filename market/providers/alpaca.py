"""Alpaca's market data: many symbols in one request.

Quotes are the free IEX feed: live, but the volume is a sliver of the market's and the book is not the
national best. Candles are SIP, the whole market, which the free plan gives once they are 15 minutes old.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from core.http import Answer, Client, Failure, Pages, Patience, Request
from core.registry import Setting
from core.registry.kinds import KEY, Url, Whole
from market.prices import Bars, Feed, QuoteTick, Timeframe
from market.providers import alpaca_actions, alpaca_assets, alpaca_rates, conditions, wire
from market.providers.actions import Actions, sound
from market.providers.base import (
    Candles,
    Limit,
    OldNames,
    Pace,
    ProviderError,
    ProviderSpec,
    Quotes,
    Report,
    RequestRate,
    Watchlist,
)
from market.providers.rates import Rates
from market.providers.streams import alpaca as streamed

SNAPSHOTS, BARS = "/v2/stocks/snapshots", "/v2/stocks/bars"
TIMEFRAMES = {
    Timeframe.M1: "1Min",
    Timeframe.M5: "5Min",
    Timeframe.M15: "15Min",
    Timeframe.H1: "1Hour",
    Timeframe.D1: "1Day",
    Timeframe.W1: "1Week",
}
SYMBOL = re.compile(r"[A-Z0-9]+(\.[A-Z]+)?\Z")
IEX = "V"
WINDOW = 61.0  # a minute and the second by which requests may travel unequally
LEFT_FOR_QUOTES = 10  # requests, or half of what is allowed when that is less
MOST_SYMBOLS, MOST_BARS = 1000, 10_000
SIP_DELAY = timedelta(minutes=16)
TRADING_HOURS = 16.0  # 04:00 to 20:00 New York
UNTRADED = "no trade at IEX yet"
NOT_LAST = "its last trade does not set the price"
KEYS_ADVICE = "Check ALPACA_API_KEY and ALPACA_API_SECRET, and that the plan includes this data."


@dataclass
class Batches:
    """Symbols in batches, the pages that came for each, and the symbols that the vendor refuses."""

    symbols: dict[str, list[str]]
    pages: Pages
    refused: dict[str, str] = field(default_factory=dict)

    def missed(self) -> tuple[dict[str, str], list[str]]:
        """Return the symbols of batches that failed, with the reason, and of batches that must wait."""
        failed = {symbol: str(why) for key, why in self.pages.failed.items() for symbol in self.symbols[key]}
        return self.refused | failed, [s for key in self.pages.declined for s in self.symbols[key]]

    def together(self) -> set[str]:
        """Return the symbols of batches with several, of which one may be what the others fail for."""
        batches = (self.symbols[key] for key in self.pages.failed)
        return {symbol for batch in batches if len(batch) > 1 for symbol in batch} - self.refused.keys()


class Alpaca:
    name = "alpaca"

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        secret: str,
        per_minute: int,
        pace: Pace,
        patience: Patience | None = None,
    ) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._client = Client("Alpaca", base_url, headers=headers, connections=8, patience=patience)
        self._reserve = partial(pace.reserve, [_limit(per_minute)])
        self._spare = _spare(per_minute)

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        batches = self._ask(symbols, MOST_SYMBOLS, SNAPSHOTS, {"feed": "iex"}, spare=0)
        failed, declined = batches.missed()
        ticks, blameless = [], set[str]()
        for key, (page,) in batches.pages.answers.items():
            for symbol in batches.symbols[key]:
                tick = _tick(symbol, page.body.get(symbol))
                if isinstance(tick, str):
                    failed[symbol] = tick
                    blameless |= {symbol} if tick.startswith((UNTRADED, NOT_LAST)) else set()
                else:
                    ticks.append(tick)
        return Quotes(
            ticks,
            Feed.LIVE,
            failed=failed,
            declined=declined,
            blameless=blameless,
            together=batches.together(),
        )

    def candles(self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Candles:
        # A bar that began less than its length before the newest allowed moment would hold forbidden trades.
        until = at - SIP_DELAY - (timeframe.length if timeframe.is_intraday else timedelta(0))
        if until <= since:
            return Candles({symbol: Bars.empty() for symbol in symbols}, Feed.DELAYED, SIP_DELAY)
        query = {
            "timeframe": TIMEFRAMES[timeframe],
            "start": _stamp(since),
            "end": _stamp(until),
            "limit": str(MOST_BARS),
            "adjustment": "split",
            "feed": "sip",
            "sort": "desc",  # what is cut short is then the oldest
        }
        most = max(MOST_BARS // wire.most_bars(timeframe, since, until, TRADING_HOURS), 1)
        batches = self._ask(symbols, min(most, MOST_SYMBOLS), BARS, query, spare=self._spare)
        failed, declined = batches.missed()
        bars: dict[str, Bars] = {}
        for key, pages in batches.pages.answers.items():
            batch = batches.symbols[key]
            if key in {*batches.pages.failed, *batches.pages.declined} and len(batch) > 1:
                continue  # which of its symbols are whole is not known
            bars |= {symbol: _bars(symbol, pages, timeframe, since) for symbol in batch}
        left = [symbol for symbol in declined if symbol not in bars]
        partial_for = {symbol: failed.pop(symbol) for symbol in failed.keys() & bars.keys()}
        together = batches.together()
        return Candles(bars, Feed.DELAYED, SIP_DELAY, failed, left, together=together, partial=partial_for)

    def corporate_actions(
        self, symbols: Sequence[str], since: date, until: date, silent: Mapping[str, date]
    ) -> Actions:
        query = alpaca_actions.query(since, until)
        batches = self._ask(symbols, MOST_SYMBOLS, alpaca_actions.PATH, query, spare=self._spare)
        failed, declined = batches.missed()
        whole = {*symbols} - failed.keys() - {*declined}
        pages = [page for answers in batches.pages.answers.values() for page in answers]
        actions, refused = sound(alpaca_actions.read(pages, whole))
        return Actions(actions, failed, declined, refused)

    def rates(self, pairs: Sequence[str], at: datetime) -> Rates:
        return alpaca_rates.fetch(partial(self._client.fetch, reserve=self._reserve), pairs)

    def report(self, at: datetime) -> Report:
        began = self._client.clock()
        quote = {"quote": Request(SNAPSHOTS, {"symbols": "AAPL", "feed": "iex"})}
        span = {"timeframe": "1Min", "start": _stamp(at - timedelta(minutes=5)), "end": _stamp(at)}
        recent = {"recent": Request(BARS, {"symbols": "AAPL", "feed": "sip", **span})}
        fetched = self._client.fetch(quote, self._reserve)
        if "quote" not in fetched.answers:
            why = fetched.failed.get("quote", "asked too often just now: try again in a minute")
            return Report(answers=False, advice=f"{why}. {KEYS_ADVICE}")
        answer = fetched.answers["quote"]
        paid = "recent" in self._client.fetch(recent, self._reserve).answers
        return Report(
            answers=True,
            entitlement="SIP in real time (paid plan)" if paid else "IEX in real time, SIP late (free plan)",
            delay="quotes none, candles 16 minutes",
            volume="quotes IEX only (about a thirtieth), candles consolidated; sizes of the book in shares",
            hours="04:00 to 20:00 New York",
            adjustment="splits",
            clock_offset=wire.clock_offset(answer, at + timedelta(seconds=answer.received - began)),
        )

    def _ask(
        self, symbols: Sequence[str], most: int, path: str, query: Mapping[str, str], *, spare: int
    ) -> Batches:
        """Return all pages for all symbols. Raises ProviderError when nothing came and Alpaca is to blame."""
        refused = {symbol: "not a symbol that Alpaca has" for symbol in symbols if not SYMBOL.match(symbol)}
        fit = [symbol for symbol in symbols if symbol not in refused]
        for _ in range(3):
            batches = {str(n): batch for n, batch in enumerate(wire.chunks(fit, most))}
            requests = {key: Request(path, {"symbols": ",".join(b), **query}) for key, b in batches.items()}
            pages = self._client.fetch_pages(requests, _following, partial(self._reserve, spare=spare))
            # One symbol that it does not like makes it refuse the whole request.
            named = {s: str(why) for key, why in pages.failed.items() for s in _named(batches[key], why)}
            if not named:
                break
            refused |= named
            fit = [symbol for symbol in fit if symbol not in named]
        if (failure := wire.why_nothing(pages)) is not None:
            raise _error(failure)
        return Batches(batches, pages, refused)


def _limit(per_minute: int) -> Limit:
    return Limit("requests", per_minute, WINDOW)


def _spare(per_minute: int) -> int:
    return min(LEFT_FOR_QUOTES, per_minute // 2)


def _error(failure: Failure) -> ProviderError:
    return wire.no_answer(failure, KEYS_ADVICE if failure.status in (401, 403) else "")


def _named(batch: Sequence[str], failure: Failure) -> list[str]:
    if failure.status != 400:
        return []
    words = set(re.findall(r"[A-Z0-9.]+", str(failure)))
    return [symbol for symbol in batch if symbol in words]


def _following(request: Request, answer: Answer) -> Request | None:
    token = answer.body.get("next_page_token")
    if not isinstance(token, str) or token in ("", request.query.get("page_token")):
        return None
    return Request(request.path, {**request.query, "page_token": token})


def _tick(symbol: str, snapshot: object) -> QuoteTick | str:
    """Return the quote, or why there is none."""
    if not isinstance(snapshot, dict):
        return "unknown to Alpaca, or never traded at IEX"
    trade, book, day = (wire.part(snapshot, name) for name in ("latestTrade", "latestQuote", "dailyBar"))
    last = _last(trade, wire.part(snapshot, "minuteBar"))
    if isinstance(last, str):
        return last
    price, as_of = last
    is_today = str(day.get("t"))[:10] == trade["t"][:10]
    return QuoteTick(
        symbol=symbol,
        price=price,
        as_of=as_of,
        bid=wire.given(book.get("bp")),
        ask=wire.given(book.get("ap")),
        bid_size=wire.share_count(book.get("bs")),
        ask_size=wire.share_count(book.get("as")),
        volume=wire.share_count(day.get("v")) if is_today else None,
        exchange="IEX" if trade.get("x") == IEX else str(trade.get("x") or "")[:16],
        halt=conditions.halt(book.get("c"), book.get("z")),
        tells_halts=conditions.tells_halts(book.get("z")),
    )


def _last(trade: wire.Row, minute: wire.Row) -> tuple[float, datetime] | str:
    """Return the last price and its time, or why there is none.

    Where the last trade does not set it, the newest minute does, which Alpaca builds by the same rules.
    """
    as_of, price = wire.moment(trade.get("t")), wire.number(trade.get("p"))
    if as_of is None or price == 0:
        return UNTRADED
    table = conditions.trades_of(trade.get("z"))
    if why := conditions.not_last(trade.get("c"), table, as_of):
        opened_at = wire.moment(minute.get("t"))
        return wire.of_minute(minute.get("c"), opened_at, as_of) or f"{NOT_LAST} ({why})"
    return price, as_of


def _bars(symbol: str, pages: Sequence[Answer], timeframe: Timeframe, since: datetime) -> Bars:
    """Return the bars, oldest first; the vendor sends the newest first."""
    rows = [row for page in pages for row in wire.rows_of(wire.part(page.body, "bars").get(symbol))][::-1]
    stamps = [row.get("t") for row in rows]
    # Daily bars are stamped midnight New York: 04:00 or 05:00 UTC of their date.
    opened_at = wire.instants(stamps) if timeframe.is_intraday else wire.dates(stamps)
    return wire.opened_since(wire.bars(rows, opened_at), since)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _build(values: Mapping[str, Any], pace: Pace, patience: Patience | None = None) -> Alpaca:
    return Alpaca(
        values["ALPACA_BASE_URL"],
        key=values["ALPACA_API_KEY"],
        secret=values["ALPACA_API_SECRET"],
        per_minute=values["ALPACA_REQUESTS_PER_MINUTE"],
        pace=pace,
        patience=patience,
    )


def _request_rate(values: Mapping[str, Any], watchlist: Watchlist) -> RequestRate:
    quotes = math.ceil(watchlist.instruments / MOST_SYMBOLS) * watchlist.quotes_a_minute
    candles = math.ceil(watchlist.instruments / watchlist.asked_at_once) * watchlist.bars_a_minute
    per_minute = values["ALPACA_REQUESTS_PER_MINUTE"]
    return RequestRate(quotes + candles, _limit(per_minute).rate(_spare(per_minute)))


SPEC = ProviderSpec(
    name=Alpaca.name,
    title="Alpaca",
    settings=(
        Setting("ALPACA_API_KEY", KEY, secret=True, required=True),
        Setting("ALPACA_API_SECRET", KEY, secret=True, required=True),
        Setting("ALPACA_BASE_URL", Url(), default="https://data.alpaca.markets"),
        Setting("ALPACA_TRADING_URL", Url(), default="https://paper-api.alpaca.markets"),
        Setting("ALPACA_REQUESTS_PER_MINUTE", Whole(1, 10_000), default=200),
        streamed.STREAM_URL,
    ),
    build=_build,
    stream=streamed.build,
    request_rate=_request_rate,
    is_consolidated=False,  # the book is IEX's alone: half of its spread is not the cost of a trade
    old_names=OldNames(
        {
            "ALPACA_API_KEY": ("api_key", "api_key_id", "key_id", "apikey", "key"),
            "ALPACA_API_SECRET": ("api_secret", "secret_key", "api_secret_key", "secret"),
            "ALPACA_BASE_URL": ("data_url", "base_url", "url"),
            "ALPACA_REQUESTS_PER_MINUTE": ("requests_per_minute", "rate_limit"),
        },
        address="//data.",  # not that of its trading
    ),
    directory=alpaca_assets.build,
)
