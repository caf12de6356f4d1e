"""Closing a position, whole or as many shares as a person said, and never more than is held.

Its exits stay until it has filled, where the broker lets a closing work beside them: a closing that waits or
is refused leaves the position protected. Elsewhere they are cancelled first.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Coalesce

from approvals import positions
from approvals.brokers.base import BrokerError, Side
from approvals.execution import brokerage, cancel, quarantine, reports, switching, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import Order
from approvals.models.orders import OrderQuerySet

Status = Order.Status

ANSWERED_WITHIN = timedelta(seconds=30)


def send_closing(order: Order, at: datetime) -> None:
    """Cancel the symbol's working entries, and exits where they have to go, then close what is held then.

    What cannot be confirmed leaves the closing waiting: it is tried again every minute.
    """
    if not order.is_part:
        _end_unsent_entries(order, at)
    broker = brokerage.configured(at)
    if elsewhere := switching.elsewhere(broker.name):
        _wait(order, elsewhere)
        return
    try:
        if brokerage.has(broker, order, at):
            return
        guards = _guards(order, broker)
        is_of_all = order.is_part and order.shares_of_id is None
        obstacle = _on_its_way(order, at) or ("" if is_of_all else _cancel_others(order, broker, at))
        quantity = 0 if obstacle else _held_shares(order, broker, at)
        quantity = min(quantity, order.quantity) if order.is_part else quantity
    except BrokerError as error:
        obstacle, quantity, guards = f"The broker did not answer: {error}", 0, ()
    if obstacle:
        _wait(order, obstacle)
    elif quantity <= 0:
        reason = "The position was closed meanwhile."
        transitions.move(order, [Status.PENDING_SUBMIT], Status.CANCELLED, reason, at)
    elif brokerage.begin(broker, order, at, quantity=quantity):
        closing = brokerage.closing(order, quantity, guards)
        brokerage.hand_over(broker, order, lambda: broker.close(closing), Status.PENDING_SUBMIT, at)


def _end_unsent_entries(order: Order, at: datetime) -> None:
    """Cancel the entries that would buy back what is being closed, and the stops that would guard it."""
    for other in Order.objects.guarding().unsent().filter(symbol=order.symbol):
        transitions.move(other, Order.UNSENT, Status.CANCELLED, "The position was closed.", at)


def _on_its_way(order: Order, at: datetime) -> str:
    """Return why the closing has to wait for a stop that is being placed; empty when there is none.

    One that arrives after the shares were sold would sell them a second time. What is asked to be cancelled
    is cancelled where it arrives.
    """
    placed = Order.objects.protections().in_(*Order.SENT).filter(symbol=order.symbol, acknowledged_at=None)
    if placed.filter(submitted_at__gt=at - ANSWERED_WITHIN).exists():
        return "A stop is being placed just now: it waits for the broker's answer."
    unwanted = placed.none() if order.is_part else placed.filter(cancel_exits=False)
    unwanted.update(cancel_requested_at=Coalesce("cancel_requested_at", at), cancel_exits=True)
    return ""


def _guards(order: Order, broker: ScreenedBroker) -> tuple[UUID, ...]:
    """Return the orders whose exits stay beside the closing."""
    if not broker.capabilities.closes_beside_exits:
        return ()
    exits = Order.objects.guarding().filter(symbol=order.symbol).exclude(cancel_exits=True)
    guarding = _of(order, exits).filter(Q(exits_working=True) | Q(status__in=Order.SENT))
    return tuple(guarding.order_by("created_at", "pk").values_list("pk", flat=True))


def _of(order: Order, others: OrderQuerySet) -> OrderQuerySet:
    """Return those whose shares a closing is of: of all, or of one order alone."""
    return others if order.shares_of_id is None else others.filter(pk=order.shares_of_id)


def _cancel_others(order: Order, broker: ScreenedBroker, at: datetime) -> str:
    """Cancel what has to go first; return why the closing has to wait, empty when it need not."""
    with_exits = not broker.capabilities.closes_beside_exits
    exits = Q(exits_working=True) if with_exits else Q(cancel_exits=True, exits_working=True)
    works = Q(kind=Order.Kind.ENTRY, status__in=Order.SENT) | exits
    others = _of(order, Order.objects.guarding()).filter(works, symbol=order.symbol)
    for other in others.order_by("created_at", "pk"):
        requested_at, cancel_exits = other.cancel_requested_at or at, with_exits or other.cancel_exits
        Order.objects.filter(pk=other.pk).update(cancel_requested_at=requested_at, cancel_exits=cancel_exits)
        other.cancel_exits = cancel_exits
        if not cancel.request_cancel(other, broker, at):
            return f"Order {other.pk} is being cancelled and still works at the broker."
    return ""


def _held_shares(order: Order, broker: ScreenedBroker, at: datetime) -> int:
    """Return all that we hold by now, entries filled after the click too; at most the account's shares.

    What our orders traded and could not be recorded counts. An account's row that cannot be read limits
    nothing.
    """
    reports.catch_up(broker, at)
    sign = Side(order.side).opposite.sign
    held_by_us = sign * (positions.of(order.symbol).quantity + quarantine.shares(order.symbol, at))
    held = broker.whole_shares(order.symbol)
    return held_by_us if held is None else min(held_by_us, sign * held)


def _wait(order: Order, reason: str) -> None:
    Order.objects.filter(pk=order.pk, status=Status.PENDING_SUBMIT).update(status_reason=reason)
