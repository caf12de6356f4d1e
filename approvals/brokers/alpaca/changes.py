"""Replacing and cancelling orders at Alpaca, and what follows where it cannot replace them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from approvals.brokers.alpaca import ids, rows
from approvals.brokers.alpaca.book import ORDERS, Book
from approvals.brokers.alpaca.rows import Family
from approvals.brokers.alpaca.values import Row
from approvals.brokers.alpaca.wire import NOT_CHANGED, NOT_ROUTED, Api, Refused
from approvals.brokers.base import BrokerAway, Leg, LegState

COLUMNS = {Leg.STOP: "stop_price", Leg.TARGET: "limit_price"}
LOOKS, APART = 4, 0.25  # for a cancel to be through, and seconds between them
STILL_CANCELLING = "Alpaca still cancels the exits that hold the shares: it is tried again."
NOT_YET = "Alpaca has not sent the order to the exchange yet, and changes nothing before: it is tried again."


def change(api: Api, book: Book, row: Row, level: Decimal, own_id: str) -> None:
    """Replace an order by one at another level, with this id, for what it has still to trade."""
    column = "stop_price" if row.get("type") == "stop" else "limit_price"
    content = {column: price(level), "client_order_id": own_id}
    if Decimal(str(row.get("filled_qty") or 0)):
        content["qty"] = str(rows.remaining(row))  # else Alpaca takes the whole quantity again
    try:
        api.send("PATCH", f"{ORDERS}/{row['id']}", content)
    except Refused as refusal:
        if refusal.is_about(NOT_CHANGED):
            return
        if not refusal.is_about(NOT_ROUTED):
            raise
        if book.by_own_id(own_id) is None:  # it was seen to say so, and to replace it nevertheless
            raise BrokerAway(NOT_YET) from refusal


def cancel(api: Api, book: Book, row: Row) -> None:
    """Ask for a cancel. What has ended meanwhile, as the other exit of a pair, is no error."""
    try:
        api.send("DELETE", f"{ORDERS}/{row['id']}")
    except Refused:
        now = book.row(row["id"])
        if now is not None and rows.is_live(now) and rows.state(now) is not LegState.PENDING_CANCEL:
            raise


def end_exits(api: Api, book: Book, family: Family) -> list[Row]:
    """Cancel an order's living exits, and return them. Raises BrokerAway until that is through."""
    live = [row for row in family.exits() if rows.is_live(row)]
    for row in live:
        cancel(api, book, row)
    for look in range(LOOKS):
        if not any(rows.is_live(now) for row in live if (now := book.row(row["id"]))):
            return live
        if look + 1 < LOOKS:
            api.sleep(APART)
    raise BrokerAway(STILL_CANCELLING)


def guard_again(api: Api, book: Book, client_id: Any, exits: list[Row], quantity: int) -> None:
    """Place exits at the levels of those that were cancelled, as those of the same order."""
    by_leg = {rows.role(row): row for row in exits}
    sample = exits[0]
    number = len([row for row in book.rests(client_id) if ids.read(row.get("client_order_id"))]) + 1
    levels = {leg: by_leg[leg].get(column) if leg in by_leg else None for leg, column in COLUMNS.items()}
    common = {
        "symbol": sample["symbol"],
        "client_order_id": ids.rest(client_id, number),
        "qty": str(quantity),
        "side": sample["side"],
        "time_in_force": "gtc",
    }
    api.send("POST", ORDERS, {**common, **pair(levels[Leg.STOP], levels[Leg.TARGET])})


def pair(stop: str | None, target: str | None) -> Mapping[str, Any]:
    """Return a stop and a target of which one cancels the other, or the only one of them."""
    if target is None:
        return {"type": "stop", "stop_price": stop}
    if stop is None:
        return {"type": "limit", "limit_price": target}
    levels = {"take_profit": {"limit_price": target}, "stop_loss": {"stop_price": stop}}
    return {"type": "limit", "order_class": "oco", **levels}


def price(level: Decimal) -> str:
    return f"{level.normalize():f}"
