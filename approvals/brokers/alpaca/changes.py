"""Replacing and cancelling one order at Alpaca."""

from decimal import Decimal

from approvals.brokers.alpaca import rows
from approvals.brokers.alpaca.book import ORDERS, Book
from approvals.brokers.alpaca.values import Row
from approvals.brokers.alpaca.wire import NOT_CHANGED, NOT_ROUTED, Api, Refused
from approvals.brokers.base import BrokerAway, LegState

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


def price(level: Decimal) -> str:
    return f"{level.normalize():f}"
