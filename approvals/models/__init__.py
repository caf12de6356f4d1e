"""The rows of the approvals app: decisions, orders, what stops them, their outcomes, the record."""

from approvals.models.accounts import AccountSnapshot, BrokerPosition
from approvals.models.audit import AuditEvent
from approvals.models.decisions import SignalView, TradeApproval
from approvals.models.drifts import Drift
from approvals.models.executions import BrokerExecution, Charge, OrderLeg
from approvals.models.exits import ExitChange, TrailingStop
from approvals.models.fills import Fill
from approvals.models.halts import Gate, TradingHalt
from approvals.models.notifications import Delivery, Notification
from approvals.models.orders import Order, OrderDecision
from approvals.models.outcomes import Outcome
from approvals.models.paper import (
    PaperAccount,
    PaperChange,
    PaperDividend,
    PaperFill,
    PaperOrder,
    WaitingDividend,
)
from approvals.models.paper_cash import BorrowRate, PaperCharge, PaperTransfer
from approvals.models.quarantine import QuarantinedRow
from approvals.models.statements import (
    BrokerStatement,
    StatementBase,
    StatementDifference,
    StatementFetch,
)
from approvals.models.streams import BrokerStream
from approvals.models.trades import NamedLot, Trade

__all__ = [
    "AccountSnapshot",
    "AuditEvent",
    "BorrowRate",
    "BrokerExecution",
    "BrokerPosition",
    "BrokerStatement",
    "BrokerStream",
    "Charge",
    "Delivery",
    "Drift",
    "ExitChange",
    "Fill",
    "Gate",
    "NamedLot",
    "Notification",
    "Order",
    "OrderDecision",
    "OrderLeg",
    "Outcome",
    "PaperAccount",
    "PaperChange",
    "PaperCharge",
    "PaperDividend",
    "PaperFill",
    "PaperOrder",
    "PaperTransfer",
    "QuarantinedRow",
    "SignalView",
    "StatementBase",
    "StatementDifference",
    "StatementFetch",
    "Trade",
    "TradeApproval",
    "TradingHalt",
    "TrailingStop",
    "WaitingDividend",
]
