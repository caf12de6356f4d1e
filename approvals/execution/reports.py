"""Writing down how a broker's orders stand. Also whether orders and fills add up.

Reports may be late: a report never takes back an end that the broker itself has reported, and never a fill
but one that it corrected.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, IntegerField, Max, Min, OuterRef, Q, Sum
from django.db.models.functions import Cast, Coalesce

from approvals import audit
from approvals.brokers.base import Broker, Report, State
from approvals.execution import fills, legs, quarantine, transitions
from approvals.models import AccountSnapshot, BrokerExecution, Fill, Notification, Order
from market import faults
from market.models import Fault, Split
from signals.models import Signal

Status = Order.Status

ENDS = {State.FILLED: Status.FILLED, State.CANCELLED: Status.CANCELLED, State.REJECTED: Status.REJECTED}
OVERLAP = timedelta(hours=1)
COMPARED_FOR = timedelta(days=7)
SPLITS = Split.objects.filter(symbol=OuterRef("symbol"), date__gte=OuterRef("created_at__date"))
WHOLE = IntegerField()  # what is ours
IS_PROTECTION = Q(kind=Order.Kind.PROTECT)  # what its exits fill is all that it fills
FIRST_LEGS = Q(fills__leg__in=(Fill.Leg.ENTRY, Fill.Leg.CLOSE)) | IS_PROTECTION


# --- how its orders stand ---------------------------------------------------------------------------------


def apply_all(reports: Iterable[Report], at: datetime) -> None:
    """Apply many, each by itself: rows that say it already are read together and not locked."""
    by_id = {report.client_id: report for report in reports if report.client_id}
    isolation = faults.Isolation(Fault.Work.ORDER, at, part="report")
    with_legs = legs.stored([pk for pk, report in by_id.items() if report.legs])
    for pk, order in Order.objects.in_bulk(list(by_id)).items():
        with isolation.of(pk, str(order), in_savepoint=False):
            report, rows = by_id[pk], with_legs.get(pk, {})
            fell = report.filled < order.filled_quantity
            if fell or _changes(order, report, at) or legs.differ(report, rows):
                apply(report, at)


def apply(report: Report, at: datetime) -> None:
    """Make the row of the reported order say what the broker says; one that is not ours is left alone."""
    if report.client_id is None:
        return
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(pk=report.client_id).first()
        changes = {} if order is None else _changes(order, report, at, may_fall=_was_corrected(order, report))
        if order is not None and changes:
            start = Status(order.status)
            columns = {name: value for name, value in changes.items() if name != "status"}
            transitions.change(order, [start], changes.get("status", start), **columns)
            _record_changes(order, changes, at)
        if order is not None and report.legs:
            legs.write(order, report.legs, at)


def _changes(order: Order, report: Report, at: datetime, *, may_fall: bool = False) -> dict[str, Any]:
    """Return the columns that the report makes different. `may_fall`: a fill was corrected."""
    filled = min(report.filled, order.quantity)
    filled = filled if may_fall else max(order.filled_quantity, filled)
    status = _status(order, report, filled)
    is_revived = order.status == Status.CANCELLED and status in Order.SENT
    wanted = {
        "status": status,
        "status_reason": report.reason if status != order.status else order.status_reason,
        "filled_quantity": filled,
        "exits_working": report.exits_working,
        "at_broker": legs.besides(report),
        "broker_order_id": report.broker_id,
        "submitted_at": order.submitted_at or at,
        "acknowledged_at": order.acknowledged_at or at,
        "ended_at": (order.ended_at or at) if status in transitions.ENDED else None,
        # We had taken it for dead: it is to be cancelled where it lives. What it has filled keeps its exits.
        "cancel_requested_at": order.cancel_requested_at or (at if is_revived else None),
        "cancel_exits": order.cancel_exits or (is_revived and order.kind == Order.Kind.PROTECT),
        "lookups": 0,
    }
    return {column: value for column, value in wanted.items() if getattr(order, column) != value}


def _was_corrected(order: Order, report: Report) -> bool:
    """Return whether fewer shares are reported than before and an execution of it was corrected."""
    if report.filled >= order.filled_quantity:
        return False
    return BrokerExecution.objects.filter(fill__order=order).exclude(corrects="").exists()


def _status(order: Order, report: Report, filled: int) -> Order.Status:
    """Return the status that the report gives the order."""
    if filled == order.quantity:
        return Status.FILLED
    if order.status in transitions.ENDED and order.acknowledged_at:
        return Status(order.status)
    return ENDS.get(report.state) or (Status.PARTIALLY_FILLED if filled else Status.SUBMITTED)


def _record_changes(order: Order, changes: dict[str, Any], at: datetime) -> None:
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


# --- what was executed ------------------------------------------------------------------------------------


def catch_up(broker: Broker, at: datetime) -> None:
    """Record what was executed since the last complete reconciliation, and some more."""
    fills.record(broker.executions(_since(broker.name, at)), broker.name, at)


def _since(broker: str, at: datetime) -> datetime:
    """Return when everything was read last; earlier where an order's fills do not add up yet.

    Earlier too for an execution that does not fit, which the broker may correct, and for one whose commission
    is still to come.
    """
    read_at = AccountSnapshot.objects.filter(broker=broker).aggregate(at=Max("at"))["at"]
    sent = Order.objects.filter(broker=broker, submitted_at__isnull=False)
    quarantined = quarantine.open_executions(broker)
    if read_at is not None:
        differ = Q(pk__in=[sums.pk for sums in differences(at)])
        sent = sent.filter(differ | Q(pk__in=quarantined.values("order")))
    first_sent_at = sent.aggregate(at=Min("submitted_at"))["at"]
    first_seen_at = quarantined.aggregate(at=Min("first_seen_at"))["at"]
    instants = (read_at, first_sent_at, first_seen_at, fills.waiting_since(broker, at), at)
    return min(instant for instant in instants if instant is not None) - OVERLAP


def unrecorded(reported: Iterable[Report], at: datetime) -> dict[str, Decimal]:
    """Return how many shares of each symbol our orders have filled that are not among the fills yet.

    By what the broker reports and by what it reported before; negative where they were sold.
    """
    filled = {sums.pk: sums.reported for sums in differences(at)}
    for report in reported:
        if report.client_id is not None and report.filled:
            filled[report.client_id] = max(report.filled, filled.get(report.client_id, 0))
    recorded = Coalesce(Sum("fills__quantity", filter=FIRST_LEGS), Decimal(0))
    shares: dict[str, Decimal] = {}
    columns = ("pk", "symbol", "side", "quantity", "recorded")
    rows = Order.objects.filter(pk__in=filled).annotate(recorded=recorded).values_list(*columns)
    for pk, symbol, side, quantity, in_fills in rows if filled else ():
        missing = max(min(filled[pk], quantity) - in_fills, Decimal(0))
        shares[symbol] = shares.get(symbol, Decimal(0)) + (missing if side == Signal.Type.BUY else -missing)
    return shares


# --- whether orders and fills add up ----------------------------------------------------------------------


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
            first=Cast(Coalesce(Sum("fills__quantity", filter=FIRST_LEGS), Decimal(0)), WHOLE),
            later=Cast(Coalesce(Sum("fills__quantity", filter=~FIRST_LEGS), Decimal(0)), WHOLE),
        )
        .annotate(is_split=Exists(SPLITS))  # then more shares are sold than were bought
        .exclude(~Q(kind=Order.Kind.ENTRY), is_split=True)  # it trades what the shares have become
        .filter(~Q(first=F("filled_quantity")) | Q(later__gt=F("first"), is_split=False))
        .order_by("created_at", "pk")
    )
    columns = sums.values("pk", "quantity", "first", "later", reported=F("filled_quantity"))
    return [Sums(**row) for row in columns]
