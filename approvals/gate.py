"""Whether anything may be approved or sent at all: the halt and the gate.

The gate closes by itself while the feed or the broker is away, and opens once both have been good for a
minute. The halt is opened by a person, by the loss limit of the day or the week, or by a mismatch; only a
person ends it. A pause after losses in a row ends by itself, or when a person ends it. What cannot be read
counts as closed and as halted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error, transaction
from django.utils import timezone

from approvals import audit, notify
from approvals.models import Gate, Notification
from approvals.queries.gate import GateFacts, gate_facts
from market import worker

GOOD_FOR = timedelta(seconds=60)
CHECKED_WITHIN = timedelta(minutes=3)
CLOCK_AHEAD = timedelta(minutes=10)  # a clock that is set back by less is soon as late again
ROUNDS = 64  # more than a minute has
UNREADABLE = "Whether trading is halted cannot be read, so it counts as halted."

Trouble = Gate.Trouble
SENTENCES = {
    Trouble.FEED_AWAY: "The feed is away: no quotes arrive. Nothing is approved or sent until they do.",
    Trouble.FEED_BACK: "The feed has just come back. Approving is possible from {opens_at} on.",
    Trouble.BROKER_UNASKED: "The broker has not been asked yet. Check that the worker runs.",
    Trouble.BROKER_UNCHECKED: (
        "The broker has not been asked for more than three minutes. Check that the worker runs."
    ),
    Trouble.BROKER_AWAY: "The broker is away: {error} Nothing is approved or sent until it answers.",
    Trouble.BROKER_BACK: "The broker has just come back. Approving is possible from {opens_at} on.",
}


@dataclass(frozen=True)
class Closed:
    """Why the gate is closed. `opens_at`: when it opens if nothing goes wrong, where that is known."""

    trouble: Gate.Trouble
    opens_at: datetime | None = None
    error: str = ""

    @property
    def is_back(self) -> bool:
        """Return whether it is no trouble any more once a minute has passed."""
        return self.trouble in (Trouble.FEED_BACK, Trouble.BROKER_BACK)

    def __str__(self) -> str:
        opens_at = self.opens_at and _clock(self.opens_at)
        return SENTENCES[self.trouble].format(opens_at=opens_at, error=self.error)


@dataclass(frozen=True)
class State:
    """The halt and the gate at an instant.

    `halted`: since when, by whom and why; empty while trading is not halted. `feed` and `broker`: None while
    they are good. `newest_round`: when quotes were fetched last; None when they never were.
    """

    halted: str
    feed: Closed | None
    broker: Closed | None
    newest_round: datetime | None

    @property
    def closed(self) -> Closed | None:
        """Return why the gate is closed; None while it is open."""
        return self.feed or self.broker

    @property
    def obstacle(self) -> str:
        """Return why nothing may be approved or sent now; empty when it may."""
        return self.halted or str(self.closed or "")


def state(at: datetime) -> State:
    """Return the halt and the gate. One query. Raises Error when they cannot be read."""
    facts = gate_facts(ROUNDS, at)
    return State(
        halted=_halted(facts),
        feed=_feed_trouble(facts, at),
        broker=_broker_trouble(facts, at),
        newest_round=next(iter(facts.ended_at), None),
    )


def _halted(facts: GateFacts) -> str:
    """Return since when, by whom and why trading is halted, by the oldest open halt; empty when it is not."""
    if facts.halted_at is None:
        return ""
    since, by = _clock(facts.halted_at, "%Y-%m-%d %H:%M"), facts.halted_by or "Jax"
    if facts.halted_until is not None:
        until = _clock(facts.halted_until, "%Y-%m-%d %H:%M")
        return f"Trading is paused until {until}, or until a person resumes: {facts.halt_reason}"
    return f"Trading is halted since {since} by {by}: {facts.halt_reason}"


def obstacle(at: datetime) -> str:
    """Return why nothing may be approved or sent now; empty when it may."""
    try:
        return state(at).obstacle
    except Error:
        return UNREADABLE


def _clock(at: datetime, shape: str = "%H:%M:%S") -> str:
    """Return the time in the active time zone: the viewer's on a page, UTC elsewhere."""
    return f"{timezone.localtime(at):{shape} %Z}"


