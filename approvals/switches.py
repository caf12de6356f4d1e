"""Whether anything may be approved or sent at all: the halt and the gate.

The gate closes by itself while the feed or the broker is away, and opens once both have been good for a
minute. The halt is opened by a person, by the day's loss limit or by a mismatch; only a person ends it. What
cannot be read counts as closed and as halted.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import Error, transaction

from approvals import audit, notify
from approvals.models import Gate, Notification, TradingHalt
from market.models import IngestionRun

GOOD_FOR = timedelta(seconds=60)
CHECKED_WITHIN = timedelta(minutes=3)
LOOKED_BACK = timedelta(minutes=30)
FEED = "The feed "  # every trouble of the feed begins with it
BACK = "has just come back"  # what is no trouble any more once it has been good for a minute


def obstacle(at: datetime) -> str:
    """Why nothing may be approved or sent now, as a person reads it; empty when it may."""
    try:
        return halted() or feed_trouble(at) or broker_trouble(at)
    except Error:
        return "Whether trading is halted cannot be read, so it counts as halted."


def halt(cause: TradingHalt.Cause, reason: str, at: datetime, by: User | None = None) -> TradingHalt:
    """Stop everything but exits. Halting again for the same cause leaves the halt as it was begun."""
    with transaction.atomic():
        begun, is_new = TradingHalt.objects.get_or_create(
            cause=cause, ended_at=None, defaults={"reason": reason, "started_at": at, "started_by": by}
        )
        if is_new:
            who = by.get_username() if by else "Jax"
            title = f"Trading is halted by {who}: {reason}"
            notify.put(Notification.Kind.HALT, f"halt {begun.pk} begun", title, at, body=reason)
            audit.append("halt begun", f"halt {begun.pk}", at, by=by, cause=cause, reason=reason)
    return begun


def resume(at: datetime, by: User | None, note: str) -> list[TradingHalt]:
    """End all halts that are open; which they were. What waited meanwhile does not go out by itself."""
    with transaction.atomic():
        ended = list(TradingHalt.objects.select_for_update().filter(ended_at=None).order_by("pk"))
        TradingHalt.objects.filter(pk__in=[one.pk for one in ended], ended_at=None).update(
            ended_at=at, ended_by=by, ended_note=note
        )
        who = by.get_username() if by else "the command line"
        for one in ended:
            title = f"Trading is resumed by {who}. It was halted: {one.reason}"
            notify.put(Notification.Kind.HALT, f"halt {one.pk} ended", title, at, body=note)
        for one in ended:
            audit.append("halt ended", f"halt {one.pk}", at, by=by, note=note)
    return ended


def halted() -> str:
    """Why trading is halted; empty when it is not."""
    halt = TradingHalt.objects.filter(ended_at=None).order_by("started_at").first()
    if halt is None:
        return ""
    who = halt.started_by.get_username() if halt.started_by else "Jax"
    return f"Trading is halted since {halt.started_at:%Y-%m-%d %H:%M} UTC by {who}: {halt.reason}"


def feed_trouble(at: datetime) -> str:
    """Why the feed does not count as good for the last minute; empty when it does.

    Good is an unbroken row of finished rounds of quotes that stored some, the newest at most three beats ago.
    """
    patience = 3 * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS)
    rounds = IngestionRun.objects.rounds().filter(started_at__gt=at - max(LOOKED_BACK, 2 * patience))
    since = at
    for ended_at, stored in rounds.values_list("finished_at", "stored"):
        if not stored or ended_at is None or since - ended_at > patience:
            break
        since = min(since, ended_at)
    if since == at:
        return f"{FEED}is away: no quotes arrive. Nothing is approved or sent until they do."
    if at - since < GOOD_FOR:
        opens_at = since + GOOD_FOR
        return f"{FEED}{BACK}. Approving is possible from {opens_at:%H:%M:%S} UTC on."
    return ""


def broker_trouble(at: datetime) -> str:
    """Why the broker does not count as good for the last minute; empty when it does."""
    gate = Gate.objects.first()
    if gate is None:
        return "The broker has not been asked yet. Check that the worker runs."
    return _broker_trouble(gate, at)


def _broker_trouble(gate: Gate, at: datetime) -> str:
    if at - gate.checked_at > CHECKED_WITHIN:
        return "The broker has not been asked for more than three minutes. Check that the worker runs."
    if gate.broker_good_since is None:
        return f"The broker is away: {gate.broker_error} Nothing is approved or sent until it answers."
    if at - gate.broker_good_since < GOOD_FOR:
        opens_at = gate.broker_good_since + GOOD_FOR
        return f"The broker {BACK}. Approving is possible from {opens_at:%H:%M:%S} UTC on."
    return ""


def check(at: datetime, broker_error: str) -> Gate:
    """Write down whether the feed and the broker are there, and tell people when that changes.

    `broker_error`: what went wrong when the broker was asked just now; empty when it answered.
    """
    with transaction.atomic():
        before = Gate.objects.select_for_update().first()
        feed = feed_trouble(at)
        gate = Gate(pk=1, broker_error=broker_error, checked_at=at)
        gate.broker_good_since = None if broker_error else _good_since(before, at)
        gate.reason = feed or _broker_trouble(gate, at)
        gate.is_open = not gate.reason
        is_same = before is not None and before.is_open == gate.is_open
        gate.since = before.since if before is not None and is_same else at
        gate.save()
        _tell_of_the_feed(before, feed, at)
        if before is not None and not is_same:
            _tell_of_the_gate(gate, at)
    return gate


def _good_since(before: Gate | None, at: datetime) -> datetime:
    """Since when the broker answers. Whoever did not ask for a while cannot say that it was there."""
    if before is None or at - before.checked_at > CHECKED_WITHIN:
        return at
    return before.broker_good_since or at


def _tell_of_the_feed(before: Gate | None, trouble: str, at: datetime) -> None:
    if before is not None and before.reason.startswith(FEED) != bool(trouble):
        title = trouble or "The feed is back."
        notify.put(Notification.Kind.FEED, f"feed {at.isoformat()}", title, at)


def _tell_of_the_gate(gate: Gate, at: datetime) -> None:
    event = "gate opened" if gate.is_open else "gate closed"
    title = "The gate is open again." if gate.is_open else f"The gate is closed. {gate.reason}"
    notify.put(Notification.Kind.GATE, f"gate {at.isoformat()}", title, at)
    audit.append(event, "gate", at, reason=gate.reason)
