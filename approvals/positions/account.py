"""What the account is worth, and what the exchange day has made of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from approvals.models import AccountSnapshot, PaperAccount, WaitingDividend
from approvals.queries import account as queries
from approvals.queries.account import Point
from core import locks

SEEN_WITHIN = timedelta(minutes=3)
POINTS = 500  # of a curve, at most one more
SNAPSHOT = [field.name for field in AccountSnapshot._meta.concrete_fields]
UNSEEN = "What the account is worth was not seen for three minutes. Check that the worker runs."


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""


@dataclass(frozen=True)
class Account:
    """The account as it was seen last, and what the exchange day has made of it.

    `day_began`: at the last close before, so that what opens lower counts as the day's loss. Of the calendar
    that most of the watched instruments trade by; those that never close have a say only when there are no
    others. Midnight UTC then, and where no session is known.

    `day_result`: what the exchange day has made so far, open positions included; a loss is negative. Counted
    from the last snapshot before the day began, or from the first one there is. Money that the broker says
    was paid in or taken out by the owner is no result.

    `week_began`, `week_result`: the same of the week, which begins with the close of the last session before
    Monday.

    `bought`: what those entries were filled for since that the broker did not have yet when it was seen; for
    the others it had kept the money back.
    """

    snapshot: AccountSnapshot
    day_began: datetime
    day_result: Decimal
    bought: Decimal
    week_began: datetime
    week_result: Decimal

    def require_fresh(self, at: datetime) -> None:
        """Raises Unknown when it was not seen for three minutes."""
        if at - self.snapshot.at > SEEN_WITHIN:
            raise Unknown(UNSEEN)


def account(at: datetime, broker: str | None = None) -> Account | None:
    """Return the account, or that at one broker; None when it was never seen. One query."""
    row = queries.account(at, broker)
    if row is None:
        return None
    columns = {name: getattr(row, name) for name in SNAPSHOT}
    figures = (row.day_began, row.day_result, row.bought, row.week_began, row.week_result)
    return Account(AccountSnapshot(**columns), *figures)


def currencies() -> set[str]:
    """Return the currencies of the accounts that were seen, of the one on paper, and of what waits for it."""
    newest = AccountSnapshot.objects.order_by("broker", "-at").distinct("broker")
    seen = newest.values_list("currency", flat=True)
    on_paper = PaperAccount.objects.values_list("currency", flat=True)
    return {*seen, *on_paper, *WaitingDividend.objects.values_list("currency", flat=True)}


def lock_account() -> None:
    """Keep other transactions from taking room in the account or closing a position until this one ends."""
    locks.transaction("approvals.account")


def day_began(at: datetime) -> datetime:
    """Return when the exchange day began; see Account."""
    return queries.day_began(at)


def equity_curve(since: datetime | None, until: datetime) -> list[Point]:
    """Return what the account was worth over a time, oldest first: some hundred points, however long it is.

    `since`: None for all there is.
    """
    return queries.equity_curve(since, until, POINTS)
