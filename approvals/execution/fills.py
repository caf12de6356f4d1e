"""Executions at the broker become fills, each once, ours or not; and whether orders and fills add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, Min, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from approvals import audit, halt, notify
from approvals.brokers.base import Broker, Execution
from approvals.execution import transitions
from approvals.models import AccountSnapshot, Fill, Notification, Order, TradingHalt
from market.models import Split

OVERLAP = timedelta(hours=1)
COMPARED_FOR = timedelta(days=7)
SPLITS = Split.objects.filter(symbol=OuterRef("symbol"), date__gte=OuterRef("created_at__date"))
FIRST_LEGS = Q(fills__leg__in=(Fill.Leg.ENTRY, Fill.Leg.CLOSE))


def catch_up(broker: Broker, at: datetime) -> None:
    """Record what was executed since the last complete reconciliation, and some more."""
    record(broker.executions(_since(broker.name, at)), broker.name, at)


def _since(broker: str, at: datetime) -> datetime:
    """Return when everything was read last; earlier where an order's fills do not add up yet."""
    read_at = AccountSnapshot.objects.filter(broker=broker).aggregate(at=Max("at"))["at"]
    sent = Order.objects.filter(broker=broker, submitted_at__isnull=False)
    if read_at is not None:
        sent = sent.filter(pk__in=[sums.pk for sums in differences(at)])
    first_sent_at = sent.aggregate(at=Min("submitted_at"))["at"]
    return min(instant for instant in (read_at, first_sent_at, at) if instant is not None) - OVERLAP


def record(executions: Sequence[Execution], broker: str, at: datetime) -> None:
    """Write a fill for each execution that has none."""
    ids = [execution.execution_id for execution in executions]
    recorded = set(
        Fill.objects.filter(broker=broker, execution_id__in=ids).values_list("execution_id", flat=True)
    )
    missing = [execution for execution in executions if execution.execution_id not in recorded]
    orders = Order.objects.in_bulk([execution.client_id for execution in missing if execution.client_id])
    for execution in missing:
        _record(execution, orders.get(execution.client_id) if execution.client_id else None, broker, at)


def _record(execution: Execution, order: Order | None, broker: str, at: datetime) -> None:
    with transaction.atomic():
        values = {
            "order": order,
            "leg": execution.leg.value,
            "symbol": execution.symbol,
            "side": execution.side.value,
            "quantity": execution.quantity,
            "price": execution.price,
            "commission": execution.commission,
            "executed_at": execution.executed_at,
            "recorded_at": at,
        }
        number = execution.execution_id
        fill, is_new = Fill.objects.get_or_create(broker=broker, execution_id=number, defaults=values)
        if not is_new:
            return
        if order is not None:
            title = f"{fill} ({fill.get_leg_display()})"
            key = f"fill {broker} {number}"
            notify.put(Notification.Kind.ORDER_FILLED, key, title, at, path=transitions.page(order))
        subject = transitions.subject(order) if order else f"fill {fill.pk}"
        audit.append("fill recorded", subject, at, execution_id=number, fill=str(fill), leg=fill.leg)
        if order is None and execution.client_id is not None:
            reason = f"Execution {number} ({fill}) names {execution.client_id}, which is no order of ours."
            halt.start(TradingHalt.Cause.MISMATCH, reason, at)


@dataclass(frozen=True)
class Sums:
    """An order whose shares do not add up. `reported`: what the broker says that it filled of its first leg.

    `first` and `later`: what the fills of the first leg, and of the attached exits, add up to.
    """

    pk: UUID
    quantity: int
    reported: int
    first: int
    later: int

    @property
    def cannot_be(self) -> bool:
        """Return whether no fill that is still to come can explain it."""
        return self.first > self.quantity or self.later > self.first == self.reported

    def __str__(self) -> str:
        return (
            f"Order {self.pk} asks for {self.quantity} shares. The broker says that it filled "
            f"{self.reported}, the fills are {self.first}, and {self.later} of its exits."
        )


def differences(at: datetime) -> list[Sums]:
    """Return the orders that do not add up, of those that still can change or did lately."""
    sums = (
        Order.objects.filter(submitted_at__isnull=False)
        .filter(Q(ended_at=None) | Q(ended_at__gte=at - COMPARED_FOR) | Q(exits_working=True))
        .annotate(
            first=Coalesce(Sum("fills__quantity", filter=FIRST_LEGS), 0),
            later=Coalesce(Sum("fills__quantity", filter=~FIRST_LEGS), 0),
        )
        .annotate(is_split=Exists(SPLITS))  # then more shares are sold than were bought
        .exclude(kind=Order.Kind.CLOSE, is_split=True)  # it trades what the shares have become
        .filter(~Q(first=F("filled_quantity")) | Q(later__gt=F("first"), is_split=False))
        .order_by("created_at", "pk")
    )
    columns = sums.values("pk", "quantity", "first", "later", reported=F("filled_quantity"))
    return [Sums(**row) for row in columns]
