"""Applying what a broker reports of an order to its row.

Reports may be late: a report never takes back an end that the broker itself has reported, and never a fill.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from approvals import audit
from approvals.brokers.base import Report, State
from approvals.execution import transitions
from approvals.models import Notification, Order

Status = Order.Status

ENDS = {State.FILLED: Status.FILLED, State.CANCELLED: Status.CANCELLED, State.REJECTED: Status.REJECTED}


def apply_all(reports: Iterable[Report], at: datetime) -> None:
    """Apply many: rows that say it already are read together and not locked."""
    by_id = {report.client_id: report for report in reports if report.client_id}
    for pk, order in Order.objects.in_bulk(list(by_id)).items():
        if _changes(order, by_id[pk], at):
            apply(by_id[pk], at)


def apply(report: Report, at: datetime) -> None:
    """Make the row of the reported order say what the broker says; one that is not ours is left alone."""
    if report.client_id is None:
        return
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(pk=report.client_id).first()
        changes = {} if order is None else _changes(order, report, at)
        if order is not None and changes:
            start = Status(order.status)
            columns = {name: value for name, value in changes.items() if name != "status"}
            transitions.change(order, [start], changes.get("status", start), **columns)
            _record(order, changes, at)


def _changes(order: Order, report: Report, at: datetime) -> dict[str, Any]:
    """Return the columns that the report makes different."""
    filled = max(order.filled_quantity, min(report.filled, order.quantity))
    status = _status(order, report, filled)
    is_revived = order.status == Status.CANCELLED and status in Order.SENT
    wanted = {
        "status": status,
        "status_reason": report.reason if status != order.status else order.status_reason,
        "filled_quantity": filled,
        "exits_working": report.exits_working,
        "broker_order_id": report.broker_id,
        "submitted_at": order.submitted_at or at,
        "acknowledged_at": order.acknowledged_at or at,
        "ended_at": (order.ended_at or at) if status in transitions.ENDED else None,
        # We had taken it for dead: it is to be cancelled where it lives. What it has filled keeps its exits.
        "cancel_requested_at": order.cancel_requested_at or (at if is_revived else None),
        "lookups": 0,
    }
    return {column: value for column, value in wanted.items() if getattr(order, column) != value}


def _status(order: Order, report: Report, filled: int) -> Order.Status:
    """Return the status that the report gives the order."""
    if filled == order.quantity:
        return Status.FILLED
    if order.status in transitions.ENDED and order.acknowledged_at:
        return Status(order.status)
    return ENDS.get(report.state) or (Status.PARTIALLY_FILLED if filled else Status.SUBMITTED)


def _record(order: Order, changes: dict[str, Any], at: datetime) -> None:
    status, reason = changes.get("status"), changes.get("status_reason", "")
    if status is not None:
        transitions.notify_of(order, status, reason, at)
        if status == Status.CANCELLED and order.kind == Order.Kind.CLOSE:
            title = f"{order} was cancelled at the broker. {reason}"
            transitions.warn(Notification.Kind.ORDER_FAILED, order, "closing cancelled", title, at)
    if "acknowledged_at" in changes or (order.status == Status.UNKNOWN and status in Order.SENT):
        number = changes.get("broker_order_id", order.broker_order_id)
        audit.append("order acknowledged", transitions.subject(order), at, broker_order_id=number)
    if status in transitions.ENDED:
        filled = changes.get("filled_quantity", order.filled_quantity)
        audit.append(transitions.EVENTS[status], transitions.subject(order), at, reason=reason, filled=filled)
