"""What the account is worth, and what the exchange day has made of it."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Subquery

from approvals.models import AccountSnapshot
from market.models import ALWAYS_OPEN, Instrument, TradingSession

SEEN_WITHIN = timedelta(minutes=3)
POINTS = 500  # of a curve, at most one more

# The last one of each of equal parts of the time.
CURVE = """
SELECT DISTINCT ON (part) at, equity FROM (
    SELECT at, equity, date_bin(%(part)s::interval, at, %(since)s) AS part
    FROM account_snapshots WHERE at BETWEEN %(since)s AND %(until)s
) AS seen
ORDER BY part, at DESC
"""


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""


def newest_snapshot(at: datetime) -> AccountSnapshot:
    """What the account is worth. Raises Unknown when it has not been seen for three minutes."""
    newest = AccountSnapshot.objects.order_by("-at").first()
    if newest is None or at - newest.at > SEEN_WITHIN:
        raise Unknown("What the account is worth was not seen for three minutes. Check that the worker runs.")
    return newest


def lock_account() -> None:
    """Until this transaction ends nobody else decides what takes room in the account or closes a position."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('approvals.account', 0))")


def day_result(account: AccountSnapshot, at: datetime) -> Decimal:
    """What the exchange day has made so far, open positions included; a loss is negative.

    Counted from the last snapshot before the day began, or from the first one there is. Money that is paid
    in or out counts like a result.
    """
    seen = AccountSnapshot.objects.filter(broker=account.broker)
    before = seen.filter(at__lte=day_began(at)).order_by("-at").first() or seen.order_by("at").first()
    return account.equity - (before or account).equity


def day_began(at: datetime) -> datetime:
    """When the exchange day began: at the last close before, so that what opens lower counts as its loss.

    Of the calendar that most of the watched instruments trade by; those that never close have a say only
    when there are no others. Midnight UTC then, and where no session is known.
    """
    calendars = Instrument.objects.watched().exclude(calendar=ALWAYS_OPEN).values("calendar")
    most = calendars.annotate(count=Count("pk")).order_by("-count", "calendar").values("calendar")[:1]
    closes = TradingSession.objects.filter(calendar=Subquery(most), closed=False, closes_at__lte=at)
    closed_at = closes.order_by("-date").values_list("closes_at", flat=True).first()
    return closed_at or at.replace(hour=0, minute=0, second=0, microsecond=0)


def equity_curve(since: datetime, until: datetime) -> list[tuple[datetime, Decimal]]:
    """What the account was worth over a time, oldest first: some hundred points, however long it is."""
    part = max((until - since) / POINTS, timedelta(minutes=1))
    with connection.cursor() as cursor:
        cursor.execute(CURVE, {"part": f"{part.total_seconds()} seconds", "since": since, "until": until})
        return [(at, equity) for at, equity in cursor]
