"""Cancelling an order at the broker: asked for until the broker says that nothing of it works.

The stop and the target go with it only when that was asked for: what fills meanwhile keeps them.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from approvals.brokers.base import AnswerLost, Broker, BrokerAway, Missing, OrderRefused, State
from approvals.execution import brokerage, reports
from approvals.models import Order

logger = logging.getLogger(__name__)

# What is to be cancelled and still works.
STILL_WORKING = Q(cancel_requested_at__isnull=False) & (
    Q(status__in=Order.SENT) | Q(cancel_exits=True, exits_working=True)
)


def cancel_order(pk: UUID, at: datetime) -> None:
    """Ask the broker to cancel an order. Reconciliation asks again until it is."""
    Order.objects.filter(pk=pk, cancel_requested_at=None).update(cancel_requested_at=at)
    order = Order.objects.filter(STILL_WORKING, pk=pk).first()
    if order is None:
        return
    try:
        request_cancel(order, brokerage.configured(at), at)
    except (BrokerAway, AnswerLost) as error:
        logger.warning("order %s is not cancelled yet and is tried again: %s", pk, error)


def request_cancel(order: Order, broker: Broker, at: datetime) -> bool:
    """Return whether what was to be cancelled works no more at the broker. Raises BrokerAway or AnswerLost.

    A broker that does not have the order yet has nothing to cancel; should it arrive, it is asked again.
    """
    try:
        report = broker.cancel(order.pk, exits=order.cancel_exits)
    except OrderRefused:
        stored_there = broker.order(order.pk)
        if isinstance(stored_there, Missing):
            return True
        report = stored_there
    reports.apply(report, at)
    return report.state is not State.WORKING and not (order.cancel_exits and report.exits_working)
