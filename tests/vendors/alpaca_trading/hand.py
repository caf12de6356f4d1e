"""The hand behind the account: what the market, the exchange and Alpaca's back office do to it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.vendors.alpaca_trading.account import Account, Row
from tests.vendors.alpaca_trading.orders import Order, asset_id, plain, stamp

LEGS = {"stop": "stop", "target": "limit"}
NEVER_FILLS = ("filled", "rejected", "replaced")


def leg_of(order: Order, leg: str) -> Order:
    """The order's living leg of this name, else its last one; itself for its entry or closing."""
    if leg not in LEGS:
        return order
    members = [*order.legs, order] if order.order_class == "oco" else order.legs
    own = [member for member in members if member.type == LEGS[leg]]
    return next((member for member in reversed(own) if member.is_alive), own[-1])


def fill(account: Account, order: Order, quantity: Decimal, price: Decimal, at: datetime) -> Row:
    """Trade shares of an order: also of one that was just cancelled, whose fill came late."""
    with account.lock:
        order.filled_qty += quantity
        order.paid += quantity * price
        is_whole = order.remaining <= 0
        if is_whole:
            order.end("filled", at)
        elif order.status not in ("pending_cancel", "canceled"):
            order.status = "partially_filled"
        _book(account, order.symbol, order.sign * quantity, price)
        row = account.activity(
            "FILL",
            at,
            transaction_time=stamp(at),
            type="fill" if is_whole else "partial_fill",
            price=plain(price),
            qty=plain(quantity),
            side=order.side,
            symbol=order.symbol,
            leaves_qty=plain(order.remaining),
            order_id=order.id,
            cum_qty=plain(order.filled_qty),
            order_status=order.status,
        )
        _after_fill(account, order, at, is_whole=is_whole)
        shares = account.positions.get(order.symbol, [Decimal(0)])[0]
        account.tell(
            "fill" if is_whole else "partial_fill",
            order,
            timestamp=stamp(at),
            price=plain(price),
            qty=plain(quantity),
            position_qty=plain(shares),
            execution_id=row["id"].partition("::")[2],
        )
        return row


def correct(account: Account, row: Row, at: datetime, **columns: Any) -> Row:
    """Replace an execution by another: the old activity stays, the new one names it."""
    with account.lock:
        order = account.orders[row["order_id"]]
        quantity, price = Decimal(row["qty"]), Decimal(row["price"])
        new_quantity, new_price = (Decimal(str(columns.get(key, row[key]))) for key in ("qty", "price"))
        _book(account, order.symbol, -order.sign * quantity, price)
        _book(account, order.symbol, order.sign * new_quantity, new_price)
        order.filled_qty += new_quantity - quantity
        order.paid += new_quantity * new_price - quantity * price
        changed = {"qty": plain(new_quantity), "price": plain(new_price), "transaction_time": stamp(at)}
        kept = {
            name: value for name, value in row.items() if name not in ("id", "account_id", "activity_type")
        }
        new = account.activity("FILL", at, **{**kept, **changed, "previous_id": row["id"]})
        account.tell("trade_correct", order, timestamp=stamp(at), previous_execution_id=row["id"])
        return new


def reject(account: Account, order: Order, at: datetime) -> None:
    """Refuse it at the exchange, after Alpaca has accepted it."""
    _end(account, order, "rejected", at)


def expire(account: Account, order: Order, at: datetime) -> None:
    _end(account, order, "expired", at)


def halt(account: Account, order: Order) -> None:
    """Stop trading in its symbol: the order lives on, suspended."""
    with account.lock:
        order.status = "suspended"
        account.tell("suspended", order)


def trade_by_hand(account: Account, symbol: str, quantity: Decimal, price: Decimal, at: datetime) -> Row:
    """Trade on Alpaca's own page: an order without an id of ours, filled at once."""
    with account.lock:
        order = Order(
            client_order_id=str(uuid4()),
            symbol=symbol,
            qty=abs(quantity),
            side="buy" if quantity > 0 else "sell",
            type="market",
            time_in_force="day",
            submitted_at=at,
            status="new",
        )
        account.orders[order.id] = order
        return fill(account, order, abs(quantity), price, at)


def pay(account: Account, kind: str, amount: Decimal, at: datetime, **columns: Any) -> Row:
    """Book money that no trade moved: a fee (FEE), a dividend (DIV), interest (INT)."""
    with account.lock:
        account.cash += amount
        details = {
            "date": f"{at:%Y-%m-%d}",
            "net_amount": plain(amount),
            "description": "",
            "status": "executed",
        }
        return account.activity(kind, at, **details | columns)


def _end(account: Account, order: Order, status: str, at: datetime) -> None:
    with account.lock:
        order.end(status, at)
        account.tell(status, order)
        for leg in order.legs:
            if leg.is_alive:
                leg.end("canceled", at)


def _reject_successor(account: Account, order: Order, at: datetime) -> None:
    """Reject what was to replace an order that has ended before."""
    successor = account.orders.get(order.replaced_by or "")
    if successor is not None and successor.status == "pending_new":
        successor.end("rejected", at)
        account.tell("rejected", successor)


def _after_fill(account: Account, order: Order, at: datetime, *, is_whole: bool) -> None:
    """What the rest of a group becomes."""
    if is_whole:
        for member in (order, *order.siblings()):
            _reject_successor(account, member, at)
    if not order.is_exit:
        if is_whole:
            for leg in order.legs:
                if leg.type == "limit" and leg.status == "held":
                    leg.status = "new"
                    account.tell("new", leg)
        return
    for other in order.siblings():
        if not is_whole:
            other.qty = other.filled_qty + order.remaining
        elif order.type == "stop":  # the exchange knows one order of the two: the target became the stop
            other.end("replaced", at)
            other.replaced_by = order.id
            account.tell("replaced", other)
        else:
            other.end("canceled", at)  # of which the stream says nothing


def _book(account: Account, symbol: str, signed: Decimal, price: Decimal) -> None:
    account.cash -= signed * price
    shares, paid = account.positions.get(symbol, [Decimal(0), Decimal(0)])
    if shares * signed >= 0:
        paid += signed * price
    else:
        average, closed = paid / shares, min(abs(signed), abs(shares))
        paid -= average * closed * (1 if shares > 0 else -1)
        beyond = abs(signed) - closed
        paid += beyond * price * (1 if signed > 0 else -1)
    if shares + signed:
        account.positions[symbol] = [shares + signed, paid]
    else:
        account.positions.pop(symbol, None)


def position(account: Account, symbol: str) -> Row:
    shares, paid = account.positions[symbol]
    price, held = account.price(symbol), account.held_for_orders(symbol)
    side = "long" if shares > 0 else "short"
    return {
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "avg_entry_price": plain(paid / shares),
        "qty": plain(shares),
        "qty_available": plain((abs(shares) - held) * (1 if shares > 0 else -1)),
        "side": side,
        "market_value": plain(shares * price),
        "cost_basis": plain(paid),
        "unrealized_pl": plain(shares * price - paid),
        "unrealized_plpc": "0",
        "unrealized_intraday_pl": "0",
        "unrealized_intraday_plpc": "0",
        "current_price": plain(price),
        "lastday_price": plain(price),
        "change_today": "0",
    }
