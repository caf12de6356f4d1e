"""IB Bridge on loopback."""

from datetime import timedelta
from typing import Any

from tests.vendors import prices
from tests.vendors.prices import Bar
from tests.vendors.server import Reply, Vendor, Visit

LENGTHS = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "1w": timedelta(weeks=1),
}
ALIASES = {"1": "1m", "5": "5m", "15": "15m", "60": "1h", "1D": "1d", "1W": "1w"}
LONG_AGO = timedelta(days=1500)


class IBBridge(Vendor):
    """`connected` and `mode` are what /health says; `offset` stands behind intraday stamps ("": naive).

    `shift`: what its intraday stamps are wrong by. `reconnects`: whether POST /connect brings it a gateway.
    `modes`: what the next visits to /health are told, one each, before `mode` is told again.
    """

    unlimited = ("/health",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.connected = True
        self.mode: str | None = "live"
        self.modes: list[str | None] = []
        self.offset = "+00:00"
        self.shift = timedelta(0)
        self.reconnects = True

    def answer(self, visit: Visit) -> Reply:
        match visit.path.strip("/").split("/"):
            case ["health"]:
                return Reply.json(self._health())
            case ["connect"] if visit.method == "POST":
                self.connected = self.connected or self.reconnects
                text = "Connected to IB Gateway" if self.connected else "Gateway unreachable"
                return Reply.json({"success": self.connected, "message": text})
            case ["quotes" | "candles", _] if not self.connected:
                return Reply.json({"detail": "Not connected to IB Gateway"}, 503)
            case ["quotes" | "candles", symbol] if (
                symbol.replace(" ", ".") not in self.symbols or "." in symbol
            ):
                return Reply.json({"detail": f"Contract not found for {symbol}"}, 404)
            case ["quotes", symbol]:
                return Reply.json(self._quote(symbol))
            case ["candles", symbol]:
                return self._candles(symbol, visit.query)
        return Reply.json({"detail": "Not Found"}, 404)

    def _health(self) -> dict[str, Any]:
        mode = self.modes.pop(0) if self.modes else self.mode
        entitlements = {"market_data_mode": mode, "paper_trading": True} if mode else {}
        state = "healthy" if self.connected else "degraded"
        return {"status": state, "connected": self.connected, "version": "1.4.0", **entitlements}

    def _quote(self, symbol: str) -> dict[str, Any]:
        name = symbol.replace(" ", ".")
        price = self.price(name)
        bid, ask = self.books.get(name, (price - 0.01, price + 0.01))
        return {
            "symbol": symbol,
            "price": self.prints.get(name, (price, []))[0],
            "bid": bid,
            "ask": ask,
            "bid_size": 300,
            "ask_size": 500,
            "volume": 1_250_000,
            "timestamp": self.at.replace(tzinfo=None).isoformat(),
            "exchange": "SMART",
        }

    def _candles(self, symbol: str, query: dict[str, str]) -> Reply:
        limit = int(query.get("limit", "100"))
        if not 1 <= limit <= 1000:
            return Reply.json({"detail": [{"loc": ["query", "limit"], "msg": "must be 1 to 1000"}]}, 422)
        timeframe = query.get("timeframe", "1m")
        # The real one answers what it does not know with daily bars, and does not say so.
        length = LENGTHS.get(ALIASES.get(timeframe, timeframe), LENGTHS["1d"])
        span = min(LONG_AGO, length * limit * 5 + timedelta(days=10))
        candles = self.bars(symbol.replace(" ", "."), length, self.at - span, self.at, last=limit)
        rows = [self._row(bar, length) for bar in candles]
        return Reply.json({"symbol": symbol, "candles": rows, "count": len(rows)})

    def _row(self, bar: Bar, length: timedelta) -> dict[str, Any]:
        local = bar.opened_at.astimezone(prices.NEW_YORK)
        plain = (bar.opened_at + self.shift).replace(tzinfo=None).isoformat() + self.offset
        return {
            "timestamp": local.date().isoformat() if length >= prices.DAY else plain,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": int(bar.volume),
            "vwap": bar.vwap,
        }
