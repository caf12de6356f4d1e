"""ib_async's client with a wrapper that writes down what the gateway says, before ib_async judges it.

ib_async calls a living order cancelled (10349), empties its trades when a connection ends and drops
commissions that come before their execution: nothing here reads an order from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from ib_async import IB, CommissionReport, Contract, Execution, Order, OrderState
from ib_async.client import Client
from ib_async.util import dataclassNonDefaults
from ib_async.wrapper import Wrapper

from ib_bridge import references
from ib_bridge.journal.entries import Kind
from ib_bridge.journal.store import Journal

Clock = Callable[[], datetime]
NO_PERM_ID = 0


class Listener(Protocol):
    """What happens in the connection, as it happens."""

    def on_order(self, client_id: str, leg: str) -> None:
        """Something was said of an order of ours; the journal has it."""

    def on_change(self) -> None:
        """Something of the account changed; the journal has it."""

    def on_error(self, request: int, code: int, text: str) -> None: ...


class Recorder(Wrapper):
    """`references_by_id`: whose the order ids of this connection are, client id and leg."""

    def __init__(self, ib: IB, journal: Journal, clock: Clock, listener: Listener) -> None:
        super().__init__(ib)
        self.journal, self.clock, self.listener = journal, clock, listener
        self.references_by_id: dict[int, tuple[str, str]] = {}

    def openOrder(self, orderId: int, contract: Contract, order: Order, orderState: OrderState) -> None:
        if not order.whatIf:
            ours = references.read(order.orderRef)
            if ours != references.NOT_OURS and order.clientId == self.clientId and orderId > 0:
                self.references_by_id[orderId] = ours
            self._order_said(Kind.OPEN_ORDER, contract, order, orderState, ours, orderId)
        super().openOrder(orderId, contract, order, orderState)

    def completedOrder(self, contract: Contract, order: Order, orderState: OrderState) -> None:
        ours = references.read(order.orderRef)
        self._order_said(Kind.COMPLETED, contract, order, orderState, ours, 0)
        super().completedOrder(contract, order, orderState)

    def orderStatus(
        self,
        orderId: int,
        status: str,
        filled: float,
        remaining: float,
        avgFillPrice: float,
        permId: int,
        parentId: int,
        lastFillPrice: float,
        clientId: int,
        whyHeld: str,
        mktCapPrice: float = 0.0,
    ) -> None:
        body = {
            "status": status,
            "filled": filled,
            "remaining": remaining,
            "avgFillPrice": avgFillPrice,
            "parentId": parentId,
            "clientId": clientId,
            "whyHeld": whyHeld,
        }
        ours = self._whose(orderId if clientId == self.clientId else 0, permId)
        self._add(Kind.STATUS, body, ours, order_id=orderId, perm_id=permId)
        super().orderStatus(
            orderId,
            status,
            filled,
            remaining,
            avgFillPrice,
            permId,
            parentId,
            lastFillPrice,
            clientId,
            whyHeld,
            mktCapPrice,
        )

    def execDetails(self, reqId: int, contract: Contract, execution: Execution) -> None:
        ours = references.read(execution.orderRef)
        if ours == references.NOT_OURS:
            ours = self._whose(0, execution.permId)
        body = {"contract": dataclassNonDefaults(contract), "execution": dataclassNonDefaults(execution)}
        self._add(Kind.EXECUTION, body, ours, perm_id=execution.permId, execution_id=execution.execId)
        super().execDetails(reqId, contract, execution)

    def commissionReport(self, commissionReport: CommissionReport) -> None:
        body = asdict(commissionReport)
        last = self.journal.last_commission(commissionReport.execId)
        if last is None or last.body.get("commission") != body["commission"]:
            self._add(Kind.COMMISSION, body, references.NOT_OURS, execution_id=commissionReport.execId)
        super().commissionReport(commissionReport)

    def position(self, account: str, contract: Contract, posSize: float, avgCost: float) -> None:
        held = self.positions[account].get(contract.conId)
        if held is None or held.position != posSize:
            body = {"account": account, "symbol": contract.symbol, "quantity": posSize}
            self._add(Kind.POSITION, body, references.NOT_OURS)
        super().position(account, contract, posSize, avgCost)

    def error(self, reqId: int, errorCode: int, errorString: str, advancedOrderRejectJson: str) -> None:
        ours = self.references_by_id.get(reqId, references.NOT_OURS)
        body = {"code": errorCode, "text": errorString, "advanced": advancedOrderRejectJson}
        self._add(Kind.ERROR, body, ours, order_id=max(reqId, 0))
        super().error(reqId, errorCode, errorString, advancedOrderRejectJson)
        self.listener.on_error(reqId, errorCode, errorString)

    def tcpDataProcessed(self) -> None:
        self.journal.commit()
        super().tcpDataProcessed()  # type: ignore[no-untyped-call]  # ib_async's own

    def _order_said(
        self,
        kind: Kind,
        contract: Contract,
        order: Order,
        state: OrderState,
        ours: tuple[str, str],
        order_id: int,
    ) -> None:
        body = {
            "contract": dataclassNonDefaults(contract),
            "order": dataclassNonDefaults(order),
            "state": dataclassNonDefaults(state),
        }
        self._add(kind, body, ours, order_id=order_id, perm_id=order.permId)

    def _whose(self, order_id: int, perm_id: int) -> tuple[str, str]:
        ours = self.references_by_id.get(order_id, references.NOT_OURS)
        if ours == references.NOT_OURS and perm_id:
            ours = self.journal.order_of(perm_id)
        return ours

    def _add(self, kind: Kind, body: Mapping[str, Any], ours: tuple[str, str], **ids: Any) -> None:
        self.journal.add(self.clock(), kind, body, order=ours, **ids)
        if ours != references.NOT_OURS:
            self.listener.on_order(*ours)
        self.listener.on_change()


def connectable(journal: Journal, clock: Clock, listener: Listener) -> tuple[IB, Recorder]:
    """Return a client that was never connected, and its wrapper."""
    ib = IB()
    ib.client.apiEnd -= ib.disconnectedEvent
    recorder = Recorder(ib, journal, clock, listener)
    ib.wrapper = recorder
    ib.client = Client(recorder)
    ib.client.apiEnd += ib.disconnectedEvent
    ib.RaiseRequestErrors = True
    ib.TimezoneTWS = "UTC"  # times without a zone, as 20261130-15:00:00, are in UTC
    return ib, recorder
