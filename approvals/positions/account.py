"""What the account is worth, and what the exchange day has made of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from approvals.models import AccountSnapshot
from core import locks
from market.models import ALWAYS_OPEN

SEEN_WITHIN = timedelta(minutes=3)
POINTS = 500  # of a curve, at most one more
UNSEEN = "What the account is worth was not seen for three minutes. Check that the worker runs."

DAY_BEGAN = """coalesce(
    (
        SELECT closes_at FROM trading_sessions
        WHERE calendar = (
            SELECT calendar FROM instruments WHERE watched AND calendar <> %(always_open)s
            GROUP BY calendar ORDER BY count(*) DESC, calendar LIMIT 1
        ) AND NOT closed AND closes_at <= %(at)s
        ORDER BY date DESC LIMIT 1
    ),
    date_trunc('day', %(at)s, 'UTC')
)"""

ACCOUNT = f"""
WITH newest AS (
    SELECT *, {DAY_BEGAN} AS day_began FROM account_snapshots
    WHERE %(broker)s::text IS NULL OR broker = %(broker)s
    ORDER BY at DESC LIMIT 1
)
SELECT
    newest.*,
    coalesce(
        (
            SELECT equity FROM account_snapshots AS before
            WHERE before.broker = newest.broker AND before.at <= day_began ORDER BY before.at DESC LIMIT 1
        ),
        (
            SELECT equity FROM account_snapshots AS first
            WHERE first.broker = newest.broker ORDER BY first.at LIMIT 1
        )
    ) AS equity_before,
    coalesce(
        (SELECT sum(quantity * price) FROM fills WHERE leg = 'entry' AND recorded_at >= newest.at), 0
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
) AS seen
ORDER BY part, at DESC
"""


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""


@dataclass(frozen=True)
class Account:
    """The account as it was seen last, and what the exchange day has made of it.

    `day_began`: at the last close before, so that what opens lower counts as the day's loss. Of the calendar
    that most of the watched instruments trade by; those that never close have a say only when there are no
    others. Midnight UTC then, and where no session is known.

    `day_result`: what the exchange day has made so far, open positions included; a loss is negative. Counted
    from the last snapshot before the day began, or from the first one there is. Money that is paid in or out
    counts like a result.

    `bought`: what our entries were filled for since.
    """

    snapshot: AccountSnapshot
    day_began: datetime
    day_result: Decimal
    bought: Decimal

    def require_fresh(self, at: datetime) -> None:
        """Raises Unknown when it was not seen for three minutes."""
        if at - self.snapshot.at > SEEN_WITHIN:
            raise Unknown(UNSEEN)


def account(at: datetime, broker: str | None = None) -> Account | None:
    """The account, or that at one broker; None when it was never seen. One query."""
    values = {"at": at, "broker": broker, "always_open": ALWAYS_OPEN}
    for row in AccountSnapshot.objects.raw(ACCOUNT, values):
        return Account(row, row.day_began, row.equity - row.equity_before, row.bought)  # type: ignore[attr-defined]  # columns of the query
    return None


def lock_account() -> None:
    """Until this transaction ends nobody else decides what takes room in the account or closes a position."""
    locks.transaction("approvals.account")


def day_began(at: datetime) -> datetime:
    """When the exchange day began; see Account."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DAY_BEGAN}", {"at": at, "always_open": ALWAYS_OPEN})
        (began,) = cursor.fetchone() or (at,)
        return began


def equity_curve(since: datetime | None, until: datetime) -> list[tuple[datetime, Decimal]]:
    """What the account was worth over a time, oldest first: some hundred points, however long it is.

    `since`: None for all there is.
    """
    with connection.cursor() as cursor:
        cursor.execute(CURVE, {"points": POINTS, "since": since, "until": until})
        return [(at, equity) for at, equity in cursor]
