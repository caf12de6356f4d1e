"""Behind the counter of Alpaca: the loopback account and the hand behind it."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals.brokers import alpaca
from approvals.brokers.base import Leg, Side
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart, because
from tests.make import T0
from tests.vendors import AlpacaTrading, faults
from tests.vendors.alpaca_trading import Order, hand
from tests.vendors.server import Fault, Reply, Turn, Visit

ATTEMPTS = 2  # at what is only read
READS = {
    "/v2/orders:by_client_order_id": "order",
    "/v2/orders": "orders",
    "/v2/account/activities/FILL": "executions",
    "/v2/account/activities": "charges",
    "/v2/positions": "holdings",
    "/v2/account": "account",
}
NAMES = {Leg.STOP: "stop", Leg.TARGET: "target"}


class Counter(Counterpart):
    """What happens at the loopback Alpaca."""

    cannot = because(
        {
            "its commission is none, and known at once": "hold_back_commissions tell_commission",
            "its clock gives nothing but stamps": "skew",
            "it trades in dollars only": "foreign_instrument",
        }
    )

    def __init__(self, vendor: AlpacaTrading) -> None:
        self.vendor, self.account = vendor, vendor.account
        self.values: Mapping[str, Any] = vendor.settings
        self.is_halted = False

    def pass_time(self, at: datetime) -> None:
        self.vendor.now = at - timedelta(seconds=1)

    # --- market -------------------------------------------------------------------------------------------

    def fill(self, client_id: UUID, leg: Leg, price: Decimal) -> None:
        for order in self._orders(client_id, leg) if leg is not Leg.FLAT else ():  # it has no such leg
            if order.is_alive and not self.is_halted:
                self._trade(order, order.remaining, price)

    def fill_partly(self, client_id: UUID, leg: Leg, quantity: int, price: Decimal) -> None:
        order = self._orders(client_id, leg)[-1]
        if order.is_alive and not self.is_halted:
            self._trade(order, Decimal(quantity), price)

    def fill_late(self, client_id: UUID, quantity: int, price: Decimal) -> None:
        self._trade(self.vendor.order(client_id), Decimal(quantity), price)

    def halt(self) -> None:
        self.is_halted = True

    def resume(self) -> None:
        self.is_halted = False

    # --- the broker's own decisions -----------------------------------------------------------------------

    def refuse(self, call: str, reason: str) -> None:
        self._once(call, lambda turn: turn.send(Reply.json({"code": 42210000, "message": reason}, 422)))

    def reject(self, client_id: UUID, reason: str) -> None:
        self.vendor.reject(client_id)

    def expire(self, client_id: UUID) -> None:
        hand.expire(self.account, self.vendor.order(client_id), self.vendor.at)

    def delay_cancels(self) -> None:
        self.account.keeps_pending = True

    def let_cancels_through(self) -> None:
        self.account.settle()

    def block(self, reason: str) -> None:
        self.account.flags["trading_blocked"] = True

    # --- executions and money -----------------------------------------------------------------------------

    def correct(self, execution_id: str, quantity: int, price: Decimal) -> None:
        row = next(row for row in self.account.activities if row["id"] == execution_id)
        self.vendor.correct(row, qty=quantity, price=price)

    def charge(self, amount: Decimal, what: str) -> None:
        self.vendor.pay("FEE", str(amount), description=what)

    def disorder(self) -> None:
        self.vendor.is_disordered = True

    # --- by hand ------------------------------------------------------------------------------------------

    def cancel_by_hand(self, client_id: UUID, leg: Leg) -> None:
        order = self._orders(client_id, leg)[-1]
        if order.is_alive:  # one exit takes the other with it
            self.account.cancel(order.id)

    def replace_by_hand(self, client_id: UUID, leg: Leg, level: Decimal) -> None:
        column = "stop_price" if leg is Leg.STOP else "limit_price"
        self.account.replace(self._orders(client_id, leg)[-1].id, {column: str(level)})

    def trade_by_hand(self, side: Side, quantity: int) -> None:
        self.vendor.trade_by_hand(SYMBOL, side.sign * quantity, PRICE)

    def order_by_hand(self, side: Side, quantity: int, limit: Decimal) -> None:
        terms = {"symbol": SYMBOL, "qty": quantity, "side": side.lower(), "limit_price": str(limit)}
        self.account.place({**terms, "type": "limit", "time_in_force": "gtc"})

    def transfer(self, symbol: str, quantity: Decimal) -> None:
        held, paid = self.account.positions.get(symbol, [Decimal(0), Decimal(0)])
        self.account.positions[symbol] = [held + quantity, paid + quantity * PRICE]

    # --- the way there, and the nights --------------------------------------------------------------------

    def lose_request(self, call: str) -> None:
        self._once(call, faults.reset)

    def lose_answer(self, call: str) -> None:
        self._once(call, _act_and(faults.reset))

    def garble(self, call: str) -> None:
        for _ in range(ATTEMPTS if call in READS.values() else 1):
            self._once(call, _act_and(faults.web_page))

    def is_away(self) -> AbstractContextManager[None]:
        return self.vendor.away()

    def restart(self) -> None:
        self.vendor.break_connections()

    def forget(self) -> None:
        self.account.forget_ended()

    # --- records ------------------------------------------------------------------------------------------

    def orders_made(self, client_id: UUID) -> int:
        return sum(f"jax-{client_id}" == order.client_order_id for order in self.account.orders.values())

    def held(self, symbol: str) -> Decimal:
        return self.account.positions.get(symbol, [Decimal(0)])[0]

    def stops(self, symbol: str) -> int:
        """Count those that watch: not those of entries that have not filled."""
        stops = (order for order in self.account.orders.values() if order.type == "stop" and order.is_alive)
        watching = (stop for stop in stops if stop.parent is None or not stop.parent.is_entry_alive)
        return int(sum(stop.remaining for stop in watching if stop.symbol == symbol))

    # --- the steps of them --------------------------------------------------------------------------------

    def _orders(self, client_id: UUID, leg: Leg) -> list[Order]:
        """The orders that are a leg of an order of ours: several where a closing consists of several."""
        orders = list(self.account.orders.values())
        if leg is Leg.CLOSE:
            return [order for order in orders if f"jax-{client_id}" in order.client_order_id]
        heads = [order for order in orders if f"jax-{client_id}" in order.client_order_id and order.legs]
        lone = [order for order in orders if f"jax-{client_id}" == order.client_order_id]
        if leg is Leg.ENTRY:
            return [order for order in heads or lone if not order.is_exit][-1:]
        own = [hand.leg_of(order, NAMES[leg]) if order.legs else order for order in heads or lone]
        return [order for order in own if order.is_alive] or own[-1:]

    def _trade(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        hand.fill(self.account, order, quantity, price, self.vendor.at)

    def _once(self, call: str, fault: Fault) -> None:
        self.vendor.fail_when(lambda visit: _call(visit) == call, fault)


def _call(visit: Visit) -> str:
    """What a request changes, by the name of the broker's call that sends it."""
    sent = visit.content or {}
    if visit.method == "POST":
        is_exit = sent.get("order_class") == "oco" or sent.get("type") == "stop"
        is_closing = sent.get("type") == "market"
        return "close" if is_closing else "protect" if is_exit else "place"
    if visit.method == "PATCH":
        return "replace" if "/" in str(sent.get("client_order_id")) else "close"
    return "cancel" if visit.method == "DELETE" else READS.get(visit.path, "")


def _act_and(ending: Fault) -> Fault:
    def fault(turn: Turn) -> None:
        turn.reply()
        ending(turn)

    return fault


@contextmanager
def counterpart() -> Iterator[Counter]:
    alpaca.forget_owners()
    with AlpacaTrading(now=T0) as vendor:
        yield Counter(vendor)
