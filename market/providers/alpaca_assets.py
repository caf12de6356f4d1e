"""The assets of Alpaca's trading API: what it lists, by symbol or by words of a name.

It has no search: a name is looked for in the list of all that are active, which is kept for a while.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from urllib.parse import quote

from core.http import Client, Failure, Patience, Request
from market.providers import wire
from market.providers.base import Limit, Pace
from market.providers.listings import PATIENCE, Kind, Listing, Listings, Status, best

ASSETS = "/v2/assets"
LIMIT = Limit("assets", 200, 61.0)  # of the trading API, which counts for itself
KEPT_FOR = 3600.0  # seconds
EXCHANGES = {
    "AMEX": "XASE",
    "ARCA": "ARCX",
    "NASDAQ": "XNAS",
    "NYSE": "XNYS",
    "NYSEARCA": "ARCX",
    "OTC": "OOTC",
}
STATUSES = {"active": Status.ACTIVE, "inactive": Status.DELISTED}
# The vendor has no field for it; its names end in what an equity is.
KINDS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"\bETNs?\b|\b(notes?|warrants?|units?|rights?|preferred|preference)\b", re.I), Kind.OTHER),
    (re.compile(r"\bETFs?\b|\bexchange.traded fund|^SPDR\b|^iShares\b", re.I), Kind.ETF),
    (re.compile(r"american depos[ai]tory|american depositary|\bADSs?\b|\bADRs?\b", re.I), Kind.ADR),
    (re.compile(r"\b(common|ordinary|capital) (stock|shares?)\b|\bclass [A-Z]\b", re.I), Kind.SHARE),
    (re.compile(r"\bfund\b", re.I), Kind.FUND),
)
ADVICE = (
    "Check ALPACA_API_KEY and ALPACA_API_SECRET; keys of an account with real money need "
    "ALPACA_TRADING_URL=https://api.alpaca.markets."
)


class AlpacaAssets:
    name = "alpaca"

    def __init__(
        self, base_url: str, *, key: str, secret: str, pace: Pace, patience: Patience | None = None
    ) -> None:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        self._client = Client("Alpaca", base_url, headers=headers, connections=8, patience=patience)
        self._reserve = partial(pace.reserve, [LIMIT])
        self._listed: list[Listing] = []
        self._listed_at = 0.0

    def search(self, text: str) -> list[Listing]:
        return best(self._all(), text)

    def describe(self, symbols: Sequence[str]) -> Listings:
        requests = {symbol: Request(f"{ASSETS}/{quote(symbol, safe='')}") for symbol in symbols}
        fetched = self._client.fetch(requests, self._reserve)
        absent = {symbol for symbol, failure in fetched.failed.items() if failure.status in (404, 422)}
        failed = {symbol: _reason(why) for symbol, why in fetched.failed.items() if symbol not in absent}
        found = {}
        for symbol, answer in fetched.answers.items():
            listing = _listing(answer.body)
            if listing is None or listing.symbol != symbol:
                failed[symbol] = f"{self._client.who} answered with another asset"
            else:
                found[symbol] = listing
        return Listings(found, absent, failed, fetched.declined)

    def _all(self) -> list[Listing]:
        """Return all that are active. Raises ProviderError."""
        if self._listed and self._client.clock() - self._listed_at < KEPT_FOR:
            return self._listed
        requests = {"assets": Request(ASSETS, {"status": "active"}, has_rows=True)}
        fetched = self._client.fetch(requests, self._reserve)
        if "assets" not in fetched.answers:
            failure = fetched.failed.get("assets", Failure("Alpaca is asked too often just now", again=True))
            raise wire.error(failure, ADVICE if failure.status in (401, 403) else "")
        rows = wire.rows_of(fetched.answers["assets"].body["rows"])
        self._listed = [listing for row in rows if (listing := _listing(row))]
        self._listed_at = self._client.clock()
        return self._listed


def _reason(failure: Failure) -> str:
    return f"{failure}. {ADVICE}" if failure.status in (401, 403) else str(failure)


def _listing(row: wire.Row) -> Listing | None:
    """Return what a row lists; None when it names no symbol."""
    symbol = row.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        return None
    name = str(row.get("name") or "")
    is_crypto = row.get("class") == "crypto"
    return Listing(
        symbol=symbol.upper(),
        name=name,
        exchange="" if is_crypto else _exchange(row.get("exchange")),
        currency=symbol.rpartition("/")[2] if is_crypto and "/" in symbol else "USD",
        kind=Kind.CRYPTO if is_crypto else _kind(name),
        status=STATUSES.get(str(row.get("status")), Status.UNKNOWN),
        tick_size=_increment(row.get("price_increment")),
        borrowable=_borrowable(row),
    )


def _exchange(given: object) -> str:
    name = str(given or "").upper()
    return EXCHANGES.get(name, name)[:16]


def _kind(name: str) -> Kind:
    return next((kind for words, kind in KINDS if words.search(name)), Kind.UNKNOWN)


def _increment(given: object) -> Decimal | None:
    try:
        increment = Decimal(str(given))
    except InvalidOperation:
        return None
    return increment if increment.is_finite() and increment > 0 else None


def _borrowable(row: wire.Row) -> bool | None:
    answers = (row.get("shortable"), row.get("easy_to_borrow"))
    return all(answers) if all(isinstance(answer, bool) for answer in answers) else None


def build(values: Mapping[str, Any], pace: Pace, patience: Patience = PATIENCE) -> AlpacaAssets:
    return AlpacaAssets(
        values["ALPACA_TRADING_URL"],
        key=values["ALPACA_API_KEY"],
        secret=values["ALPACA_API_SECRET"],
        pace=pace,
        patience=patience,
    )
