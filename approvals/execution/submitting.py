"""Sending an order that is about to be sent: at once, or not at all without a new look."""

from datetime import datetime, timedelta
from uuid import UUID

from approvals import switches
from approvals.brokers.base import BrokerError
from approvals.execution import brokerage, closing, moving, sending
from approvals.models import Order

Status = Order.Status

SEND_WITHIN = timedelta(minutes=2)


def submit(pk: UUID, at: datetime) -> None:
    """Send an order that is about to be sent. One that is not any more stays as it is."""
    order = Order.objects.filter(pk=pk, status=Status.PENDING_SUBMIT).first()
    if order is None:
        return
    if order.kind == Order.Kind.CLOSE:
        closing.send(order, at)
    elif obstacle := switches.obstacle(at) or _too_late(order, at):
        _hold(order, obstacle, at)
    else:
        _send(order, at)


def _too_late(order: Order, at: datetime) -> str:
    """Why an entry is too old to be sent as it is; empty when it is not."""
    said = max(instant for instant in (order.released_at, order.due_at, order.created_at) if instant)
    if at - said <= SEND_WITHIN:
        return ""
    return f"It was to be sent at {said:%H:%M:%S} UTC and could not be within two minutes."


def _send(order: Order, at: datetime) -> None:
    there = brokerage.broker(at)
    try:
        if sending.is_there(order, there, at):
            return
    except BrokerError as error:
        _hold(order, f"The broker could not be asked whether it has the order already. {error}", at)
        return
    bracket = brokerage.bracket(order)
    if sending.begin(order, there, at):
        sending.hand_over(order, there, lambda: there.place(bracket), Status.HELD, at)


def _hold(order: Order, reason: str, at: datetime) -> None:
    moving.move(order, [Status.PENDING_SUBMIT], Status.HELD, reason, at)
