"""How each leg of an order stands: the rows of what the broker last said, and what changed of it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals import audit
from approvals.brokers.base import Leg, LegReport, LegState, Report
from approvals.execution import transitions
from approvals.models import Order, OrderLeg

COLUMNS = ("state", "broker_id", "quantity", "filled", "level", "broker_state")
LEGS = dict[UUID, dict[str, OrderLeg]]


def stored(orders: Collection[UUID]) -> LEGS:
    """Return the legs of these orders, by their names."""
    legs: LEGS = {}
    for row in OrderLeg.objects.filter(order__in=orders):
        legs.setdefault(row.order_id, {})[row.leg] = row
    return legs


def besides(report: Report) -> str:
    """Return what the broker does with an order besides: it cancels or replaces a leg, or has replaced it."""
    states = {leg.leg: leg.state for leg in report.legs}
    for doing in (LegState.PENDING_CANCEL, LegState.PENDING_REPLACE):
        if doing in states.values():
            return doing.value
    is_replaced = LegState.REPLACED in (states.get(Leg.ENTRY), states.get(Leg.CLOSE))
    return Order.AtBroker.REPLACED.value if is_replaced else ""


def differ(report: Report, rows: dict[str, OrderLeg]) -> bool:
    """Return whether a leg is reported otherwise than it is stored."""
    return any(_changes(leg, rows.get(leg.leg.value)) for leg in report.legs)


def write(order: Order, reported: Iterable[LegReport], at: datetime) -> None:
    """Make the rows of an order's legs say what the broker says. Inside the transaction of the report."""
    rows = stored([order.pk]).get(order.pk, {})
    for leg in reported:
        row = rows.get(leg.leg.value)
        changes = _changes(leg, row)
        if not changes:
            continue
        values = _values(leg) | {"changed_at": at}
        OrderLeg.objects.update_or_create(order=order, leg=leg.leg.value, defaults=values)
        if row is not None and changes.keys() & {"level", "quantity"}:
            was = {f"{name}_was": getattr(row, name) for name in changes.keys() & {"level", "quantity"}}
            audit.append("order leg changed", transitions.subject(order), at, leg=leg.leg, **changes, **was)


def _changes(leg: LegReport, row: OrderLeg | None) -> dict[str, Any]:
    values = _values(leg)
    return (
        values
        if row is None
        else {name: values[name] for name in COLUMNS if getattr(row, name) != values[name]}
    )


def _values(leg: LegReport) -> dict[str, Any]:
    values = {name: getattr(leg, name) for name in COLUMNS}
    return values | {"state": leg.state.value, "filled": min(leg.filled, leg.quantity)}
