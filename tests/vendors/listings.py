"""What Alpaca and Polygon list, as their documentation shows it and as they answer."""

from typing import Any

from tests.vendors.server import Reply

# Symbol, exchange, name, status, whether it can be borrowed.
ASSETS = (
    ("AAPL", "NASDAQ", "Apple Inc. Common Stock", "active", True),
    ("APLE", "NYSE", "Apple Hospitality REIT, Inc. Common Shares", "active", True),
    ("BAC.PRK", "NYSE", "Bank of America Corporation Depositary Shares Preferred Stock", "active", False),
    ("BRK.B", "NYSE", "BERKSHIRE HATHAWAY Class B", "active", True),
    ("SPY", "ARCA", "SPDR S&P 500 ETF Trust", "active", True),
    (
        "TSM",
        "NYSE",
        "Taiwan Semiconductor Manufacturing Company Ltd. American Depositary Shares",
        "active",
        True,
    ),
    ("TWTR", "NYSE", "Twitter, Inc. Common Stock", "inactive", False),
)
# Ticker, primary exchange, name, type, when it was delisted.
TICKERS = (
    ("AAPL", "XNAS", "Apple Inc.", "CS", None),
    ("APLE", "XNYS", "Apple Hospitality REIT, Inc.", "CS", None),
    ("BACpK", "XNYS", "Bank of America Corporation Depositary Shares Series HH", "PFD", None),
    ("BRK.B", "XNYS", "Berkshire Hathaway Inc. Class B", "CS", None),
    ("SPY", "ARCX", "SPDR S&P 500 ETF Trust", "ETF", None),
    ("TSM", "XNYS", "Taiwan Semiconductor Manufacturing Company Ltd.", "ADRC", None),
    ("TWTR", "XNYS", "Twitter, Inc.", "CS", "2022-11-08T00:00:00Z"),
)


def assets(symbol: str, query: dict[str, str]) -> Reply:
    """Answer `/v2/assets` or `/v2/assets/{symbol}`."""
    rows = [_asset(*row) for row in ASSETS]
    if not symbol:
        return Reply.json([row for row in rows if row["status"] == query.get("status", row["status"])])
    if row := next((row for row in rows if row["symbol"] == symbol), None):
        return Reply.json(row)
    return Reply.json({"code": 40410000, "message": f"asset not found for {symbol}"}, 404)


def _asset(symbol: str, exchange: str, name: str, status: str, borrowable: bool) -> dict[str, Any]:
    return {
        "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "class": "us_equity",
        "exchange": exchange,
        "symbol": symbol,
        "name": name,
        "status": status,
        "tradable": status == "active",
        "marginable": status == "active",
        "maintenance_margin_requirement": 30,
        "shortable": borrowable,
        "easy_to_borrow": borrowable,
        "fractionable": True,
        "attributes": [],
    }


def tickers(query: dict[str, str]) -> Reply:
    """Answer `/v3/reference/tickers`: what is active, or with `active=false` what is not."""
    active, words = query.get("active", "true") == "true", query.get("search", "").lower().split()
    rows = [
        _ticker(*row)
        for row in TICKERS
        if (row[4] is None) is active
        and query.get("ticker", row[0]) == row[0]
        and all(word in f"{row[0]} {row[2]}".lower() for word in words)
    ]
    answer = {"status": "OK", "request_id": "5f2c", "count": len(rows)}
    return Reply.json(answer | ({"results": rows} if rows else {}))


def ticker(symbol: str) -> Reply:
    """Answer `/v3/reference/tickers/{ticker}`, which knows no delisted ones."""
    if row := next((row for row in TICKERS if row[0] == symbol and row[4] is None), None):
        return Reply.json(
            {"status": "OK", "request_id": "5f2c", "results": _ticker(*row) | {"round_lot": 100}}
        )
    return Reply.json({"status": "NOT_FOUND", "request_id": "5f2c", "message": "Ticker not found."}, 404)


def _ticker(symbol: str, exchange: str, name: str, kind: str, ended: str | None) -> dict[str, Any]:
    return {
        "ticker": symbol,
        "name": name,
        "market": "stocks",
        "locale": "us",
        "primary_exchange": exchange,
        "type": kind,
        "active": ended is None,
        "currency_name": "usd",
        "cik": "0000320193",
        "last_updated_utc": "2024-07-03T00:00:00Z",
    } | ({"delisted_utc": ended} if ended else {})
