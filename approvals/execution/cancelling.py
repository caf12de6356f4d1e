"""Cancelling an order at the broker: asked for until the broker says that nothing of it works."""

import logging
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from approvals.brokers.base import Away, Broker, Lost, Refused, State
from approvals.execution import applying, brokerage
from approvals.models import Order

logger = logging.getLogger(__name__)


def cancel(pk: UUID, at: datetime) -> None:
    """Ask the broker to cancel whatever of an order still works. Reconciliation asks again until it is."""
    works = Q(status__in=Order.SENT) | Q(exits_working=True)
    order = Order.objects.filter(works, pk=pk).first()
    if order is None:
        return
    Order.objects.filter(pk=pk, cancel_requested_at=None).update(cancel_requested_at=at)
    try:
        ask(order, brokerage.broker(at), at)
    except (Away, Lost) as error:
        logger.warning("Order %s is not cancelled yet, it is tried again: %s", pk, error)


def ask(order: Order, there: Broker, at: datetime) -> bool:
    """Whether nothing of the order works at the broker any more. Raises Away or Lost when it is not known.

    A broker that does not have the order yet has nothing to cancel; should it arrive, it is asked again.
    """
    try:
        report = there.cancel(order.pk)
    except Refused:
        known = there.order(order.pk)
        if known is None:
            return True
        report = known
    applying.apply(report, at)
    return report.state is not State.WORKING and not report.exits_working