def _feed_trouble(facts: GateFacts, at: datetime) -> Closed | None:
    """Return why the feed does not count as good for the last minute; None when it does.

    Good is an unbroken row of finished rounds of quotes that stored some, the newest at most three beats ago.
    """
    since = at
    for ended_at, stored in zip(facts.ended_at, facts.stored, strict=True):
        if not stored or since - ended_at > worker.patience():
            break
        since = min(since, ended_at)
    if since == at:
        return Closed(Trouble.FEED_AWAY)
    return Closed(Trouble.FEED_BACK, since + GOOD_FOR) if at - since < GOOD_FOR else None


def _broker_trouble(gate: Gate | GateFacts, at: datetime) -> Closed | None:
    """Return why the broker does not count as good for the last minute; None when it does."""
    if gate.checked_at is None:
        return Closed(Trouble.BROKER_UNASKED)
    if not is_recent(gate.checked_at, at):
        return Closed(Trouble.BROKER_UNCHECKED)
    good_since = gate.broker_good_since
    if good_since is None:
        return Closed(Trouble.BROKER_AWAY, error=gate.broker_error)
    return Closed(Trouble.BROKER_BACK, good_since + GOOD_FOR) if at - good_since < GOOD_FOR else None


def check(at: datetime, broker_error: str) -> Gate:
    """Store whether the feed and the broker are there, and notify people when that changes.

    `broker_error`: what went wrong when the broker was asked just now; empty when it answered.
    """
    with transaction.atomic():
        before = Gate.objects.select_for_update().first()
        feed = state(at).feed
        gate = Gate(pk=1, broker_error=broker_error, checked_at=at)
        gate.broker_good_since = None if broker_error else _good_since(before, at)
        closed = feed or _broker_trouble(gate, at)
        gate.trouble = closed.trouble if closed else ""
        gate.opens_at = closed.opens_at if closed else None
        gate.is_open = closed is None
        is_same = before is not None and before.is_open == gate.is_open
        gate.since = before.since if before is not None and is_same else at
        gate.save()
        if before is not None:
            _notify_of_the_feed(before, feed, at)
            if not is_same:
                _notify_of_the_gate(gate, at)
    return gate


def reason_of(gate: Gate) -> str:
    """Return why the gate is closed; empty when it is open."""
    if gate.is_open:
        return ""
    return str(Closed(Trouble(gate.trouble), gate.opens_at, gate.broker_error))


def _good_since(before: Gate | None, at: datetime) -> datetime:
    """Return since when the broker answers. Nothing is known of a while in which it was not asked."""
    if before is None or not is_recent(before.checked_at, at):
        return at
    return before.broker_good_since or at


def is_recent(checked_at: datetime, at: datetime) -> bool:
    """Return whether the broker was asked lately. A check from far in the future says nothing about now."""
    return -CLOCK_AHEAD <= at - checked_at <= CHECKED_WITHIN


def _notify_of_the_feed(before: Gate, feed: Closed | None, at: datetime) -> None:
    was_away = before.trouble in (Trouble.FEED_AWAY, Trouble.FEED_BACK)
    if was_away != (feed is not None):
        title = str(feed or "The feed is back.")
        notify.put(Notification.Kind.FEED, f"feed {at.isoformat()}", title, at)


def _notify_of_the_gate(gate: Gate, at: datetime) -> None:
    event, reason = "gate opened" if gate.is_open else "gate closed", reason_of(gate)
    title = "The gate is open again." if gate.is_open else f"The gate is closed. {reason}"
    notify.put(Notification.Kind.GATE, f"gate {at.isoformat()}", title, at)
    audit.append(event, "gate", at, reason=reason)
