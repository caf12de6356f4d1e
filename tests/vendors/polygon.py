"""Polygon (now Massive) on loopback."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.vendors import listings, prices
from tests.vendors.prices import Bar
from tests.vendors.server import Reply, Vendor, Visit

UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
SNAPSHOTS = ["v2", "snapshot", "locale", "us", "markets", "stocks", "tickers"]
NOT_ENTITLED = {
    "status": "NOT_AUTHORIZED",
    "request_id": "5f2c",
    "message": "You are not entitled to this data. Please upgrade your plan at https://polygon.io/pricing",
}


class Polygon(Vendor):
    """`plan`: "free" has bars only; "delayed" has snapshots without trades; "paid" has all of it, live.

    `page`: the most bars in one answer. `cleared`: snapshots hold zeros, as before a day's first trade.
    `next_host`: what next_url begins with, instead of the own address.
    `unit`: nanoseconds in one of what it counts the time of trades in.
    """

    key = "polygon-secret"

    def __init__(self, *, plan: str = "paid", page: int = 50_000, **options: Any) -> None:
        super().__init__(**options)
        self.plan, self.page, self.cleared, self.unit = plan, page, False, 1
        self.next_host: str | None = None
        self.dividends: list[dict[str, Any]] = []
        self.splits: list[dict[str, Any]] = []
        self.earnings: list[dict[str, Any]] | None = None  # None: the plan has none
        self.figis: dict[str, str] = {}
        self.changes: dict[str, list[tuple[str, str]]] = {}  # by FIGI: day and ticker, newest first

    @property
    def settings(self) -> dict[str, Any]:
        return {"POLYGON_BASE_URL": self.url, "POLYGON_API_KEY": self.key}

    def answer(self, visit: Visit) -> Reply:
        if visit.headers.get("authorization") != f"Bearer {self.key}":
            return Reply.json({"status": "ERROR", "request_id": "5f2c", "error": "Unknown API Key"}, 401)
        match visit.path.strip("/").split("/"):
            case steps if steps == SNAPSHOTS:
                return self._snapshots(visit.query)
            case ["v2", "aggs", "ticker", symbol, "range", count, unit, start, end]:
                length = timedelta(seconds=int(count) * UNITS[unit])
                return self._aggregates(symbol, length, _moment(start), _moment(end), visit)
            case ["v1", "last_quote", "currencies", base, term]:
                return self._last_quote(f"{base}/{term}")
            case ["stocks", "v1", "dividends"]:
                return self._reference(self.dividends, "ex_dividend_date", visit.query)
            case ["stocks", "v1", "splits"]:
                return self._reference(self.splits, "execution_date", visit.query)
            case ["benzinga", "v1", "earnings"]:
                if self.earnings is None:
                    return Reply.json(NOT_ENTITLED, 403)
                return self._reference(self.earnings, "date", visit.query)
            case ["v3", "reference", "tickers", ticker] if ticker in self.figis and "date" in visit.query:
                figi = {"ticker": ticker, "composite_figi": self.figis[ticker]}
                return Reply.json({"status": "OK", "results": figi})
            case ["vX", "reference", "tickers", figi, "events"] if figi in self.changes:
                events = [
                    {"type": "ticker_change", "date": day, "ticker_change": {"ticker": ticker}}
                    for day, ticker in self.changes[figi]
                ]
                return Reply.json({"status": "OK", "results": {"name": "A company", "events": events}})
            case ["v3", "reference", "tickers"]:
                return listings.tickers(visit.query)
            case ["v3", "reference", "tickers", ticker]:
                return listings.ticker(ticker)
        return Reply.json({"status": "NOT_FOUND", "message": "page not found"}, 404)

    def _last_quote(self, pair: str) -> Reply:
        if self.rates is None:
            return Reply.json(NOT_ENTITLED, 403)
        if pair not in self.rates:
            return Reply.json({"status": "NOT_FOUND", "message": "Data not found."}, 404)
        price = self.rates[pair]
        last = {"ask": price * 1.001, "bid": price * 0.999, "exchange": 48, "timestamp": _ms(self.at)}
        return Reply.json({"last": last, "request_id": "5f2c", "status": "success", "symbol": pair})

    def _reference(self, rows: list[dict[str, Any]], column: str, query: dict[str, str]) -> Reply:
        tickers = query["ticker.any_of"].split(",")
        listed = [
            row
            for row in rows
            if row["ticker"] in tickers and query[f"{column}.gte"] <= row[column] <= query[f"{column}.lte"]
        ]
        return Reply.json({"status": self._status, "request_id": "5f2c", "results": listed})

    def _snapshots(self, query: dict[str, str]) -> Reply:
        if self.plan == "free":
            return Reply.json(NOT_ENTITLED, 403)
        symbols = [symbol for symbol in query.get("tickers", "").split(",") if symbol] or self.symbols
        tickers = [self._ticker(symbol) for symbol in symbols if symbol in self.symbols]
        return Reply.json({"status": self._status, "count": len(tickers), "tickers": tickers})

    def _ticker(self, symbol: str) -> dict[str, Any]:
        price = 0.0 if self.cleared else self.price(symbol)
        at = 0 if self.cleared else _ms(self.at) * 1_000_000
        day = {"o": price, "h": price, "l": price, "c": price, "v": price and 1_250_000.5, "vw": price}
        ticker = {
            "ticker": symbol,
            "todaysChange": 0,
            "day": day,
            "min": {**day, "av": day["v"], "t": at // 1_000_000, "n": 10},
            "prevDay": day,
            "updated": at,
        }
        if self.plan == "paid":
            last, codes = self.prints.get(symbol, (price, [14]))
            bid, ask = self.books.get(symbol, (price - 0.01, price + 0.01))
            traded = _ms(self.traded_at[symbol]) * 1_000_000 if symbol in self.traded_at else at
            ticker["lastTrade"] = {
                "p": last,
                "s": 100,
                "t": traded // self.unit,
                "x": 4,
                "c": codes,
                "i": "7",
            }
            ticker["lastQuote"] = {"p": bid, "s": 2, "P": ask, "S": 4, "t": at}
        return ticker

    def _aggregates(
        self, symbol: str, length: timedelta, start: datetime, end: datetime, visit: Visit
    ) -> Reply:
        rows = (
            self.bars(symbol, length, start, min(end, self.at), prices.EXTENDED)
            if symbol in self.symbols
            else []
        )
        rows = rows[::-1] if visit.query.get("sort") == "desc" else rows
        skip, limit = (
            int(visit.query.get("cursor", "0")),
            min(int(visit.query.get("limit", "5000")), self.page),
        )
        answer: dict[str, Any] = {
            "ticker": symbol,
            "adjusted": True,
            "status": self._status,
            "count": len(rows),
        }
        page = [_row(bar) for bar in rows[skip : skip + limit]]
        answer |= {"queryCount": len(rows), "resultsCount": len(page)} | ({"results": page} if page else {})
        if skip + limit < len(rows):
            host = f"http://{visit.headers['host']}" if self.next_host is None else self.next_host
            sort = visit.query.get("sort", "asc")
            answer["next_url"] = f"{host}{visit.path}?cursor={skip + limit}&limit={limit}&sort={sort}"
        return Reply.json(answer)

    @property
    def _status(self) -> str:
        return "OK" if self.plan == "paid" else "DELAYED"


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return prices.local_midnight(date.fromisoformat(text))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _row(bar: Bar) -> dict[str, Any]:
    return {
        "v": bar.volume + 0.5,
        "vw": bar.vwap,
        "o": bar.open,
        "c": bar.close,
        "h": bar.high,
        "l": bar.low,
        "t": _ms(bar.opened_at),
        "n": 120,
    }
