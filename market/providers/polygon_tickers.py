"""The reference tickers of Polygon, now Massive: what it lists, by symbol or by words of a name."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from core.http import Answer, Client, Failure, Fetched, Patience, Request
from core.redaction import redact
from market.providers import currencies, wire
from market.providers.base import Limit, Pace
from market.providers.listings import MOST_FOUND, PATIENCE, Kind, Listing, Listings, Status, best

LEFT_FOR_QUOTES = 1
TICKERS = "/v3/reference/tickers"
PREFERRED = re.compile(r"\.PR(?=[A-Z]?\Z)")
THEIR_PREFERRED = re.compile(r"([A-Z]+)p([A-Z]?)")  # BACpK is BAC.PRK here
TICKER = re.compile(r"[A-Z0-9.]+")
KINDS = {
    **dict.fromkeys(["CS", "OS", "NYRS"], Kind.SHARE),
    **dict.fromkeys(["ADRC", "ADRR", "GDR"], Kind.ADR),
    **dict.fromkeys(["ETF", "ETS", "ETV"], Kind.ETF),
    "FUND": Kind.FUND,
    "INDEX": Kind.INDEX,
}
KEY_ADVICE = "Check POLYGON_API_KEY."
BUSY = "Polygon is asked too often just now: the plan allows few requests a minute"


class PolygonTickers:
    name = "polygon"

    def __init__(
        self, base_url: str, *, key: str, per_minute: int, pace: Pace, patience: Patience | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = Client("Polygon", base_url, headers=headers, connections=8, patience=patience)
        # The limit of quotes and candles, which it is counted with.
        self._reserve = partial(pace.reserve, [Limit("requests", per_minute, 61.0)], spare=LEFT_FOR_QUOTES)
        self._key = key

    def search(self, text: str) -> list[Listing]:
        query = {"search": text, "market": "stocks", "active": "true", "limit": str(5 * MOST_FOUND)}
        fetched = self._fetch({"search": Request(TICKERS, query)})
        if "search" not in fetched.answers:
            failure = fetched.failed.get("search", Failure(BUSY, again=True))
            raise wire.error(failure, KEY_ADVICE if failure.status in (401, 403) else "")
        rows = wire.rows_of(fetched.answers["search"].body.get("results"))
        listings = [listing for row in rows if (listing := _listing(row))]
        ranked = best(listings, text)
        # It also finds by what is not in the name, as the number of a company.
        return (ranked + [listing for listing in listings if listing not in ranked])[:MOST_FOUND]

    def describe(self, symbols: Sequence[str]) -> Listings:
        """What is delisted is found by a second question: the first one only knows what is active."""
        requests = {symbol: Request(f"{TICKERS}/{quote(_ticker(symbol), safe='')}") for symbol in symbols}
        active = self._fetch(requests)
        gone = [symbol for symbol, failure in active.failed.items() if failure.status == 404]
        past = self._fetch({symbol: _delisted(symbol) for symbol in gone})
        found, absent, failed = {}, set[str](), {}
        for symbol, answer in {**active.answers, **past.answers}.items():
            listing = _named(answer, symbol)
            if listing is not None:
                found[symbol] = listing
            elif symbol in gone:
                absent.add(symbol)
            else:
                failed[symbol] = f"{self._client.who} answered with another ticker"
        for symbol, why in {**active.failed, **past.failed}.items():
            if symbol not in past.answers and symbol not in past.declined:
                failed[symbol] = _reason(why)
        return Listings(found, absent, failed, [*active.declined, *past.declined])

    def _fetch(self, requests: Mapping[str, Request]) -> Fetched:
        """Send them; a refusal that comes with 200 is the failure that it is."""
        fetched = self._client.fetch(requests, self._reserve)
        for asked in [asked for asked, answer in fetched.answers.items() if _is_refusal(answer)]:
            body = fetched.answers.pop(asked).body
            text = str(body.get("message") or body.get("error") or "refused")[:200]
            fetched.failed[asked] = Failure(f"Polygon: {redact(text, [self._key])}", status=403)
        return fetched


def _is_refusal(answer: Answer) -> bool:
    return answer.body.get("status") in ("NOT_AUTHORIZED", "ERROR")


def _reason(failure: Failure) -> str:
    return f"{failure}. {KEY_ADVICE}" if failure.status in (401, 403) else str(failure)


def _ticker(symbol: str) -> str:
    return PREFERRED.sub("p", symbol)


def _delisted(symbol: str) -> Request:
    return Request(TICKERS, {"ticker": _ticker(symbol), "active": "false", "limit": "10"})


def _named(answer: Answer, symbol: str) -> Listing | None:
    """Return what an answer says of a symbol; of several listings under one ticker the last that ended."""
    results = answer.body.get("results")
    rows = [results] if isinstance(results, dict) else wire.rows_of(results)
    listings = [listing for row in rows if (listing := _listing(row)) and listing.symbol == symbol]
    return max(listings, key=lambda listing: str(listing.delisted_on or ""), default=None)


def _listing(row: wire.Row) -> Listing | None:
    """Return what a row lists; None when it names no symbol of a share.

    `round_lot` is not read: it is how quotes count, and any number of shares may be ordered.
    """
    symbol = _ours(row.get("ticker"))
    if symbol is None:
        return None
    ended = wire.moment(row.get("delisted_utc"))
    active = row.get("active")
    return Listing(
        symbol=symbol,
        name=str(row.get("name") or ""),
        exchange=str(row.get("primary_exchange") or "")[:16].upper(),
        currency=currencies.code(row.get("currency_name")),
        kind=KINDS.get(str(row.get("type")), Kind.OTHER if row.get("type") else Kind.UNKNOWN),
        status=_status(active),
        delisted_on=ended.date() if ended and active is False else None,
    )


def _status(active: object) -> Status:
    if not isinstance(active, bool):
        return Status.UNKNOWN
    return Status.ACTIVE if active else Status.DELISTED


def _ours(ticker: object) -> str | None:
    if not isinstance(ticker, str):
        return None
    if match := THEIR_PREFERRED.fullmatch(ticker):
        return f"{match[1]}.PR{match[2]}"
    return ticker if TICKER.fullmatch(ticker) else None


def build(values: Mapping[str, Any], pace: Pace, patience: Patience = PATIENCE) -> PolygonTickers:
    return PolygonTickers(
        values["POLYGON_BASE_URL"],
        key=values["POLYGON_API_KEY"],
        per_minute=values["POLYGON_REQUESTS_PER_MINUTE"],
        pace=pace,
        patience=patience,
    )
