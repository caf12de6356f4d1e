"""The only room that talks to a broker: it sends orders, asks what became of them and writes that down."""

from approvals.execution.account import prune
from approvals.execution.brokerage import RealMoney, broker
from approvals.execution.cancel import cancel
from approvals.execution.reconcile import reconcile
from approvals.execution.submit import submit

__all__ = ["RealMoney", "broker", "cancel", "prune", "reconcile", "submit"]
