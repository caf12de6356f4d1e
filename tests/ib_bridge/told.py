"""Lines of a journal, as the gateway's words would have made them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from ib_bridge.journal.entries import Entry, Kind

T0 = datetime(2026, 11, 30, 15, 0, tzinfo=UTC)  # Monday, 10:00 in New York
ORDER = "11111111-1111-4111-8111-111111111111"
_numbers = count(1)


def line(kind: Kind, body: dict[str, Any], *, leg: str = "entry", **changes: Any) -> Entry:
    given: dict[str, Any] = {"connection": 1, "at": T0, "client_id": ORDER, "leg": leg, "perm_id": 900001}
    return Entry(seq=next(_numbers), kind=kind, body=body, **(given | changes))


def terms(**changes: Any) -> dict[str, Any]:
    limit = {"action": "BUY", "totalQuantity": 10.0, "orderType": "LMT", "lmtPrice": 190.0}
    return {"order": limit | changes, "contract": {"symbol": "AAPL", "conId": 265598}}


def placed(**changes: Any) -> Entry:
    return line(
        Kind.PLACE, terms() | {"good_until": None} | changes.pop("body", {}), **{"perm_id": 0, **changes}
    )


def opened(status: str = "Submitted", **changes: Any) -> Entry:
    return line(Kind.OPEN_ORDER, terms(**changes.pop("terms", {})) | {"state": {"status": status}}, **changes)


def status(word: str, filled: float = 0.0, held: str = "", **changes: Any) -> Entry:
    return line(Kind.STATUS, {"status": word, "filled": filled, "whyHeld": held}, **changes)


def error(code: int, text: str = "Something", **changes: Any) -> Entry:
    return line(Kind.ERROR, {"code": code, "text": text}, **{"perm_id": 0, **changes})


def gone(seen_at: datetime = T0, at: datetime = T0 + timedelta(minutes=5), **changes: Any) -> Entry:
    return line(Kind.GONE, {"seen_at": seen_at.isoformat()}, at=at, **changes)


def executed(execution_id: str, shares: float, price: float = 190.0, **changes: Any) -> Entry:
    told = {"shares": shares, "price": price, "side": "BOT", "time": "2026-11-30 15:00:00+00:00"}
    body = {"execution": told, "contract": {"symbol": "AAPL"}}
    return line(Kind.EXECUTION, body, execution_id=execution_id, **changes)


def commission(execution_id: str, amount: float) -> Entry:
    body = {"commission": amount, "currency": "USD"}
    return line(Kind.COMMISSION, body, execution_id=execution_id, client_id="", leg="")
