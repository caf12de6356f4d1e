"""Bringing stops and targets to where people and rules want them, at the broker.

A change is asked for under its own id until the broker has answered, so it is done once however often it is
sent. Until then the old level works.
"""

import logging
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from approvals import audit
from approvals.brokers.base import AnswerLost, Broker, BrokerAway, Leg, OrderRefused, Report
from approvals.entry_check import format_price
from approvals.execution import brokerage, reports, transitions
from approvals.models import ExitChange, Notification, Order, TrailingStop

logger = logging.getLogger(__name__)

State = ExitChange.State
COLUMNS = {ExitChange.Leg.STOP: "stop_level", ExitChange.Leg.TARGET: "target_level"}
WORKS_NO_MORE = "Neither its stop nor its target works any more."


def change_exits(pk: UUID, at: datetime) -> None:
    """Ask the broker for what is to be changed of an order. Reconciliation asks again until it is."""
    order = Order.objects.filter(pk=pk).first()
    if order is None or not order.exit_changes.waiting().exists():
        return
    try:
        request_changes(order, brokerage.configured(at), at)
    except (BrokerAway, AnswerLost) as error:
        logger.warning("exits of order %s are not moved yet, which is tried again: %s", pk, error)


def request_changes(order: Order, broker: Broker, at: datetime) -> None:
    """Ask for each change that waits. Raises BrokerAway or AnswerLost: whether it was done is not known."""
    for change in order.exit_changes.waiting():
        order.refresh_from_db()
        if not order.exits_working:
            _end(change, State.LAPSED, WORKS_NO_MORE, at)
            continue
        try:
            report = broker.replace(order.pk, Leg(change.leg), level=change.level, change_id=change.pk)
        except OrderRefused as refusal:
            _refused(change, str(refusal), at)
        else:
            reports.apply(report, at)
            _settle(change, report, at)


def _settle(change: ExitChange, report: Report, at: datetime) -> None:
    """Write that it is done, once the broker says so."""
    leg = next((leg for leg in report.legs if leg.leg == change.leg), None)
    if not report.exits_working or (leg is not None and not leg.state.is_live):
        _end(change, State.LAPSED, WORKS_NO_MORE, at)
    elif leg is None or leg.level == change.level:
        with transaction.atomic():
            column = COLUMNS[ExitChange.Leg(change.leg)]
            Order.objects.filter(pk=change.order_id).update(**{column: change.level})
            _end(change, State.DONE, "", at)


def _refused(change: ExitChange, reason: str, at: datetime) -> None:
    """Write that the broker refuses it, tell people, and end the rule that wanted it."""
    with transaction.atomic():
        _end(change, State.REFUSED, reason, at)
        stays = f"The {change.leg} of {change.order} stays at {format_price(change.before)}"
        title = f"{stays}: the broker refused to move it. {reason}"
        kind = Notification.Kind.ORDER_FAILED
        transitions.warn(kind, change.order, f"{change.leg} not moved {change.pk}", title, at)
        if change.rule_id:
            rules = TrailingStop.objects.filter(pk=change.rule_id, ended_at=None)
            rules.update(
                ended_at=at, ended_reason=f"The broker refused {format_price(change.level)}. {reason}"
            )


def _end(change: ExitChange, state: "ExitChange.State", reason: str, at: datetime) -> None:
    if change.end(state, reason, at):
        levels: dict[str, Any] = {"leg": change.leg, "before": change.before, "level": change.level}
        rule: dict[str, Any] = {"rule": str(change.rule)} if change.rule else {}
        event = "exit moved" if state == State.DONE else f"exit not moved: {state}"
        audit.append(event, transitions.subject(change.order), at, reason=reason, **levels, **rule)
