"""Alpaca's market data on loopback."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.vendors import listings, prices
from tests.vendors.ib_bridge import LONG_AGO
from tests.vendors.prices import Bar
from tests.vendors.server import Reply, Vendor, Visit

LENGTHS = {
    "1Min": timedelta(minutes=1),
    "5Min": timedelta(minutes=5),
    "15Min": timedelta(minutes=15),
    "1Hour": timedelta(hours=1),
    "1Day": timedelta(days=1),
    "1Week": timedelta(weeks=1),
}
RECENT = timedelta(minutes=15)
NEW_SIP = "subscription does not permit querying recent SIP data"


class Alpaca(Vendor):
    """`plan`: "free" refuses recent SIP data and SIP snapshots, "paid" gives them."""

    key, secret = "PKTEST", "alpaca-secret"

    def __init__(self, *, plan: str = "free", **options: Any) -> None:
        super().__init__(**options)
        self.plan = plan
        self.tapes: dict[str, str] = {}
        self.quote_conditions: dict[str, list[str]] = {}
        self.actions: dict[str, list[dict[str, Any]]] = {}  # rows by the name of their list
        self.actions_on_page = 1000

    @property
    def settings(self) -> dict[str, Any]:
        keys = {"ALPACA_API_KEY": self.key, "ALPACA_API_SECRET": self.secret}
        return {"ALPACA_BASE_URL": self.url, "ALPACA_TRADING_URL": self.url, **keys}

    def answer(self, visit: Visit) -> Reply:
        keys = (visit.headers.get("apca-api-key-id"), visit.headers.get("apca-api-secret-key"))
        if keys != (self.key, self.secret):
            return Reply.json({"message": "forbidden."}, 403)
        symbols = [symbol for symbol in visit.query.get("symbols", "").split(",") if symbol]
        if strange := [symbol for symbol in symbols if not symbol.replace(".", "").isalnum()]:
            return Reply.json({"code": 40010001, "message": f"invalid symbol: {strange[0]}"}, 400)
        listed = [symbol for symbol in symbols if symbol in self.symbols]
        match visit.path:
            case path if path.startswith("/v2/assets"):
                return listings.assets(path.removeprefix("/v2/assets").strip("/"), visit.query)
            case "/v2/stocks/snapshots":
                if visit.query.get("feed", "sip") == "sip" and self.plan == "free":
                    return Reply.json({"message": NEW_SIP}, 403)
                return Reply.json({symbol: self._snapshot(symbol) for symbol in listed})
            case "/v2/stocks/bars":
                return self._bars(sorted(listed), visit.query)
            case "/v1beta1/forex/latest/rates":
                return self._rates(visit.query["currency_pairs"].split(","))
            case "/v1/corporate-actions":
                return self._corporate_actions(symbols, visit.query)
        return Reply.json({"message": "endpoint not found."}, 404)

    def _corporate_actions(self, symbols: list[str], query: dict[str, str]) -> Reply:
        """Rows are filtered by the day on which they are processed: of a dividend, the day it is paid."""
        rows = [
            (name, row)
            for name, rows in self.actions.items()
            for row in rows
            if {row.get(f"{of}symbol") for of in ("", "old_", "acquiree_", "source_")} & {*symbols}
            and query["start"] <= str(row.get("process_date")) <= query["end"]
        ]
        skip = int(query.get("page_token") or 0)
        page: dict[str, list[dict[str, Any]]] = {}
        for name, row in rows[skip : skip + self.actions_on_page]:
            page.setdefault(name, []).append(row)
        beyond = skip + self.actions_on_page
        return Reply.json(
            {"corporate_actions": page, "next_page_token": str(beyond) if beyond < len(rows) else None}
        )

    def _rates(self, pairs: list[str]) -> Reply:
        if self.rates is None:
            return Reply.json({"message": "insufficient grants"}, 403)
        known = {pair.replace("/", ""): price for pair, price in self.rates.items()}
        if unknown := [pair for pair in pairs if pair not in known]:
            return Reply.json({"message": f"invalid currency pair: {unknown[0]}"}, 400)
        now = stamp(self.at, "123456789")
        rates = {
            pair: {"bp": known[pair] * 0.999, "mp": known[pair], "ap": known[pair] * 1.001, "t": now}
            for pair in pairs
        }
        return Reply.json({"rates": rates})

    def _snapshot(self, symbol: str) -> dict[str, Any]:
        price, day = self.price(symbol), prices.local_midnight(self.at.astimezone(prices.NEW_YORK).date())
        bar = Bar(day, price, price, price, price, 41_000, price)
        last, codes = self.prints.get(symbol, (price, ["@"]))
        bid, ask = self.books.get(symbol, (price - 0.02, price + 0.02))
        now, tape = stamp(self.at, "123456789"), self.tapes.get(symbol, "C")
        traded = stamp(self.traded_at[symbol]) if symbol in self.traded_at else now
        conditions = self.quote_conditions.get(symbol, ["R"])
        return {
            "latestTrade": {"t": traded, "x": "V", "p": last, "s": 100, "c": codes, "z": tape},
            "latestQuote": {
                "t": now,
                "bp": bid,
                "bs": 2,
                "ap": ask,
                "as": 3,
                "c": conditions,
                "z": tape,
            },
            "minuteBar": _row(bar._replace(opened_at=self.at.replace(second=0, microsecond=0))),
            "dailyBar": _row(bar),
            "prevDailyBar": _row(bar._replace(opened_at=day - timedelta(days=1))),
        }

    def _bars(self, symbols: list[str], query: dict[str, str]) -> Reply:
        end = min(datetime.fromisoformat(query["end"]) if "end" in query else self.at, self.at)
        start = datetime.fromisoformat(query["start"]) if "start" in query else self.at - LONG_AGO
        if query.get("feed", "sip") == "sip" and self.plan == "free" and end > self.at - RECENT:
            return Reply.json({"message": NEW_SIP}, 403)
        length = LENGTHS.get(query.get("timeframe", ""))
        if length is None:
            return Reply.json({"message": "invalid timeframe"}, 400)
        limit, skip = int(query.get("limit", "1000")), int(query.get("page_token") or 0)
        newest_first = -1 if query.get("sort") == "desc" else 1
        rows = [
            (symbol, _row(bar))
            for symbol in symbols
            for bar in self.bars(symbol, length, start, end, prices.EXTENDED)[::newest_first]
        ]
        page: dict[str, list[dict[str, Any]]] = {}
        for symbol, row in rows[skip : skip + limit]:
            page.setdefault(symbol, []).append(row)
        more = str(skip + limit) if skip + limit < len(rows) else None
        return Reply.json({"bars": page, "next_page_token": more})


def stamp(at: datetime, fraction: str = "") -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"


def _row(bar: Bar) -> dict[str, Any]:
    return {
        "t": stamp(bar.opened_at),
        "o": bar.open,
        "h": bar.high,
        "l": bar.low,
        "c": bar.close,
        "v": int(bar.volume),
        "n": 120,
        "vw": bar.vwap,
    }
