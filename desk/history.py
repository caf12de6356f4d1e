"""What happened to orders after they were made, as people read it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from approvals.models import Fill, Order

EVENTS = """
SELECT order_id, executed_at AS at, true, leg, side, quantity, price, commission, ''
FROM fills WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, decided_at, false, action, username, NULL, NULL, NULL, notes
FROM order_decisions JOIN auth_user ON auth_user.id = decided_by_id WHERE order_id = ANY(%(orders)s)
ORDER BY at
"""


@dataclass(frozen=True)
class Event:
    """A fill, or a decision of a person. `who`: the person, or the side of a fill."""

    at: datetime
    is_fill: bool
    what: str
    who: str
    quantity: int | None
    price: Decimal | None
    commission: Decimal | None
    notes: str

    @property
    def label(self) -> str:
        return str(Fill.Leg(self.what).label) if self.is_fill else self.what


def of(orders: Iterable[Order]) -> Mapping[UUID, list[Event]]:
    """The events of these orders, oldest first. One query."""
    found: dict[UUID, list[Event]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"orders": [order.pk for order in orders]})
        for order, *event in cursor:
            found[order].append(Event(*event))
    return found
