"""The legal changes of an order's status, and the one UPDATE that makes each of them.

Every change of `Order.status` is made here: by `move` with its message and its event in the chain, or by
`change` for a workflow that writes its own.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from approvals import audit, notify
from approvals.models import Notification, Order
from approvals.models.orders import OrderQuerySet

Status, Kind = Order.Status, Notification.Kind

ENDED = (Status.FILLED, Status.CANCELLED, Status.REJECTED)


class Transition(NamedTuple):
    """A legal change. `start` is None for a new order; `why` is what the diagram says of it.

    `is_late`: only a broker's report of an order that we had not sent, or had taken for ended, causes it.
    """

    start: Order.Status | None
    end: Order.Status
    why: str = ""
    is_late: bool = False


TRANSITIONS = (
    Transition(None, Status.PENDING_SUBMIT, "approved in session, a closing, or a protection"),
    Transition(None, Status.WAITING_OPEN, "approved outside a session"),
    Transition(None, Status.FILLED, "a settlement that a person records"),
    Transition(Status.WAITING_OPEN, Status.PENDING_SUBMIT, "due, and the entry check passes"),
    Transition(Status.WAITING_OPEN, Status.HELD, "the check or a halt refuses"),
    Transition(Status.WAITING_OPEN, Status.CANCELLED, "by a user, or the position is closed"),
    Transition(Status.HELD, Status.PENDING_SUBMIT, "released"),
    Transition(Status.HELD, Status.WAITING_OPEN, "released outside a session"),
    Transition(Status.HELD, Status.CANCELLED, "dropped, cancelled, or the session ends"),
    Transition(Status.PENDING_SUBMIT, Status.SUBMITTED, "written just before the broker is called"),
    Transition(Status.PENDING_SUBMIT, Status.HELD, "gate, halt, or two minutes over"),
    Transition(Status.PENDING_SUBMIT, Status.CANCELLED, "by a user, or nothing is left to close or guard"),
    Transition(Status.SUBMITTED, Status.PARTIALLY_FILLED),
    Transition(Status.SUBMITTED, Status.FILLED),
    Transition(Status.SUBMITTED, Status.CANCELLED),
    Transition(Status.SUBMITTED, Status.REJECTED),
    Transition(Status.SUBMITTED, Status.UNKNOWN, "the answer was lost"),
    Transition(Status.SUBMITTED, Status.HELD, "the broker was away (entry)"),
    Transition(Status.SUBMITTED, Status.PENDING_SUBMIT, "the broker was away (closing, protection)"),
    Transition(Status.PARTIALLY_FILLED, Status.FILLED),
    Transition(Status.PARTIALLY_FILLED, Status.CANCELLED),
    Transition(Status.PARTIALLY_FILLED, Status.REJECTED),
    Transition(Status.PARTIALLY_FILLED, Status.UNKNOWN, "the broker does not have it"),
    Transition(Status.UNKNOWN, Status.SUBMITTED, "found at the broker"),
    Transition(Status.UNKNOWN, Status.PARTIALLY_FILLED),
    Transition(Status.UNKNOWN, Status.FILLED),
    Transition(Status.UNKNOWN, Status.REJECTED),
    Transition(Status.UNKNOWN, Status.CANCELLED),
    Transition(Status.UNKNOWN, Status.HELD, "never received (entry)"),
    Transition(Status.UNKNOWN, Status.PENDING_SUBMIT, "never received (closing, protection)"),
    Transition(Status.WAITING_OPEN, Status.SUBMITTED, is_late=True),
    Transition(Status.WAITING_OPEN, Status.PARTIALLY_FILLED, is_late=True),
    Transition(Status.WAITING_OPEN, Status.FILLED, is_late=True),
    Transition(Status.WAITING_OPEN, Status.REJECTED, is_late=True),
    Transition(Status.HELD, Status.SUBMITTED, is_late=True),
    Transition(Status.HELD, Status.PARTIALLY_FILLED, is_late=True),
    Transition(Status.HELD, Status.FILLED, is_late=True),
    Transition(Status.HELD, Status.REJECTED, is_late=True),
    Transition(Status.PENDING_SUBMIT, Status.PARTIALLY_FILLED, is_late=True),
    Transition(Status.PENDING_SUBMIT, Status.FILLED, is_late=True),
    Transition(Status.PENDING_SUBMIT, Status.REJECTED, is_late=True),
    Transition(Status.CANCELLED, Status.SUBMITTED, is_late=True),
    Transition(Status.CANCELLED, Status.PARTIALLY_FILLED, is_late=True),
    Transition(Status.CANCELLED, Status.FILLED, is_late=True),
    Transition(Status.CANCELLED, Status.REJECTED, is_late=True),
    Transition(Status.REJECTED, Status.FILLED, is_late=True),
)
LEGAL = {(transition.start, transition.end) for transition in TRANSITIONS}

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


class IllegalTransition(ValueError):
    """The code asks for a change of status that TRANSITIONS does not have."""


def arrows(*, late: bool = False) -> Iterator[str]:
    """Yield the lines of the diagram in docs/concepts/order.md: the usual ones, or those of late reports."""
    for start, end, why, is_late in TRANSITIONS:
        if is_late == late:
            arrow = f"{start.value if start else '[*]'} --> {end.value}"
            yield f"{arrow}: {why}" if why else arrow


def require(start: Order.Status | None, end: Order.Status) -> None:
    """Raise IllegalTransition unless the table has it. A status may stay as it is."""
    if start != end and (start, end) not in LEGAL:
        raise IllegalTransition(f"An order never goes from {start} to {end}: see {__name__}.")


def change(order: Order, start: Collection[Order.Status], end: Order.Status, **columns: Any) -> bool:
    """Change the order's status, and other columns with it; return whether it still was in a start."""
    return _update(Order.objects.filter(pk=order.pk), start, end, columns)


