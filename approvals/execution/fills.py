"""What was executed becomes fills, each once, ours or not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min

from approvals import audit, halt, notify
from approvals.brokers.base import Broker, Execution
from approvals.execution import checking, transitions
from approvals.models import AccountSnapshot, Fill, Notification, Order, TradingHalt

OVERLAP = timedelta(hours=1)


def catch_up(there: Broker, at: datetime) -> None:
    """Record what was executed since the last complete reconciliation, and some more."""
    record(there.executions(_since(there.name, at)), there.name, at)


def _since(broker: str, at: datetime) -> datetime:
    """The last time that everything was read; earlier where an order's fills do not add up yet."""
    seen = AccountSnapshot.objects.filter(broker=broker).aggregate(at=Max("at"))["at"]
    sent = Order.objects.filter(broker=broker, submitted_at__isnull=False)
    if seen is not None:
        sent = sent.filter(pk__in=[sums.pk for sums in checking.differences(at)])
    first = sent.aggregate(at=Min("submitted_at"))["at"]
    return min(instant for instant in (seen, first, at) if instant is not None) - OVERLAP


def record(executions: Sequence[Execution], broker: str, at: datetime) -> None:
    """Write a fill for each execution that has none."""
    ids = [one.execution_id for one in executions]
    known = set(
        Fill.objects.filter(broker=broker, execution_id__in=ids).values_list("execution_id", flat=True)
    )
    unknown = [one for one in executions if one.execution_id not in known]
    orders = Order.objects.in_bulk([one.client_id for one in unknown if one.client_id])
    for one in unknown:
        _record(one, orders.get(one.client_id) if one.client_id else None, broker, at)


def _record(one: Execution, order: Order | None, broker: str, at: datetime) -> None:
    with transaction.atomic():
        values = {
            "order": order,
            "leg": one.leg.value,
            "symbol": one.symbol,
            "side": one.side.value,
            "quantity": one.quantity,
            "price": one.price,
            "commission": one.commission,
            "executed_at": one.executed_at,
            "recorded_at": at,
        }
        fill, is_new = Fill.objects.get_or_create(
            broker=broker, execution_id=one.execution_id, defaults=values
        )
        if not is_new:
            return
        if order is not None:
            title = f"{fill} ({fill.get_leg_display()})"
            key = f"fill {broker} {one.execution_id}"
            notify.put(Notification.Kind.ORDER_FILLED, key, title, at, path=transitions.page(order))
        about = transitions.subject(order) if order else f"fill {fill.pk}"
        audit.append("fill recorded", about, at, execution_id=one.execution_id, fill=str(fill), leg=fill.leg)
        if order is None and one.client_id is not None:
            why = f"Execution {one.execution_id} ({fill}) names {one.client_id}, which is no order of ours."
            halt.start(TradingHalt.Cause.MISMATCH, why, at)
