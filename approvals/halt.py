"""The halt: it stops everything but exits.

A person, the loss limit of the day or the week, or a mismatch starts it; only a person ends it. A pause after
losses in a row ends by itself, too.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import models, transaction

from approvals import audit, notify
from approvals.models import Notification, TradingHalt


def start(
    cause: TradingHalt.Cause,
    reason: str,
    at: datetime,
    by: User | None = None,
    *,
    until: datetime | None = None,
) -> TradingHalt:
    """Stop everything but exits. Halting again for the same cause leaves the halt as it was begun.

    `until`: when it ends by itself; None: only a person ends it.
    """
    values = {"reason": reason, "started_at": at, "started_by": by, "until": until}
    with transaction.atomic():
        begun, is_new = TradingHalt.objects.get_or_create(cause=cause, ended_at=None, defaults=values)
        if is_new:
            who = by.get_username() if by else "Jax"
            what = f"paused until {until:%Y-%m-%d %H:%M} UTC" if until else "halted"
            title = f"Trading is {what} by {who}: {reason}"
            notify.put(Notification.Kind.HALT, f"halt {begun.pk} begun", title, at, body=reason)
            audit.append("halt begun", f"halt {begun.pk}", at, by=by, cause=cause, reason=reason)
    return begun


def end(at: datetime, by: User | None, note: str) -> list[TradingHalt]:
    """End all halts that are open; which they were. What waited meanwhile does not go out by itself."""
    who = by.get_username() if by else "the command line"
    return _end(TradingHalt.objects.all(), at, by, who, note)


def end_pauses(at: datetime) -> list[TradingHalt]:
    """End the pauses whose time is over; which they were."""
    return _end(TradingHalt.objects.filter(until__lte=at), at, None, "Jax", "Its time is over.")


def _end(
    halts: models.QuerySet[TradingHalt], at: datetime, by: User | None, who: str, note: str
) -> list[TradingHalt]:
    with transaction.atomic():
        ended = list(halts.select_for_update().filter(ended_at=None).order_by("pk"))
        TradingHalt.objects.filter(pk__in=[halt.pk for halt in ended], ended_at=None).update(
            ended_at=at, ended_by=by, ended_note=note
        )
        for halt in ended:
            title = f"Trading is resumed by {who}. It was halted: {halt.reason}"
            notify.put(Notification.Kind.HALT, f"halt {halt.pk} ended", title, at, body=note)
        for halt in ended:
            audit.append("halt ended", f"halt {halt.pk}", at, by=by, note=note)
    return ended
