"""Closing a position: never while its exits work, always whole, and never more than is held."""

from datetime import datetime

from django.db.models import Q

from approvals import positions
from approvals.brokers.base import Broker, BrokerError, Side
from approvals.execution import brokerage, fills, sending, transitions
from approvals.execution.cancel import ask_to_cancel
from approvals.models import Order

Status = Order.Status


def send(order: Order, at: datetime) -> None:
    """Cancel the symbol's working entries and exits, then close what is held then.

    What cannot be confirmed leaves the closing waiting: it is tried again every minute.
    """
    _end_unsent_entries(order, at)
    there = brokerage.broker(at)
    try:
        if sending.is_there(order, there, at):
            return
        in_the_way = _clear(order, there, at)
        quantity = 0 if in_the_way else _held(order, there, at)
    except BrokerError as error:
        in_the_way, quantity = f"The broker did not answer: {error}", 0
    if in_the_way:
        _wait(order, in_the_way)
    elif quantity <= 0:
        gone = "The position was closed meanwhile."
        transitions.move(order, [Status.PENDING_SUBMIT], Status.CANCELLED, gone, at)
    elif sending.begin(order, there, at, quantity=quantity):
        closing = brokerage.close(order, quantity)
        sending.hand_over(order, there, lambda: there.close(closing), Status.PENDING_SUBMIT, at)


def _end_unsent_entries(order: Order, at: datetime) -> None:
    """Nothing buys back what is being closed."""
    for entry in Order.objects.entries().unsent().filter(symbol=order.symbol):
        transitions.move(entry, Order.UNSENT, Status.CANCELLED, "The position was closed.", at)


def _clear(order: Order, there: Broker, at: datetime) -> str:
    """Cancel what works in the symbol; what is in the way when something still does."""
    works = Q(status__in=Order.SENT) | Q(exits_working=True)
    for other in Order.objects.entries().filter(works, symbol=order.symbol).order_by("created_at", "pk"):
        requested = other.cancel_requested_at or at
        Order.objects.filter(pk=other.pk).update(cancel_requested_at=requested, cancel_exits=True)
        other.cancel_exits = True
        if not ask_to_cancel(other, there, at):
            return f"Order {other.pk} is being cancelled and still works at the broker."
    return ""


def _held(order: Order, there: Broker, at: datetime) -> int:
    """All that we hold by now, entries that filled after the click too; no more than the account holds."""
    fills.catch_up(there, at)
    sign = Side(order.side).opposite.sign
    ours = sign * positions.of(order.symbol).quantity
    holding = there.holdings().get(order.symbol)
    return min(ours, sign * holding.quantity if holding else 0)


def _wait(order: Order, reason: str) -> None:
    Order.objects.filter(pk=order.pk, status=Status.PENDING_SUBMIT).update(status_reason=reason)
