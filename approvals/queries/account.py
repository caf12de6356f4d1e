"""What the account is worth, was worth, and has gained since the exchange day began."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from core.queries import fetch_all, fetch_one
from market.models import ALWAYS_OPEN

# The calendar that most of the watched instruments trade by.
USUAL = """
usual AS MATERIALIZED (
    SELECT calendar FROM instruments WHERE watched AND calendar <> %(always_open)s
    GROUP BY calendar ORDER BY count(*) DESC, calendar LIMIT 1
), sessions AS NOT MATERIALIZED (
    SELECT date, closes_at FROM trading_sessions WHERE calendar = (SELECT calendar FROM usual) AND NOT closed
)
"""
DAY_BEGAN = """
coalesce(
    (SELECT closes_at FROM sessions WHERE closes_at <= %(at)s ORDER BY date DESC LIMIT 1),
    date_trunc('day', %(at)s, 'UTC')
)
"""
# The week of the session that ends next: on a Saturday it is the one to come.
WEEK_BEGAN = """
coalesce(
    (
        SELECT closes_at FROM sessions WHERE closes_at <= %(at)s AND date < date_trunc('week', coalesce(
            (
                SELECT date::timestamp FROM sessions
                WHERE closes_at > %(at)s AND date BETWEEN %(at)s::date - 1 AND %(at)s::date + 14
                ORDER BY date LIMIT 1
            ),
            %(at)s::date::timestamp
        ))
        ORDER BY date DESC LIMIT 1
    ),
    date_trunc('week', %(at)s, 'UTC')
)
"""
DAY = f"WITH {USUAL} SELECT {DAY_BEGAN} AS day_began"


# What the owner has paid in since a snapshot, less what was taken out: no result.
PAID_IN = """
SELECT coalesce(sum(amount), 0) FROM charges
WHERE is_transfer AND charges.broker = newest.broker AND charges.currency = newest.currency
    AND charges.at > {}.at AND charges.at <= newest.at
"""


def _before(began: str) -> str:
    """Return what selects the equity of the last snapshot before then, or of the first one there is.

    With what was paid in since.
    """
    return f"""
        coalesce(
            (
                SELECT equity + ({PAID_IN.format("before")}) FROM account_snapshots AS before
                WHERE before.broker = newest.broker AND before.at <= {began} ORDER BY before.at DESC LIMIT 1
            ),
            (
                SELECT equity + ({PAID_IN.format("first")}) FROM account_snapshots AS first
                WHERE first.broker = newest.broker ORDER BY first.at LIMIT 1
            )
        )
    """


# Snapshots from after `at` were stored while the clock was ahead. Fills may be recorded while this waits for
# a lock. What was recorded with the snapshot is in it: executions are read before the account. What the
# broker had before is, too: it keeps back what an entry may cost, filled or not.
ACCOUNT = f"""
WITH {USUAL}, began AS MATERIALIZED (
    SELECT {DAY_BEGAN} AS day_began, {WEEK_BEGAN} AS week_began
), newest AS (
    SELECT account_snapshots.*, day_began, week_began FROM account_snapshots CROSS JOIN began
    WHERE (%(broker)s::text IS NULL OR broker = %(broker)s) AND at <= %(at)s
    ORDER BY at DESC LIMIT 1
)
SELECT
    newest.*,
    equity - {_before("day_began")} AS day_result,
    equity - {_before("week_began")} AS week_result,
    coalesce(
        (
            SELECT sum(fills.quantity * price) FROM fills JOIN orders ON orders.id = order_id
            WHERE leg = 'entry' AND fills.broker = newest.broker AND submitted_at >= newest.at
                AND recorded_at > newest.at AND recorded_at <= %(at)s + interval '5 minutes'
        ),
        0
    ) AS bought
FROM newest
"""

# The last one of each of equal parts of the time.
CURVE = """
WITH span AS (
    SELECT coalesce(%(since)s::timestamptz, (SELECT min(at) FROM account_snapshots)) AS since
)
SELECT DISTINCT ON (part) at, equity FROM (
    SELECT at, equity, date_bin(
        greatest((%(until)s - since) / %(points)s, interval '1 minute'), at, since
    ) AS part
    FROM account_snapshots, span WHERE at BETWEEN since AND %(until)s
) AS snapshots
ORDER BY part, at DESC
"""


class DayRow(NamedTuple):
    """When the exchange day began."""

    day_began: datetime


class AccountRow(NamedTuple):
    """The newest snapshot, and what the exchange day and week have made of the account."""

    id: int
    broker: str
    at: datetime
    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    day_began: datetime
    week_began: datetime
    day_result: Decimal
    week_result: Decimal
    bought: Decimal


class Point(NamedTuple):
    """What the account was worth at an instant."""

    at: datetime
    equity: Decimal


def day_began(at: datetime) -> datetime:
    """Return when the exchange day began: at the last close of the most common calendar of the watchlist."""
    return fetch_one(DayRow, DAY, {"at": at, "always_open": ALWAYS_OPEN}).day_began


def account(at: datetime, broker: str | None) -> AccountRow | None:
    """Return the account, or that at one broker; None when it was never seen."""
    values = {"at": at, "broker": broker, "always_open": ALWAYS_OPEN}
    return next(iter(fetch_all(AccountRow, ACCOUNT, values)), None)


def equity_curve(since: datetime | None, until: datetime, points: int) -> list[Point]:
    """Return so many points of what the account was worth, oldest first. `since`: None for all there is."""
    return fetch_all(Point, CURVE, {"points": points, "since": since, "until": until})
