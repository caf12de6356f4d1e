"""Handing an order over: the row says so before the broker is called, and every answer has its status."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from approvals.brokers.base import AnswerLost, Broker, BrokerAway, BrokerError, OrderRefused, Report
from approvals.execution import fills, reports, transitions
from approvals.models import Order

Status = Order.Status


def is_there(order: Order, there: Broker, at: datetime) -> bool:
    """Whether the broker has an order that was handed over before; then its row is brought up to date."""
    report = there.order(order.pk) if order.submitted_at else None
    if report is not None:
        reports.apply(report, at)
    return report is not None


def begin(order: Order, there: Broker, at: datetime, **changes: Any) -> bool:
    """Say of an order that it is being sent; whether that is ours to do."""
    sent = {"submitted_at": at, "broker": there.name, "acknowledged_at": None, "lookups": 0}
    return transitions.move(order, [Status.PENDING_SUBMIT], Status.SUBMITTED, "", at, **sent | changes)


def hand_over(
    order: Order, there: Broker, place: Callable[[], Report], if_away: Order.Status, at: datetime
) -> None:
    """Call the broker, outside of any transaction, and write down what it answered.

    `if_away`: what becomes of an order that certainly was not handed over. An error of any other kind leaves
    the row as sent and without an answer: reconciliation looks it up.
    """
    try:
        report = place()
    except OrderRefused as refusal:
        transitions.move_unanswered(order, Status.REJECTED, str(refusal), at, acknowledged_at=at)
    except BrokerAway as error:
        reason = f"The broker was away, nothing was sent. {error}"
        is_unwanted = Order.objects.filter(pk=order.pk, cancel_requested_at__isnull=False).exists()
        end = Status.CANCELLED if is_unwanted else if_away
        transitions.move_unanswered(order, end, reason, at, submitted_at=None)
    except AnswerLost as error:
        transitions.move_unanswered(order, Status.UNKNOWN, f"The broker's answer was lost. {error}", at)
    else:
        reports.apply(report, at)
        if report.filled:
            with suppress(BrokerError):  # the next reconciliation reads them
                fills.catch_up(there, at)
