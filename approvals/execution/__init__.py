"""The only package that talks to a broker: it sends orders, asks how they stand and writes that down.

What other packages call is here; no name of it is that of a module.
"""

from approvals.brokers.base import BrokerError
from approvals.execution.account import prune_snapshots
from approvals.execution.brokerage import RealMoney
from approvals.execution.cancel import cancel_order
from approvals.execution.changes import change_exits
from approvals.execution.describing import Connection, describe_account, describe_connection
from approvals.execution.listening import Listener
from approvals.execution.listening import configured as can_listen
from approvals.execution.reconcile import reconcile_orders
from approvals.execution.submit import submit_order

__all__ = [
    "BrokerError",
    "Connection",
    "Listener",
    "RealMoney",
    "can_listen",
    "cancel_order",
    "change_exits",
    "describe_account",
    "describe_connection",
    "prune_snapshots",
    "reconcile_orders",
    "submit_order",
]
