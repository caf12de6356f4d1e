"""What tells whether an open page shows old figures."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from core.queries import fetch_one
from signals.queries import PENDING_COUNTS

NEWEST = f"""
SELECT
    (SELECT max(received_at) FROM quotes) AS quotes_at,
    (SELECT max(id) FROM fills) AS fill,
    (SELECT max(number) FROM audit_events) AS event,
    (SELECT count(*) FROM orders WHERE status = 'held') AS held_orders,
    (
        SELECT md5(string_agg(id || status, '' ORDER BY id)) FROM orchestration_runs
        WHERE status IN ('queued', 'running')
    ) AS open_opinions,
    buys, sells, newest_at AS signal_at
FROM ({PENDING_COUNTS}) AS pending
"""


class Newest(NamedTuple):
    """When the newest quote came, the newest fill and audited event, how many orders need a new decision.

    `open_opinions`: a digest of the second opinions that are asked for, and how far each is.
    `buys`, `sells` and `signal_at`: as in `signals.queries.PendingCounts`.
    """

    quotes_at: datetime | None
    fill: int | None
    event: int | None
    held_orders: int
    open_opinions: str | None
    buys: int
    sells: Sequence[str]
    signal_at: datetime | None


def newest(at: datetime) -> Newest:
    """Return what tells whether quotes, signals, fills, decisions, orders, halts or opinions changed."""
    return fetch_one(Newest, NEWEST, {"at": at})
