"""What tells how the connection to the broker does."""

from datetime import datetime
from typing import NamedTuple

from core.queries import fetch_one

BROKER_FACTS = """
SELECT
    gate.checked_at, gate.broker_good_since,
    (SELECT max(at) FROM account_snapshots WHERE broker = %(broker)s AND at <= %(at)s) AS answered_at,
    stream.state AS stream, stream.since AS stream_since, coalesce(stream.reason, '') AS reason,
    stream.told_at, stream.updated_at,
    orders.unanswered, orders.unanswered_since
FROM (
    SELECT count(*) AS unanswered, min(submitted_at) AS unanswered_since FROM orders
    WHERE status IN ('submitted', 'unknown') AND broker = %(broker)s AND acknowledged_at IS NULL
) AS orders
LEFT JOIN gate ON true
LEFT JOIN broker_streams AS stream ON stream.broker = %(broker)s
"""


class BrokerFacts(NamedTuple):
    """What the connection to a broker is told from. Times are None for what has not happened.

    `answered_at`: when it said last what the account is worth, which is the end of each comparison. `stream`:
    the state of the stream of what changes, since `stream_since`; it said last at `told_at` that something
    had changed. `unanswered`: orders that were sent and not acknowledged, the oldest at `unanswered_since`.
    """

    checked_at: datetime | None
    broker_good_since: datetime | None
    answered_at: datetime | None
    stream: str | None
    stream_since: datetime | None
    reason: str
    told_at: datetime | None
    updated_at: datetime | None
    unanswered: int
    unanswered_since: datetime | None


def broker_facts(broker: str, at: datetime) -> BrokerFacts:
    return fetch_one(BrokerFacts, BROKER_FACTS, {"broker": broker, "at": at})
