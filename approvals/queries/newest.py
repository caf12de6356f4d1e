"""What tells whether an open page shows old figures."""

from datetime import datetime
from typing import NamedTuple

from core.queries import fetch_one

NEWEST = """
SELECT
    (SELECT max(received_at) FROM quotes) AS quotes_at,
    (SELECT max(id) FROM fills) AS fill,
    (SELECT max(number) FROM audit_events) AS event,
    (SELECT count(*) FROM orders WHERE status = 'held') AS held_orders
"""


class Newest(NamedTuple):
    """When the newest quote came, the newest fill and audited event, how many orders need a new decision."""

    quotes_at: datetime | None
    fill: int | None
    event: int | None
    held_orders: int


def newest() -> Newest:
    """Return what tells whether quotes, fills, decisions, orders or halts have changed."""
    return fetch_one(Newest, NEWEST)