def move(
    order: Order,
    start: Collection[Order.Status],
    end: Order.Status,
    reason: str,
    at: datetime,
    **columns: Any,
) -> bool:
    """Change the order's status with its message and its event; return whether it still was in a start."""
    return _move(Order.objects.filter(pk=order.pk), order, start, end, reason, at, columns)


def move_unanswered(order: Order, end: Order.Status, reason: str, at: datetime, **columns: Any) -> bool:
    """Move an order that was sent and whose answer is not known yet; return whether that was still so."""
    rows = Order.objects.filter(pk=order.pk, acknowledged_at=None)
    start = [status for status in (Status.SUBMITTED, Status.UNKNOWN) if status != end]
    return _move(rows, order, start, end, reason, at, columns)


def _move(
    rows: OrderQuerySet,
    order: Order,
    start: Collection[Order.Status],
    end: Order.Status,
    reason: str,
    at: datetime,
    columns: Mapping[str, Any],
) -> bool:
    changes = {"status_reason": reason, **columns, **({"ended_at": at} if end in ENDED else {})}
    with transaction.atomic():
        if not _update(rows, start, end, changes):
            return False
        notify_of(order, end, reason, at)
        audit.append(EVENTS[end], subject(order), at, reason=reason, symbol=order.symbol)
    return True


def _update(
    rows: OrderQuerySet, start: Collection[Order.Status], end: Order.Status, columns: Mapping[str, Any]
) -> bool:
    for status in start:
        require(status, end)
    return rows.filter(status__in=start).update(status=end, **columns) == 1


def notify_of(order: Order, status: Order.Status, reason: str, at: datetime) -> None:
    """Notify people of a status that they should know of."""
    if status in NOTICES:
        kind, words = NOTICES[status]
        warn(kind, order, f"{status} {at.isoformat()}", f"{order} {words}: {reason}", at)


def warn(kind: Notification.Kind, order: Order, key: str, title: str, at: datetime) -> None:
    """Notify people of something about an order, once for each key."""
    notify.put(kind, f"order {order.pk} {key}", title, at, path=page(order))


def subject(order: Order) -> str:
    """Return what names the order in the audit chain."""
    return f"order {order.pk}"


def page(order: Order) -> str:
    """Return the address of the order's page, without the site."""
    return f"/admin/approvals/order/{order.pk}/change/"
