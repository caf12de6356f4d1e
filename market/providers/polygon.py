"""Polygon, now Massive: quotes of many symbols or the whole market at once, candles one symbol at a time."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import numpy as np

from core.http import Answer, Client, Failure, Fetched, Pages, Patience, Request
from core.redaction import redact
from core.registry import Setting
from core.registry.kinds import KEY, Url, Whole
from market.prices import Bars, Feed, QuoteTick, Timeframe
from market.providers import (
    conditions,
    facts,
    polygon_actions,
    polygon_earnings,
    polygon_rates,
    polygon_tickers,
    wire,
)
from market.providers.actions import Actions
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
from market.providers.earnings import Earnings
from market.providers.rates import Rates
from market.providers.streams import polygon as streamed

SNAPSHOT = "/v2/snapshot/locale/us/markets/stocks/tickers"
RANGES = {
    Timeframe.M1: "1/minute",
    Timeframe.M5: "5/minute",
    Timeframe.M15: "15/minute",
    Timeframe.H1: "1/hour",
    Timeframe.D1: "1/day",
    Timeframe.W1: "1/week",
}
WINDOW = 61.0  # a minute and the second by which requests may travel unequally
LEFT_FOR_QUOTES = 1
MOST_TICKERS = 500
DELAY = timedelta(minutes=15)
# The free plan gives two years and refuses a question that reaches further back.
FREE_HISTORY = timedelta(days=729)
PREFERRED = re.compile(r"\.PR(?=[A-Z]?\Z)")
KEY_ADVICE = "Check POLYGON_API_KEY."
UNTRADED = "no trade yet today"
NOT_LAST = "its last trade does not set the price"
PLAN_ADVICE = (
    "The plan has no snapshots, so Polygon gives no quotes, only candles. Upgrade the plan, or take quotes "
    "from another provider."
)
OUTSIDE_PLAN = "the plan does not include bars of that time"


class Polygon:
    name = "polygon"

    def __init__(
        self, base_url: str, *, key: str, per_minute: int, pace: Pace, patience: Patience | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = Client("Polygon", base_url, headers=headers, connections=8, patience=patience)
        self._reserve = partial(pace.reserve, [_limit(per_minute)])
        self._turn_down = partial(_turn_down, key=key)

    def quotes(self, symbols: Sequence[str], at: datetime) -> Quotes:
        answer = self._snapshot(symbols)
        if answer is None:
            return Quotes([], Feed.LIVE, declined=list(symbols))
        rows = {row.get("ticker"): row for row in wire.rows_of(answer.body.get("tickers"))}
        ticks, failed, blameless = [], {}, set[str]()
        for symbol in symbols:
            tick = _tick(symbol, rows.get(_ticker(symbol)))
            if isinstance(tick, str):
                failed[symbol] = tick
                blameless |= {symbol} if tick.startswith((UNTRADED, NOT_LAST)) else set()
            else:
                ticks.append(tick)
        # Plans without trades are the late ones.
        late = _is_late(answer) or not any("lastTrade" in row for row in rows.values())
        feed, delay = (Feed.DELAYED, DELAY) if late else (Feed.LIVE, timedelta(0))
        return Quotes(ticks, feed, delay, failed, blameless=blameless)

    def candles(self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Candles:
        pages = self._aggregates(symbols, timeframe, since, at)
        if _outside_plan(pages) and since < at - FREE_HISTORY:
            pages = self._aggregates(symbols, timeframe, at - FREE_HISTORY, at)
        failure = wire.why_nothing(pages)
        if failure is not None and not _outside_plan(pages):
            raise _error(failure, of_each=pages)
        reasons = {
            symbol: OUTSIDE_PLAN if _is_outside_plan(why) else str(why)
            for symbol, why in pages.failed.items()
        }
        # Newest first: what was cut short is whole as far as it goes.
        bars = {symbol: _bars(answers, timeframe, since) for symbol, answers in pages.answers.items()}
        partial_for = {symbol: why for symbol, why in reasons.items() if symbol in bars}
        failed = {symbol: why for symbol, why in reasons.items() if symbol not in bars}
        late = failure is not None or any(
            _is_late(page) for answers in pages.answers.values() for page in answers
        )
        feed, delay = (Feed.DELAYED, DELAY) if late else (Feed.LIVE, timedelta(0))
        left = [symbol for symbol in pages.declined if symbol not in bars]
        blameless = wire.refused_for_all(pages)
        return Candles(bars, feed, delay, failed, left, blameless, partial=partial_for)

    def corporate_actions(
        self, symbols: Sequence[str], since: date, until: date, silent: Mapping[str, date]
    ) -> Actions:
        tickers = {_ticker(symbol): symbol for symbol in symbols}
        return polygon_actions.fetch(self._pages, tickers, since, until, silent)

    def earnings(self, symbols: Sequence[str], since: date, until: date) -> facts.Answer[Earnings]:
        tickers = {_ticker(symbol): symbol for symbol in symbols}
        return polygon_earnings.fetch(self._pages, tickers, since, until)

    def rates(self, pairs: Sequence[str], at: datetime) -> Rates:
        return polygon_rates.fetch(self._fetch, pairs)

    def _fetch(self, requests: Mapping[str, Request]) -> Fetched:
        fetched = self._client.fetch(requests, partial(self._reserve, spare=LEFT_FOR_QUOTES))
        self._turn_down(fetched)
        return fetched

    def _pages(self, requests: Mapping[str, Request]) -> Pages:
        pages = self._client.fetch_pages(requests, _following, partial(self._reserve, spare=LEFT_FOR_QUOTES))
        self._turn_down(pages)
        return pages

    def report(self, at: datetime) -> Report:
        began = self._client.clock()
        day = at - timedelta(days=7)
        requests = {
            "quotes": Request(SNAPSHOT, {"tickers": "AAPL"}),
            "candles": _range("AAPL", Timeframe.D1, day, at),
        }
        fetched = self._client.fetch({"candles": requests["candles"]}, self._reserve)
        self._turn_down(fetched)
        if "candles" not in fetched.answers:
            why = fetched.failed.get("candles", "asked too often just now: try again in a minute")
            return Report(answers=False, advice=f"{why}. {KEY_ADVICE}")
        answer = fetched.answers["candles"]
        snapshot = self._client.fetch({"quotes": requests["quotes"]}, self._reserve)
        self._turn_down(snapshot)
        allowed = "quotes" in snapshot.answers
        late = _is_late(answer) or (allowed and _is_late(snapshot.answers["quotes"]))
        refused = _refused(snapshot.failed.get("quotes"))
        return Report(
            answers=True,
            entitlement="quotes and candles" if allowed else "candles only" if refused else "candles",
            delay="15 minutes" if late else "none",
            volume="consolidated; sizes of the book in shares",
            hours="04:00 to 20:00 New York",
            adjustment="splits",
            clock_offset=wire.clock_offset(answer, at + timedelta(seconds=answer.received - began)),
            advice=PLAN_ADVICE if refused else "",
        )

    def _snapshot(self, symbols: Sequence[str]) -> Answer | None:
        """Send one request, whatever it takes: for these symbols or, when they are many, the whole market.

        None when there was no slot for it. Raises ProviderError.
        """
        batches = wire.chunks([_ticker(symbol) for symbol in symbols], MOST_TICKERS)
        query = {"tickers": ",".join(batches[0])} if len(batches) == 1 else {}
        fetched = self._client.fetch({"snapshot": Request(SNAPSHOT, query)}, self._reserve)
        self._turn_down(fetched)
        if "snapshot" in fetched.failed:
            raise _error(fetched.failed["snapshot"], PLAN_ADVICE)
        return fetched.answers.get("snapshot")

    def _aggregates(
        self, symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime
    ) -> Pages:
        return self._pages({symbol: _range(symbol, timeframe, since, at) for symbol in symbols})


def _limit(per_minute: int) -> Limit:
    return Limit("requests", per_minute, WINDOW)


def _ticker(symbol: str) -> str:
    """Return the symbol as Polygon writes it: the preferred share BAC.PRK is BACpK."""
    return PREFERRED.sub("p", symbol)


def _range(symbol: str, timeframe: Timeframe, since: datetime, at: datetime) -> Request:
    start, end = (int(moment.timestamp() * 1000) for moment in (since, at))
    return Request(
        f"/v2/aggs/ticker/{quote(_ticker(symbol), safe='')}/range/{RANGES[timeframe]}/{start}/{end}",
        {"adjusted": "true", "sort": "desc", "limit": "50000"},
    )


def _following(request: Request, answer: Answer) -> Request | None:
    """Return the next page's request: always to the host of the settings, whichever the answer names.

    Massive's answers name their new host to those who ask the old one, too. The key goes in a header: one
    that an answer writes into the address is left out.
    """
    address = answer.body.get("next_url")
    if not isinstance(address, str) or not address:
        return None
    try:
        parts = urlsplit(urljoin(request.path, address))
    except ValueError:
        return Request(address)  # refused as an address of nowhere
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = {name: value for name, value in pairs if name.lower() != "apikey"}
    following = Request(f"/{parts.path.lstrip('/')}", query)
    return None if following == request else following


def _turn_down(fetched: Fetched | Pages, *, key: str) -> None:
    """Make a refusal that comes with 200 the failure that it is. Pages before it stay."""
    for asked in list(fetched.answers):
        answer = fetched.answers[asked]
        pages = answer if isinstance(answer, list) else [answer]
        refused = next((page for page, each in enumerate(pages) if _is_refusal(each)), None)
        if refused is None:
            continue
        text = str(pages[refused].body.get("message") or pages[refused].body.get("error") or "refused")
        status = 403 if refused == 0 else None  # a plan or key that gave the pages before is good
        reason = f"Polygon: {redact(text[:200], [key])}"
        fetched.failed[asked] = Failure(reason, permanent=refused == 0, status=status)
        if refused and isinstance(answer, list):
            del answer[refused:]
        else:
            del fetched.answers[asked]


def _is_refusal(answer: Answer) -> bool:
    return answer.body.get("status") in ("NOT_AUTHORIZED", "ERROR")


def _is_late(answer: Answer) -> bool:
    return answer.body.get("status") == "DELAYED"


def _refused(failure: Failure | None) -> bool:
    return failure is not None and failure.status == 403


def _is_outside_plan(failure: Failure) -> bool:
    return _refused(failure) and "timeframe" in str(failure)


def _outside_plan(pages: Pages) -> bool:
    return any(_is_outside_plan(failure) for failure in pages.failed.values())


def _error(failure: Failure, advice: str = "", *, of_each: Pages | None = None) -> ProviderError:
    hint = {401: KEY_ADVICE, 403: advice or KEY_ADVICE}.get(failure.status or 0, "")
    return wire.no_answer(failure, hint, of_each=of_each)


def _tick(symbol: str, row: wire.Row | None) -> QuoteTick | str:
    """Return the quote, or why there is none."""
    if row is None:
        return "not in Polygon's snapshot"
    book, day = wire.part(row, "lastQuote"), wire.part(row, "day")
    last = _last(row)
    if isinstance(last, str):
        return last
    price, as_of = last
    return QuoteTick(
        symbol=symbol,
        price=price,
        as_of=as_of,
        bid=wire.given(book.get("p")),
        ask=wire.given(book.get("P")),
        bid_size=wire.share_count(book.get("s")),
        ask_size=wire.share_count(book.get("S")),
        volume=wire.share_count(day.get("v")),
        tells_halts=False,
    )


def _last(row: wire.Row) -> tuple[float, datetime] | str:
    """Return the last price and its time, or why there is none.

    Where the last trade does not set it, the newest minute does, which Polygon builds by the same rules.
    """
    trade, minute = wire.part(row, "lastTrade"), wire.part(row, "min")
    price = wire.number(trade.get("p") if trade else minute.get("c") or wire.part(row, "day").get("c"))
    as_of = wire.from_nanoseconds(trade.get("t") if trade else row.get("updated"))
    if price == 0:
        return UNTRADED  # snapshots are cleared at 03:30 in New York
    if as_of is None:
        return "a trade without a time"
    if why := conditions.not_last(trade.get("c"), conditions.POLYGON_TRADES, as_of):
        opened_at = wire.from_unix_milliseconds(minute.get("t"))
        return wire.of_minute(minute.get("c"), opened_at, as_of) or f"{NOT_LAST} ({why})"
    return price, as_of


def _bars(pages: Sequence[Answer], timeframe: Timeframe, since: datetime) -> Bars:
    """Return the bars oldest first. Asked for newest first, what answers in its place may not keep to it."""
    rows = [row for page in pages for row in wire.rows_of(page.body.get("results"))][::-1]
    opened_at = wire.from_milliseconds(wire.column(rows, "t"))
    if not timeframe.is_intraday:
        # Stamped midnight New York: 04:00 or 05:00 UTC of the date.
        opened_at = opened_at.astype("datetime64[D]").astype(opened_at.dtype)
    bars = wire.opened_since(wire.bars(rows, opened_at), since)
    return bars[np.argsort(bars.opened_at, kind="stable")]


def _build(values: Mapping[str, Any], pace: Pace, patience: Patience | None = None) -> Polygon:
    return Polygon(
        values["POLYGON_BASE_URL"],
        key=values["POLYGON_API_KEY"],
        per_minute=values["POLYGON_REQUESTS_PER_MINUTE"],
        pace=pace,
        patience=patience,
    )


def _request_rate(values: Mapping[str, Any], watchlist: Watchlist) -> RequestRate:
    """One request for all quotes, and one for each bar of each instrument."""
    needed = watchlist.quotes_a_minute + watchlist.instruments * watchlist.bars_a_minute
    return RequestRate(needed, _limit(values["POLYGON_REQUESTS_PER_MINUTE"]).rate(LEFT_FOR_QUOTES))


SPEC = ProviderSpec(
    name=Polygon.name,
    title="Polygon",
    settings=(
        Setting("POLYGON_API_KEY", KEY, secret=True, required=True),
        Setting("POLYGON_BASE_URL", Url(), default="https://api.massive.com"),
        Setting("POLYGON_REQUESTS_PER_MINUTE", Whole(1, 10_000), default=5),
        streamed.STREAM_URL,
    ),
    build=_build,
    stream=partial(streamed.build, ticker=_ticker),
    request_rate=_request_rate,
    is_consolidated=True,
    old_names=OldNames(
        {
            "POLYGON_API_KEY": ("api_key", "apikey", "key", "token"),
            "POLYGON_BASE_URL": ("base_url", "url"),
            "POLYGON_REQUESTS_PER_MINUTE": ("requests_per_minute", "rate_limit"),
        }
    ),
    directory=polygon_tickers.build,
)
