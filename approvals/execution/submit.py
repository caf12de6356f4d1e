"""Sending an order that is about to be sent: at once, or not at all without a new decision."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from approvals import gate
from approvals.brokers.base import BrokerError
from approvals.execution import brokerage, close, protect, transitions
from approvals.models import Order, TradingHalt

Status = Order.Status

SEND_WITHIN = timedelta(minutes=2)


def submit_order(pk: UUID, at: datetime) -> None:
    """Send an order that is about to be sent. One that is not any more stays as it is."""
    order = Order.objects.filter(pk=pk, status=Status.PENDING_SUBMIT).first()
    if order is None:
        return
    if order.kind == Order.Kind.CLOSE:
        close.send_closing(order, at)
    elif order.kind == Order.Kind.PROTECT:
        protect.send_protection(order, at)
    elif obstacle := gate.obstacle(at) or halted_meanwhile(order, at) or _too_late(order, at):
        _hold(order, obstacle, at)
    else:
        _send_entry(order, at)


def halted_meanwhile(order: Order, at: datetime) -> str:
    """Return why an entry that waited through a halt does not go out by itself; empty when there was none.

    The gate does not count while an order waits for the open: it closes every night.
    """
    decided_at = order.released_at or order.created_at
    is_open = Q(ended_at=None) & (Q(until=None) | Q(until__gt=decided_at))
    halts = TradingHalt.objects.filter(is_open | Q(ended_at__gt=decided_at, started_at__lt=at))
    halt = halts.order_by("started_at").first()
    return f"Trading was halted while it waited: {halt.reason}" if halt else ""


def _too_late(order: Order, at: datetime) -> str:
    """Return why an entry is too old to be sent as it is; empty when it is not."""
    ready_at = max(instant for instant in (order.released_at, order.due_at, order.created_at) if instant)
    if at - ready_at <= SEND_WITHIN:
        return ""
    return f"It was to be sent at {ready_at:%H:%M:%S} UTC and could not be within two minutes."


def _send_entry(order: Order, at: datetime) -> None:
    broker = brokerage.configured(at)
    try:
        if brokerage.has(broker, order, at):
            return
    except brokerage.TooLongAgo as error:
        _hold(order, str(error), at)
        return
    except BrokerError as error:
        _hold(order, f"The broker could not be asked whether it has the order already. {error}", at)
        return
    bracket = brokerage.bracket(order)
    if brokerage.begin(broker, order, at):
        brokerage.hand_over(broker, order, lambda: broker.place(bracket), Status.HELD, at)


def _hold(order: Order, reason: str, at: datetime) -> None:
    transitions.move(order, [Status.PENDING_SUBMIT], Status.HELD, reason, at)
