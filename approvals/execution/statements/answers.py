"""What a person says of a difference to the statement: that it is right so, and why."""

from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import transaction

from approvals import audit
from approvals.models import StatementBase, StatementDifference
from core import locks

LONGEST_WHY = 500
COLUMNS = {StatementDifference.Kind.CASH: "cash", StatementDifference.Kind.HOLDING: "holdings"}


class DifferenceRefused(Exception):
    """It cannot be answered. The message says why."""


def answer(difference: StatementDifference, *, by: User, at: datetime, why: str) -> None:
    """End a difference with a reason. Raises DifferenceRefused.

    From then on the money or the shares count as the account's own, beside our book; no trade is changed.
    """
    with transaction.atomic():
        locks.transaction("approvals.statements")
        row = StatementDifference.objects.select_for_update(of=("self",)).get(pk=difference.pk)
        if row.ended_at is not None:
            raise DifferenceRefused(f"It is over since {row.ended_at:%Y-%m-%d %H:%M} UTC.")
        if not why.strip():
            raise DifferenceRefused("Say in a few words why it is right so: it is kept.")
        _count_beside(row)
        StatementDifference.objects.filter(pk=row.pk).update(ended_at=at, answered_by=by, why=why.strip())
        audit.append(
            "statement difference answered",
            f"statement difference {row.pk}",
            at,
            by=by,
            difference=str(row),
            ours=row.ours,
            stated=row.stated,
            why=why.strip(),
        )


def _count_beside(row: StatementDifference) -> None:
    column = COLUMNS.get(StatementDifference.Kind(row.kind))
    base = StatementBase.objects.filter(broker=row.broker).first()
    values = getattr(base, column) if base and column else None
    if base is None or column is None or values is None:
        return
    more = _number(row.stated) - _number(row.ours)
    values[row.name] = f"{Decimal(values.get(row.name, '0')) + more:f}"
    base.save(update_fields=[column])


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", "") or "0")
