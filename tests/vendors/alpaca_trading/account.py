"""An account at Alpaca: its orders, positions, money and activities, and the rules by which they change."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.vendors.alpaca_trading import admission, rules
from tests.vendors.alpaca_trading.orders import Order, asset_id
from tests.vendors.alpaca_trading.rules import forbidden, not_found, unprocessable

Row = dict[str, Any]
REPLACEABLE = ("new", "partially_filled", "held")


class Account:
    """`is_open`: whether the exchange is; while not, orders wait as accepted. `keeps_pending`: whether what
    is to be cancelled or replaced stays so until `settle`. `flags`: of the account, as trading_blocked.

    Everything is done under one lock, as by one desk.
    """

    def __init__(self, clock: Callable[[], datetime], symbols: Iterable[str], *, number: str) -> None:
        self.clock, self.number = clock, number
        self.assets: dict[str, Row] = {symbol: _asset(symbol) for symbol in symbols}
        self.cash, self.multiplier = Decimal(100_000), 2
        self.flags: Row = {}
        self.is_open, self.keeps_pending = True, False
        self.orders: dict[str, Order] = {}
        self.forgotten: set[str] = set()
        self.positions: dict[str, list[Decimal]] = {}  # shares, and what was paid for them
        self.prices: dict[str, Decimal] = {}
        self.activities: list[Row] = []
        self.tell: Callable[..., None] = lambda event, order, **more: None
        self.lock = threading.RLock()

    # --- what is asked for ----------------------------------------------------------------------------------

    def place(self, asked: Mapping[str, Any]) -> Order:
        with self.lock:
            admission.check_account(self.flags)
            rules.check_shape(asked)
            own_id = str(asked.get("client_order_id") or uuid4())
            if any(own_id == order.client_order_id for order in self.orders.values()):
                raise rules.Refusal(422, rules.INVALID, "client_order_id must be unique")
            order = _read(asked, own_id, self.clock())
            admission.check_asset(self.assets.get(order.symbol), order)
            admission.check_shares_and_money(self, order)
            self.orders[order.id] = order
            for leg in order.legs:
                self.orders[leg.id] = leg
            order.status = "new" if self.is_open else "accepted"
            self.tell("new" if self.is_open else "accepted", order)
            return order

    def replace(self, order_id: str, asked: Mapping[str, Any]) -> Order:
        with self.lock:
            order = self.find(order_id)
            if order.status in ("accepted", "pending_new"):
                raise unprocessable("unable to replace order, order isn't sent to exchange yet")
            if order.status not in REPLACEABLE:
                raise unprocessable(f'unable to replace order: order is in "{order.status}" state')
            own_id = str(asked.get("client_order_id") or uuid4())
            if any(own_id == other.client_order_id for other in self.orders.values()):
                raise rules.Refusal(422, rules.INVALID, "client_order_id must be unique")
            successor = self._successor(order, asked, own_id)
            self.orders[successor.id] = successor
            order.status, order.replaced_by = "pending_replace", successor.id
            self.tell("pending_replace", order)
            if not self.keeps_pending:
                self._settle(order)
            return successor

    def cancel(self, order_id: str) -> None:
        with self.lock:
            order = self.find(order_id)
            if not order.is_alive or order.status == "pending_cancel":
                raise unprocessable(f'order is already in "{order.status}" state')
            for member in (order, *order.siblings(), *order.legs):
                if member.is_alive:
                    member.status = "pending_cancel"
            self.tell("pending_cancel", order)
            if not self.keeps_pending:
                self._settle(order)

    def settle(self) -> None:
        """Have all that waits to be cancelled or replaced done."""
        with self.lock:
            self.keeps_pending = False
            for order in list(self.orders.values()):
                self._settle(order)

    def forget_ended(self) -> None:
        """Know nothing any more of orders that have ended, nor of what was executed."""
        with self.lock:
            for order in self.orders.values():
                if not any(member.is_alive for member in (order, *order.legs)):
                    self.forgotten.add(order.client_order_id)
            self.activities.clear()

    def find(self, order_id: str) -> Order:
        order = self.orders.get(order_id)
        if order is None or order.client_order_id in self.forgotten:
            raise not_found(f"order not found for {order_id}")
        return order

    def by_client_id(self, own_id: str) -> Order:
        for order in self.orders.values():
            if order.client_order_id == own_id and own_id not in self.forgotten:
                return order
        raise not_found(f"order not found for {own_id}")

    # --- shares and money -----------------------------------------------------------------------------------

    def held_for_orders(self, symbol: str) -> Decimal:
        """The shares that a position's orders hold: those of a pair of exits count once."""
        held = self.positions.get(symbol, [Decimal(0)])[0]
        groups: dict[int, Decimal] = {}
        for order in self.orders.values():
            waits = order.status == "held" and order.parent is not None and order.parent.is_alive
            is_opening = bool(order.legs) and order.order_class != "oco"
            if order.symbol != symbol or not order.is_alive or waits or is_opening or order.sign * held >= 0:
                continue
            if order.replaces and self.orders[order.replaces].is_alive:
                continue
            group = id(order.parent or order)
            groups[group] = max(groups.get(group, Decimal(0)), order.remaining)
        return sum(groups.values(), Decimal(0))

    def buying_power(self) -> Decimal:
        waiting = sum(
            (
                order.remaining * self.worth(order)
                for order in self.orders.values()
                if admission.opens(self, order)
            ),
            Decimal(0),
        )
        return max(self.cash * self.multiplier - waiting, Decimal(0))

    def worth(self, order: Order) -> Decimal:
        return order.limit_price or order.stop_price or self.price(order.symbol)

    def price(self, symbol: str) -> Decimal:
        return self.prices.get(symbol, Decimal(100))

    def equity(self) -> Decimal:
        return self.cash + sum(
            (shares * self.price(symbol) for symbol, (shares, _) in self.positions.items()), Decimal(0)
        )

    def _successor(self, order: Order, asked: Mapping[str, Any], own_id: str) -> Order:
        """An order with the asked values and otherwise those of the old one, its whole quantity included."""
        limit, stop, qty = (rules.number(asked, name) for name in ("limit_price", "stop_price", "qty"))
        if limit is not None and order.type != "limit":
            raise unprocessable(f"{order.type} orders must not have limit_price")
        if stop is not None and order.type != "stop":
            raise unprocessable(f"{order.type} orders must not have stop_price")
        rules.price(asked, "limit_price")
        rules.price(asked, "stop_price")
        wanted = (qty or order.qty, limit or order.limit_price, stop or order.stop_price)
        if wanted == (order.qty, order.limit_price, order.stop_price):
            raise forbidden("order parameters are not changed")
        if order.is_exit and wanted[0] not in (order.qty, order.remaining):
            raise unprocessable("qty of a leg cannot be changed")
        return Order(
            client_order_id=own_id,
            symbol=order.symbol,
            qty=wanted[0],
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            submitted_at=self.clock(),
            status="pending_new",
            order_class=order.order_class,
            limit_price=wanted[1],
            stop_price=wanted[2],
            parent=order.parent,
            replaces=order.id,
        )

    def _settle(self, order: Order) -> None:
        """Finish what the order waits for: its cancel, or its replacement."""
        at = self.clock()
        if order.status == "pending_cancel":
            for member in (order, *order.siblings(), *order.legs):
                if member.status == "pending_cancel":
                    member.end("canceled", at)
                    self.tell("canceled", member)
        elif order.status == "pending_replace" and order.replaced_by:
            successor = self.orders[order.replaced_by]
            successor.status = "held" if order.type == "stop" and order.is_exit else "new"
            order.end("replaced", at)
            family = order.parent
            if family is not None:
                family.legs.append(successor)
            else:
                successor.legs = order.legs
                for leg in successor.legs:
                    leg.parent = successor
            self.tell("replaced", order)
            self.tell("new", successor)

    def activity(self, kind: str, at: datetime, **columns: Any) -> Row:
        row = {
            "id": f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{uuid4()}",
            "account_id": str(asset_id(self.number)),
            "activity_type": kind,
            **columns,
        }
        self.activities.append(row)
        return row


