"""What a person says became of shares that the account does not hold as our orders made them."""

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django_q.tasks import async_task

from approvals import audit, positions
from approvals.execution import adoption
from approvals.execution.adoption import Sale
from approvals.models import Drift

Answer = Drift.Answer

LONGEST_WHY = 500
PRICED = (Answer.ADOPTED, Answer.ASSIGNED)


class DriftRefused(Exception):
    """It cannot be answered so. The message says why, and what can be done instead."""


def answer(
    drift: Drift, what: Drift.Answer, *, by: User, at: datetime, why: str, price: Decimal | None = None
) -> None:
    """End a drift: close what is gone at a price, or leave what is there alone. Raises DriftRefused.

    The chain has who and why. Stops and targets of what is gone are ended at the broker at once.
    """
    with transaction.atomic():
        positions.lock_account()
        drift = Drift.objects.select_for_update(of=("self",)).select_related("answered_by").get(pk=drift.pk)
        if problem := _problem(drift, what, why, price):
            raise DriftRefused(problem)
        closes = what in Drift.CLOSES
        if closes:
            _close(drift, what, price or Decimal(0), by, why, at)
        Drift.objects.filter(pk=drift.pk).update(
            answer=what, answered_by=by, why=why, price=price, ended_at=at, exits_end=closes
        )
        audit.append(
            "drift answered",
            f"drift {drift.pk}",
            at,
            by=by,
            drift=str(drift),
            answer=what,
            price=price,
            why=why,
        )
        if closes:
            async_task("approvals.tasks.reconcile")


def _problem(drift: Drift, what: Drift.Answer, why: str, price: Decimal | None) -> str:
    """Return why it cannot be answered so; empty when it can."""
    if drift.ended_at:
        who = f" by {drift.answered_by.get_username()}" if drift.answered_by else ""
        return f"It is over since {drift.ended_at:%Y-%m-%d %H:%M} UTC{who}."
    if not why.strip():
        return "Say in a few words why: it is kept."
    if positions.of(drift.symbol).quantity != drift.ours:
        return "What our orders made has changed meanwhile. Look again."
    if what in Drift.CLOSES and not drift.gone:
        return f"No share of ours is missing: the {drift.symbol} that are more can only be left alone."
    if what == Answer.NOT_OURS and drift.gone:
        return "Shares of ours are missing: say what they were given for, or that they are gone for nothing."
    if what in PRICED and not price:
        return "Give the price of a share."
    return "A price belongs to shares that were given for one." if price and what not in PRICED else ""


def _close(drift: Drift, what: Drift.Answer, price: Decimal, by: User, why: str, at: datetime) -> None:
    sale = Sale(drift.gone, price, at, f"drift {drift.pk} {uuid4()}")
    reason = f"{what.label.capitalize()}, as {by.get_username()} says: {why}"
    order = adoption.record(drift, sale, by, reason, at)
    audit.append(
        "order made", f"order {order.pk}", at, by=by, order=str(order), drift=drift.pk, reason=reason
    )
