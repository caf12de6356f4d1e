"""Putting a stop back: a stop, mostly with a target, for shares that are held without one.

Never two stops for the same shares, and never more than the account holds: how many are without one is
counted when it is made, and again, with what the broker says by then, when it is sent. What cannot be counted
waits, and is tried again each minute.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals import positions
from approvals.brokers.base import BrokerError, Report, Side
from approvals.execution import brokerage, cancel, reports, switching, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import Notification, Order
from approvals.models.orders import OrderQuerySet
from approvals.positions import Position, Protected

Status = Order.Status

BEING_CLOSED = "The position is being closed: it waits for that."
NOT_READ = "What the account holds, or what others have ordered there, cannot be read: it waits for that."
GUARDED = "None of the shares is without a stop any more."
SOLD_BY_OTHERS = (
    "An order at the broker that is not of Jax may sell the shares already: cancel it there first."
)


@dataclass(frozen=True)
class Guard:
    """Where a stop is to stand for shares that have none, and a target; None: no target."""

    stop: Decimal
    target: Decimal | None = None


def make(
    position: Position, shares: int, guard: Guard, by: User, at: datetime, *, currency: str, **columns: Any
) -> Order:
    """Store a stop, and a target, for so many of our shares, about to be sent. Under the account's lock."""
    order = Order(
        kind=Order.Kind.PROTECT,
        symbol=position.symbol,
        side=Side.SELL if position.sign > 0 else Side.BUY,
        quantity=shares,
        currency=currency,
        stop_loss=guard.stop,
        take_profit=guard.target,
        status=Status.PENDING_SUBMIT,
        requested_by=by,
        created_at=at,
        released_at=at,
        **columns,
    )
    transitions.require(None, Status.PENDING_SUBMIT)
    order.save(force_insert=True)
    return order


def on_its_way(symbol: str) -> OrderQuerySet:
    """Return the protections of a symbol whose stop does not work yet."""
    return Order.objects.protections().working().filter(symbol=symbol, exits_working=False)


def bare_shares(symbol: str, apart_from: Order | None = None) -> int:
    """Return how many of our shares have no stop, and none on its way; below zero: more stops than shares."""
    held = next((held for held in positions.protected() if held.position.symbol == symbol), None)
    if held is None or (apart_from is not None and held.position.sign != apart_from.sign):
        return 0
    coming = on_its_way(symbol)
    coming = coming if apart_from is None else coming.exclude(pk=apart_from.pk)
    return bare_of(held, coming)


def bare_of(held: Protected, coming: Iterable[Order]) -> int:
    """Return how many shares of a position have no stop, and none among those that are on their way."""
    return held.unprotected - sum(order.quantity - order.filled_quantity for order in coming)


def send_protection(order: Order, at: datetime) -> None:
    """Send it for the shares that are without a stop by now; one that is not to be sent any more ends."""
    broker = brokerage.configured(at)
    if elsewhere := switching.elsewhere(broker.name):
        _wait(order, elsewhere)
        return
    try:
        if brokerage.has(broker, order, at):
            return
        _read_exits(order, broker, at)
        free = _free_shares(order, broker)
    except brokerage.TooLongAgo as error:
        _end(order, str(error), at)
    except BrokerError as error:
        _wait(order, f"The broker did not answer: {error}")
    else:
        _send(order, broker, free, at)


def _send(order: Order, broker: ScreenedBroker, free: int | None, at: datetime) -> None:
    if free is None:
        _wait(order, NOT_READ)
    elif _begin(order, broker, free, at):
        order.refresh_from_db()
        protection = brokerage.protection(order, order.quantity)
        brokerage.hand_over(broker, order, lambda: broker.protect(protection), Status.PENDING_SUBMIT, at)
        _cancel_unwanted(order, broker, at)


def _begin(order: Order, broker: ScreenedBroker, free: int, at: datetime) -> bool:
    """Write how many shares it is sent for; return whether this process is the one to send it.

    `free`: the shares that no order of others may sell.
    """
    with transaction.atomic():
        positions.lock_account()
        if Order.objects.working().filter(symbol=order.symbol, kind=Order.Kind.CLOSE).exists():
            _wait(order, BEING_CLOSED)
            return False
        bare, held = bare_shares(order.symbol, order), abs(positions.of(order.symbol).quantity)
        left = free - (held - bare)  # of the account, besides what is guarded
        quantity = min(order.quantity, bare, left)
        if quantity <= 0:
            _end(order, GUARDED if bare <= 0 else SOLD_BY_OTHERS, at)
            return False
        return brokerage.begin(broker, order, at, quantity=quantity)


def _read_exits(order: Order, broker: ScreenedBroker, at: datetime) -> None:
    """Bring up to date what was executed, and which stops work, also of those that are taken for ended."""
    reports.catch_up(broker, at)
    reports.apply_all(broker.orders(), at)
    since = positions.of(order.symbol).opened_at or at
    ended = Order.objects.guarding().filter(
        broker=broker.name, symbol=order.symbol, exits_working=False, submitted_at__isnull=False
    )
    entries = ended.filter(kind=Order.Kind.ENTRY, fills__executed_at__gte=since)
    protections = ended.filter(kind=Order.Kind.PROTECT, created_at__gte=since).exclude(pk=order.pk)
    for other in (*entries.distinct(), *protections):
        report = broker.order(other.pk)
        if isinstance(report, Report):
            reports.apply(report, at)


def _free_shares(order: Order, broker: ScreenedBroker) -> int | None:
    """Return the shares of the account that no order of others may sell; None when that cannot be read."""
    held = broker.whole_shares(order.symbol)
    ordered = broker.ordered_by_others(order.symbol, Side(order.side))
    return None if held is None or ordered is None else order.sign * held - ordered


def _cancel_unwanted(order: Order, broker: ScreenedBroker, at: datetime) -> None:
    """Cancel it where that was asked for while it was on its way. Reconciliation asks again until it is."""
    unwanted = Order.objects.filter(cancel.STILL_WORKING, pk=order.pk).first()
    if unwanted is not None:
        with suppress(BrokerError):
            cancel.request_cancel(unwanted, broker, at)


def _wait(order: Order, reason: str) -> None:
    Order.objects.filter(pk=order.pk, status=Status.PENDING_SUBMIT).update(status_reason=reason)


def _end(order: Order, reason: str, at: datetime) -> None:
    with transaction.atomic():
        if transitions.move(order, [Status.PENDING_SUBMIT], Status.CANCELLED, reason, at):
            title = f"{order} was not placed. {reason}"
            transitions.warn(Notification.Kind.ORDER_FAILED, order, "not placed", title, at)