def _asset(symbol: str) -> Row:
    return {
        "id": asset_id(symbol),
        "class": "us_equity",
        "exchange": "NASDAQ",
        "symbol": symbol,
        "name": f"{symbol} Common Stock",
        "status": "active",
        "tradable": True,
        "marginable": True,
        "shortable": True,
        "easy_to_borrow": True,
        "fractionable": True,
        "maintenance_margin_requirement": 30,
        "attributes": [],
    }


def _read(asked: Mapping[str, Any], own_id: str, at: datetime) -> Order:
    group = str(asked.get("order_class") or "")
    group = "" if group == "simple" else group
    target, stop = asked.get("take_profit") or {}, asked.get("stop_loss") or {}
    order = Order(
        client_order_id=own_id,
        symbol=str(asked["symbol"]),
        qty=Decimal(str(asked["qty"])),
        side=asked["side"],
        type=asked["type"],
        time_in_force=asked["time_in_force"],
        submitted_at=at,
        status="pending_new",
        order_class=group,
        limit_price=rules.price(target if group == "oco" else asked, "limit_price"),
        stop_price=rules.price(asked, "stop_price"),
    )
    if target and group != "oco":
        order.legs.append(_leg(order, "limit", rules.price(target, "limit_price"), None))
    if stop:
        order.legs.append(_leg(order, "stop", None, rules.price(stop, "stop_price")))
    return order


def _leg(parent: Order, kind: str, limit: Decimal | None, stop: Decimal | None) -> Order:
    return Order(
        client_order_id=str(uuid4()),
        symbol=parent.symbol,
        qty=parent.qty,
        side=parent.side if parent.order_class == "oco" else ("sell" if parent.side == "buy" else "buy"),
        type=kind,
        time_in_force=parent.time_in_force,
        submitted_at=parent.submitted_at,
        status="held",
        limit_price=limit,
        stop_price=stop,
        parent=parent,
    )
