"""Recording that shares of ours left the account without an order of Jax, and ending what guarded them."""

import logging
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import uuid5

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.functions import Coalesce

from approvals import positions
from approvals.brokers.base import Broker, BrokerError, Leg, Side
from approvals.execution import cancel, transitions
from approvals.models import Drift, Fill, Order

logger = logging.getLogger(__name__)

Status = Order.Status


class Sale(NamedTuple):
    """What shares that left the account were given for. `execution_id` is unique for the broker."""

    quantity: int
    price: Decimal
    executed_at: datetime
    execution_id: str
    commission: Decimal = Decimal(0)


def store_filled(order: Order, sale: Sale, broker: str, reason: str, at: datetime) -> None:
    """Store a closing that has not been saved as filled by others, with its fill."""
    order.status, order.filled_quantity = Status.FILLED, order.quantity
    order.broker, order.status_reason = broker, reason
    order.submitted_at = order.acknowledged_at = order.ended_at = at
    transitions.require(None, Status.FILLED)
    order.save(force_insert=True)
    Fill.objects.create(
        order=order,
        leg=Fill.Leg.CLOSE,
        broker=broker,
        execution_id=sale.execution_id,
        symbol=order.symbol,
        side=order.side,
        quantity=sale.quantity,
        price=sale.price,
        commission=sale.commission,
        executed_at=sale.executed_at,
        recorded_at=at,
    )


def record(drift: Drift, sale: Sale, by: User, reason: str, at: datetime) -> Order:
    """Close so many of our shares with what they were given for; return the closing that stands for it."""
    entry = entry_of(drift.symbol)
    order = Order(
        kind=Order.Kind.CLOSE,
        symbol=drift.symbol,
        side=(Side.BUY if drift.ours > 0 else Side.SELL).opposite.value,
        quantity=sale.quantity,
        currency=entry.currency,
        requested_by=by,
        created_at=at,
        released_at=at,
    )
    store_filled(order, sale, drift.broker, reason, at)
    return order


def entry_of(symbol: str) -> Order:
    """Return the newest entry that bought what is held of a symbol."""
    entries = Order.objects.entries().filter(symbol=symbol, filled_quantity__gt=0)
    return entries.select_related("requested_by").latest("created_at")


# --- what guarded them ------------------------------------------------------------------------------------


def end_exits(symbol: str, broker: Broker, at: datetime) -> None:
    """Take stops and targets down to what is still held, and cancel entries that still fill.

    Else the broker would sell what is not there any more: a short that nobody wanted. The newest go first. A
    broker that does not change a leg has the whole pair cancelled: people are told of shares without a stop.
    """
    position = next((held for held in positions.protected() if held.position.symbol == symbol), None)
    left = abs(position.position.quantity) if position else 0
    _cancel_entries(symbol, at, whole=left == 0)
    surplus = sum(map(positions.guarded, position.exits)) - left if position and left else 0
    for order in reversed(position.exits if position else []):
        if surplus > 0:
            _reduce(order, max(positions.guarded(order) - surplus, 0), broker, at)
            surplus -= positions.guarded(order)
    for order in Order.objects.filter(cancel.STILL_WORKING, symbol=symbol):
        try:
            cancel.request_cancel(order, broker, at)
        except BrokerError as error:  # each reconciliation asks again
            logger.warning("order %s is not cancelled yet and is tried again: %s", order.pk, error)


def _cancel_entries(symbol: str, at: datetime, *, whole: bool) -> None:
    """Have what still fills cancelled; where nothing is held any more, the exits of all, too."""
    reason = "Its position was closed at the broker."
    orders = Order.objects.guarding() if whole else Order.objects.entries()
    for order in orders.unsent().filter(symbol=symbol):
        transitions.move(order, Order.UNSENT, Status.CANCELLED, reason, at)
    works = Q(status__in=Order.SENT) | (Q(exits_working=True) if whole else Q(pk=None))
    for order in orders.filter(works, symbol=symbol):
        _ask_to_cancel(order, at, exits=whole)


def _reduce(order: Order, quantity: int, broker: Broker, at: datetime) -> None:
    """Have the exits of an order guard so many shares; none: they are cancelled."""
    try:
        for leg in (Leg.STOP, Leg.TARGET) if quantity else ():
            change_id = uuid5(order.pk, f"{leg} {quantity}")
            broker.replace(order.pk, leg, quantity=quantity, change_id=change_id)
    except BrokerError as error:
        logger.warning("the exits of order %s are cancelled: they cannot be reduced: %s", order.pk, error)
        quantity = 0
    if not quantity:
        _ask_to_cancel(order, at, exits=True)


def _ask_to_cancel(order: Order, at: datetime, *, exits: bool) -> None:
    asked = {"cancel_requested_at": Coalesce("cancel_requested_at", at)}
    rows = Order.objects.filter(pk=order.pk)
    rows.update(**asked, **({"cancel_exits": True} if exits else {}))
