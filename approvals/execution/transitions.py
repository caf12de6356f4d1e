"""An order's way from one status to another: one UPDATE, its message and its event, all or nothing."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from approvals import audit, notify
from approvals.models import Notification, Order
from approvals.models.orders import OrderQuerySet

Status, Kind = Order.Status, Notification.Kind

ENDED = (Status.FILLED, Status.CANCELLED, Status.REJECTED)
EVENTS = {
    Status.PENDING_SUBMIT: "order not sent",
    Status.SUBMITTED: "order sent",
    Status.HELD: "order held",
    Status.UNKNOWN: "order unknown",
    Status.CANCELLED: "order cancelled",
    Status.REJECTED: "order rejected",
    Status.FILLED: "order filled",
}
NOTICES = {
    Status.HELD: (Kind.ORDER_HELD, "needs a new look"),
    Status.UNKNOWN: (Kind.ORDER_FAILED, "is being looked up at the broker"),
    Status.REJECTED: (Kind.ORDER_FAILED, "was rejected by the broker"),
}


def move(
    order: Order,
    start: Collection[Order.Status],
    end: Order.Status,
    reason: str,
    at: datetime,
    **changes: Any,
) -> bool:
    """Move an order that is in one of the starts; whether it still was."""
    mine = Order.objects.filter(pk=order.pk, status__in=start)
    return _move(mine, order, end, reason, at, changes)


def move_unanswered(order: Order, end: Order.Status, reason: str, at: datetime, **changes: Any) -> bool:
    """The same for an order that was sent and whose answer is not known yet; whether that was still so."""
    sent = Order.objects.filter(status__in=[Status.SUBMITTED, Status.UNKNOWN], acknowledged_at=None)
    return _move(sent.filter(pk=order.pk).exclude(status=end), order, end, reason, at, changes)


def _move(
    mine: OrderQuerySet,
    order: Order,
    end: Order.Status,
    reason: str,
    at: datetime,
    changes: dict[str, Any],
) -> bool:
    if end in ENDED:
        changes = changes | {"ended_at": at}
    with transaction.atomic():
        if not mine.update(status=end, status_reason=reason, **changes):
            return False
        tell(order, end, reason, at)
        audit.append(EVENTS[end], subject(order), at, reason=reason, symbol=order.symbol)
    return True


def tell(order: Order, status: Order.Status, reason: str, at: datetime) -> None:
    """Tell people of a status that they should know of."""
    if status in NOTICES:
        kind, words = NOTICES[status]
        warn(kind, order, f"{status} {at.isoformat()}", f"{order} {words}: {reason}", at)


def warn(kind: Notification.Kind, order: Order, key: str, title: str, at: datetime) -> None:
    notify.put(kind, f"order {order.pk} {key}", title, at, path=page(order))


def subject(order: Order) -> str:
    return f"order {order.pk}"


def page(order: Order) -> str:
    return f"/admin/approvals/order/{order.pk}/change/"
