"""Behind the counter of Interactive Brokers: its gateway on loopback, and our own bridge in front of it."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar
from uuid import UUID

from approvals.brokers.base import Instrument, Leg, Side
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart, because
from tests.ib_gateway.running import Loss, Running, running
from tests.make import T0
from tests.vendors.ib_gateway import IBGateway
from tests.vendors.ib_gateway.orders import Order
from tests.vendors.ib_gateway.screening import Notice

# How each call travels to the bridge: its method and a word of its path.
CALLS = {
    "place": ("PUT", "orders"),
    "protect": ("PUT", "protections"),
    "close": ("PUT", "closings"),
    "replace": ("POST", "replace"),
    "cancel": ("POST", "cancel"),
    "order": ("GET", "orders"),
    "orders": ("GET", "orders"),
    "executions": ("GET", "executions"),
    "holdings": ("GET", "holdings"),
    "account": ("GET", "account"),
}


REFUSES = {"cancel": (161, "Cancel attempted when order is not in a cancellable state")}


class IB(Counterpart):
    """`ahead`: of IB's clock. `is_gone`: whether nothing is at the gateway's port."""

    cannot: ClassVar[Mapping[str, str]] = because(
        {
            "IB tells fees, interest and dividends in its statements only": "charge",
            "an account that is blocked is so order by order": "block",
            "the bridge's journal keeps what TWS forgets": "forget",
        }
    )

    def __init__(self, gateway: IBGateway, bridge: Running) -> None:
        self.gateway, self.bridge = gateway, bridge
        self.ahead, self.is_halted, self.is_gone = timedelta(0), False, False
        self.values = {"IB_BRIDGE_URL": bridge.url, "IB_BRIDGE_TOKEN": ""}
        for symbol in (SYMBOL, "SAP"):
            gateway.quote(symbol, last=PRICE, bid=PRICE, ask=PRICE)

    def pass_time(self, at: datetime) -> None:
        self.gateway.pass_time(at + self.ahead)
        if not self.is_gone:
            self.bridge.read()

    # --- market -------------------------------------------------------------------------------------------

    def fill(self, client_id: UUID, leg: Leg, price: Decimal) -> None:
        """Fill the leg, a closing in all the orders that it is."""
        for order in self._parts(client_id, leg):
            if order.is_alive and order.why_held != "child":
                self._trade(order, order.remaining, price)

    def fill_partly(self, client_id: UUID, leg: Leg, quantity: int, price: Decimal) -> None:
        self._trade(self._order(client_id, leg), Decimal(quantity), price)

    def fill_late(self, client_id: UUID, quantity: int, price: Decimal) -> None:
        self._trade(self._order(client_id, Leg.ENTRY), Decimal(quantity), price)

    def _trade(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        if not self.is_halted:
            self.gateway.fill(order, quantity, price)

    def _order(self, client_id: UUID, leg: Leg) -> Order:
        return self.gateway.order(f"{client_id}/{leg}")

    def _parts(self, client_id: UUID, leg: Leg) -> list[Order]:
        orders = self.gateway.book.orders.values()
        return [order for order in orders if order.terms.ref.startswith(f"{client_id}/{leg}")]

    def halt(self) -> None:
        self.is_halted = True

    def resume(self) -> None:
        self.is_halted = False

    # --- the broker's own decisions -----------------------------------------------------------------------

    def refuse(self, call: str, reason: str) -> None:
        screening = self.gateway.book.screening
        refusals = {"replace": screening.change_refusals, "cancel": screening.cancel_refusals}
        code, text = REFUSES.get(call, (201, "Order rejected"))
        refusals.get(call, screening.refusals).append(Notice(code, f"{text} - reason:{reason}"))

    def reject(self, client_id: UUID, reason: str) -> None:
        self.gateway.reject(self._first(client_id), reason)

    def expire(self, client_id: UUID) -> None:
        self.gateway.cancel(self._first(client_id), "End of day")

    def _first(self, client_id: UUID) -> Order:
        return next(o for o in self.gateway.book.orders.values() if o.terms.ref.startswith(str(client_id)))

    def delay_cancels(self) -> None:
        self.gateway.book.holds_cancels = True

    def let_cancels_through(self) -> None:
        self.gateway.book.holds_cancels = False
        self.gateway.finish_cancels()

    # --- executions ---------------------------------------------------------------------------------------

    def hold_back_commissions(self) -> None:
        self.gateway.book.commissions = "never"

    def tell_commission(self, execution_id: str, amount: Decimal, currency: str) -> None:
        self.gateway.tell_commissions(amount, currency)

    def correct(self, execution_id: str, quantity: int, price: Decimal) -> None:
        self.gateway.correct(execution_id, quantity, price)

    def disorder(self) -> None:
        self.gateway.is_disordered = True

    # --- by hand, in TWS ----------------------------------------------------------------------------------

    def cancel_by_hand(self, client_id: UUID, leg: Leg) -> None:
        self.gateway.cancel(self._order(client_id, leg), "by hand")

    def replace_by_hand(self, client_id: UUID, leg: Leg, level: Decimal) -> None:
        self.gateway.move(self._order(client_id, leg), level)

    def trade_by_hand(self, side: Side, quantity: int) -> None:
        self.gateway.fill(self.gateway.place_by_hand(SYMBOL, side, quantity), price=PRICE)

    def order_by_hand(self, side: Side, quantity: int, limit: Decimal) -> None:
        self.gateway.place_by_hand(SYMBOL, side, quantity, order_type="LMT", limit=limit)

    def transfer(self, symbol: str, quantity: Decimal) -> None:
        self.gateway.hold(symbol, self.held(symbol) + quantity, PRICE)

    # --- the way there, and the nights --------------------------------------------------------------------

    def lose_request(self, call: str) -> None:
        self.bridge.lose(*CALLS[call], Loss.REQUEST)

    def lose_answer(self, call: str) -> None:
        self.bridge.lose(*CALLS[call], Loss.ANSWER)

    def garble(self, call: str) -> None:
        """What is read is asked for three times."""
        method, word = CALLS[call]
        for _ in range(3 if method == "GET" else 1):
            self.bridge.lose(method, word, Loss.GARBAGE)

    @contextmanager
    def is_away(self) -> Iterator[None]:
        self.is_gone = True
        self.gateway.stop()
        self.bridge.until(lambda: not self.bridge.is_ready)
        yield
        self.gateway.start()
        self.is_gone = False
        self.bridge.read()

    def restart(self) -> None:
        self.gateway.restart()
        self.bridge.until(lambda: not self.bridge.is_ready)

    def skew(self, by: timedelta) -> None:
        self.ahead = by

    def foreign_instrument(self) -> Instrument:
        return Instrument("SAP", "EUR", "XETR")

    # --- records ------------------------------------------------------------------------------------------

    def orders_made(self, client_id: UUID) -> int:
        made = [ref for ref in self.gateway.book.made if ref.startswith(str(client_id))]
        return made.count(made[0]) if made else 0

    def held(self, symbol: str) -> Decimal:
        held = self.gateway.account.holdings.values()
        return sum((holding.quantity for holding in held if holding.share.symbol == symbol), Decimal(0))

    def stops(self, symbol: str) -> int:
        stops = [
            o for o in self.gateway.open_orders() if o.terms.order_type == "STP" and o.why_held != "child"
        ]
        return int(sum(order.remaining for order in stops if order.share.symbol == symbol))


@contextmanager
def counterpart() -> Iterator[IB]:
    with (
        IBGateway(now=T0) as gateway,
        tempfile.TemporaryDirectory() as folder,
        running(gateway, Path(folder)) as bridge,
    ):
        yield IB(gateway, bridge)
