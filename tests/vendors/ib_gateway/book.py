"""What happens to orders: transmission, brackets, OCA groups, fills, corrections, changes, ends."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from tests.vendors.ib_gateway.account import Account
from tests.vendors.ib_gateway.contracts import Share
from tests.vendors.ib_gateway.orders import Execution, Order, Status, Terms
from tests.vendors.ib_gateway.screening import Screening

CANCELS_ALL = 1


class Listener(Protocol):
    """Who is told what happens."""

    def open_order(self, order: Order) -> None: ...
    def order_status(self, order: Order) -> None: ...
    def executed(self, execution: Execution) -> None: ...
    def commissioned(self, execution: Execution) -> None: ...
    def error(self, client_id: int, req_id: int, code: int, text: str) -> None: ...


@dataclass
class Book:
    """IB's own record of orders, by permId.

    `partial_brackets`: exits work for what of the entry has filled; else they wait for all of it.
    `commissions`: told after the execution, before it, or not until `tell_commissions`.
    `tells_untransmitted`: what waits on the gateway's screen for its last leg is among the open orders.
    `holds_cancels`: a cancel stays pending until somebody ends the order. `made`: references of all orders.
    """

    account: Account
    listener: Listener
    screening: Screening = field(default_factory=Screening)
    orders: dict[int, Order] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    used: set[tuple[int, int]] = field(default_factory=set)
    made: list[str] = field(default_factory=list)
    next_id: int = 1
    perm_id: int = 900_000
    exec_number: int = 0
    partial_brackets: bool = True
    commissions: str = "after"
    holds_cancels: bool = False
    tells_untransmitted: bool = False

    def find(self, client_id: int, order_id: int) -> Order | None:
        """Return the client's newest order under this id, which can have been given twice over restarts."""
        theirs = [o for o in self.orders.values() if (o.client_id, o.order_id) == (client_id, order_id)]
        return theirs[-1] if theirs else None

    def place(self, client_id: int, order_id: int, share: Share, terms: Terms, at: datetime) -> None:
        known = self.find(client_id, order_id) if (client_id, order_id) in self.used else None
        if known and known.is_alive:
            self._change(known, terms, at)
        elif known and known.status == Status.FILLED:
            self.listener.error(client_id, order_id, 104, "Cannot modify a filled order.")
        elif (client_id, order_id) in self.used:
            self.listener.error(client_id, order_id, 103, "Duplicate order id")
        else:
            self._take(client_id, order_id, share, terms, at)

    def _take(self, client_id: int, order_id: int, share: Share, terms: Terms, at: datetime) -> None:
        parent = self.find(client_id, terms.parent_id) if terms.parent_id else None
        if terms.parent_id and (parent is None or not parent.is_alive):
            self.listener.error(client_id, order_id, 10006, "Missing parent order.")
            return
        order = self.add(client_id, order_id, share, terms, parent)
        if terms.transmit:
            for waiting in self._untransmitted_family(order):
                self.transmit(waiting, at)

    def add(
        self, client_id: int, order_id: int, share: Share, terms: Terms, parent: Order | None = None
    ) -> Order:
        self.perm_id += 1
        order = self.orders[self.perm_id] = Order(order_id, client_id, self.perm_id, share, terms, parent)
        self.used.add((client_id, order_id))
        self.made.append(terms.ref)
        self.next_id = max(self.next_id, order_id + 1)
        return order

    def _untransmitted_family(self, order: Order) -> list[Order]:
        head = order.parent or order
        return [o for o in self.orders.values() if not o.is_transmitted and (o is head or o.parent is head)]

    def transmit(self, order: Order, at: datetime) -> None:
        order.is_transmitted = True
        if order.parent and order.parent.status in (Status.INACTIVE, Status.CANCELLED):
            self._end(order, Status.CANCELLED, at, "Parent order was rejected")
        elif refusal := self.screening.refusal(order):
            self._end(order, Status.INACTIVE, at, refusal.text, refusal.code)
        else:
            order.terms = self.screening.with_preset(order.terms)
            self.work(order)
            for notice in self.screening.notices(order):
                self.listener.error(order.client_id, order.order_id, notice.code, notice.text)

    def work(self, order: Order) -> None:
        order.why_held = self._why_held(order)
        order.status = Status.PRE_SUBMITTED if order.why_held else Status.SUBMITTED
        self._tell(order)

    def _why_held(self, order: Order) -> str:
        if order.parent and order.parent.remaining and not (self.partial_brackets and order.parent.filled):
            return "child"
        return self.screening.why_held(order)

    def _tell(self, order: Order) -> None:
        self.listener.open_order(order)
        self.listener.order_status(order)

    def _change(self, order: Order, terms: Terms, at: datetime) -> None:
        if error := self.screening.change_error(order, terms):
            self.listener.error(order.client_id, order.order_id, error.code, error.text)
            return
        order.terms = replace(terms, parent_id=order.terms.parent_id)
        if not order.is_transmitted and terms.transmit:
            for waiting in self._untransmitted_family(order):
                self.transmit(waiting, at)
        elif order.is_transmitted:
            self.work(order)

    def cancel(self, client_id: int, order_id: int, at: datetime) -> None:
        order = self.find(client_id, order_id)
        if order is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            self.listener.error(client_id, order_id, 10147, text)
        elif not order.is_alive:
            text = (
                f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            )
            self.listener.error(client_id, order_id, 10148, text)
        elif self.screening.cancel_refusals:
            self.listener.error(client_id, order_id, *self.screening.cancel_refusals.pop(0))
        elif self.holds_cancels:
            order.status = Status.PENDING_CANCEL
            self.listener.order_status(order)
        else:
            self.end(order, at)

    def end(self, order: Order, at: datetime, reason: str = "") -> None:
        """Cancel an order, and those that hang on it; what an entry has filled stays guarded."""
        self._end(order, Status.CANCELLED, at, f"Order Canceled - reason:{reason}", 202)
        for child in self._living_children(order):
            if order.filled and self.partial_brackets:
                self._shrink(child, child.terms.quantity - order.filled, at)
            else:
                self.end(child, at)

    def _end(self, order: Order, status: Status, at: datetime, reason: str, code: int = 202) -> None:
        order.status, order.reason, order.ended_at, order.why_held = status, reason, at, ""
        self.listener.order_status(order)
        self.listener.error(order.client_id, order.order_id, code, reason)

    def reject(self, order: Order, at: datetime, reason: str) -> None:
        """Reject an order that was accepted before, and what hangs on it."""
        self._end(order, Status.INACTIVE, at, f"Order rejected - reason:{reason}", 201)
        for child in self._living_children(order):
            self.end(child, at)

    def move(self, order: Order, level: Decimal) -> None:
        """Give an order another level, as by hand in TWS."""
        if order.terms.stop is not None:
            order.terms = replace(order.terms, stop=level)
        else:
            order.terms = replace(order.terms, limit=level)
        self._tell(order)

    def pass_time(self, at: datetime, price: Callable[[Share], Decimal]) -> None:
        """End what was good until now, and fill at the market what waited for its time."""
        for order in [o for o in self.orders.values() if o.is_open]:
            if order.is_alive and order.terms.good_till and _moment(order.terms.good_till) <= at:
                self.end(order, at, "Good till date has passed")
        for order in [o for o in self.orders.values() if o.is_open and o.why_held == "time"]:
            if order.is_alive and _moment(order.terms.good_after) <= at:
                self.fill(order, order.remaining, price(order.share), Decimal(1), at)

    def _living_children(self, order: Order) -> list[Order]:
        return [o for o in self.orders.values() if o.parent is order and o.is_alive]

    def fill(
        self, order: Order, quantity: Decimal, price: Decimal, commission: Decimal, at: datetime
    ) -> Execution:
        """Fill shares of an order, an ended one too: a fill can have been under way."""
        order.filled += quantity
        order.spent += quantity * price
        order.last_price = price
        if not order.remaining:
            order.status, order.ended_at = Status.FILLED, at
        elif order.is_alive and order.status != Status.PENDING_CANCEL:
            order.status = Status.SUBMITTED
        order.why_held = ""
        self.exec_number += 1
        execution = self._execute(
            order, f"0000e0d5.{order.perm_id:x}.{self.exec_number:02}.01", quantity, price, commission, at
        )
        self._follow(order, quantity, at)
        return execution

    def _execute(
        self, order: Order, exec_id: str, quantity: Decimal, price: Decimal, commission: Decimal, at: datetime
    ) -> Execution:
        execution = Execution(exec_id, order, quantity, price, at, order.filled, order.average, commission)
        self.executions.append(execution)
        self.account.apply(execution)
        if self.commissions == "before":
            self._commission(execution)
        self.listener.executed(execution)
        self._tell(order)
        if self.commissions == "after":
            self._commission(execution)
        return execution

    def _commission(self, execution: Execution) -> None:
        execution.is_commission_known = True
        self.listener.commissioned(execution)

    def untold(self) -> list[Execution]:
        """Return the executions whose commission was held back."""
        return [execution for execution in self.executions if not execution.is_commission_known]

    def tell_commissions(self) -> None:
        for execution in self.untold():
            self._commission(execution)

    def _follow(self, order: Order, quantity: Decimal, at: datetime) -> None:
        for mate in self._group_of(order):
            if order.oca_type == CANCELS_ALL:
                self.end(mate, at, "OCA Group Filled")
            else:
                self._shrink(mate, quantity, at)
        for child in self._living_children(order):
            if child.is_transmitted and child.why_held == "child":
                self.work(child)

    def _group_of(self, order: Order) -> list[Order]:
        return [
            o
            for o in self.orders.values()
            if o is not order and order.group and o.group == order.group and o.is_open
        ]

    def _shrink(self, order: Order, by: Decimal, at: datetime) -> None:
        order.terms = replace(order.terms, quantity=max(order.terms.quantity - by, order.filled))
        if order.remaining:
            self._tell(order)
        else:
            self._end(order, Status.CANCELLED, at, "Order Canceled - reason:OCA Group Filled")

    def correct(self, execution: Execution, quantity: Decimal, price: Decimal, at: datetime) -> Execution:
        """Tell an execution again with other figures, under the next suffix."""
        self.account.apply(execution, -1)
        order, number = execution.order, int(execution.exec_id.rpartition(".")[2]) + 1
        order.filled += quantity - execution.quantity
        order.spent += quantity * price - execution.quantity * execution.price
        exec_id = f"{execution.stem}.{number:02}"
        return self._execute(order, exec_id, quantity, price, execution.commission, at)

    def newest_executions(self) -> list[Execution]:
        """Return each execution as it was corrected last."""
        return list({execution.stem: execution for execution in self.executions}.values())


def _moment(text: str) -> datetime:
    """Read a time of a request in UTC: `20240702-19:00:00`."""
    return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
