"""Whether anything may be approved or sent at all: the halt and the gate.

The gate closes by itself while the feed or the broker is away, and opens once both have been good for a
minute. The halt is opened by a person, by the day's loss limit or by a mismatch; only a person ends it. What
cannot be read counts as closed and as halted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from approvals import audit, notify
from approvals.models import Gate, Notification

GOOD_FOR = timedelta(seconds=60)
CHECKED_WITHIN = timedelta(minutes=3)
LOOKED_BACK = timedelta(minutes=30)
FEED = "The feed "  # every trouble of the feed begins with it
BACK = "has just come back"  # what is no trouble any more once it has been good for a minute
UNREADABLE = "Whether trading is halted cannot be read, so it counts as halted."

# One row, also when there is nothing: the oldest open halt, the gate, and the rounds of quotes since a while.
STATE = """
SELECT
    halt.reason, halt.started_at, halt.who, checked_at, broker_good_since, broker_error, ended, stored, newest
FROM (
    SELECT
        coalesce(array_agg(finished_at ORDER BY started_at DESC) FILTER (WHERE recent), '{}') AS ended,
        coalesce(array_agg(stored ORDER BY started_at DESC) FILTER (WHERE recent), '{}') AS stored,
        (array_agg(finished_at ORDER BY started_at DESC))[1] AS newest
    FROM (
        SELECT finished_at, stored, started_at, started_at > %(since)s AS recent FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' AND started_at >= least(%(since)s, (
            SELECT max(started_at) FROM ingestion_runs WHERE kind = 'quotes' AND outcome = 'finished'
        ))
    ) AS runs
) AS rounds
LEFT JOIN (
    SELECT reason, started_at, coalesce(username, 'Jax') AS who
    FROM trading_halts LEFT JOIN auth_user ON auth_user.id = started_by_id
    WHERE ended_at IS NULL ORDER BY started_at LIMIT 1
) AS halt ON true
LEFT JOIN gate ON true
"""


@dataclass(frozen=True)
class State:
    """The switches at an instant, each in words; empty where nothing is wrong.

    `newest_round`: when quotes were fetched last; None when they never were.
    """

    halted: str
    feed: str
    broker: str
    newest_round: datetime | None

    @property
    def obstacle(self) -> str:
        """Why nothing may be approved or sent now, as a person reads it; empty when it may."""
        return self.halted or self.feed or self.broker

    @classmethod
    def of(cls, row: Sequence[Any], at: datetime) -> "State":
        """What the columns of STATE say."""
        reason, started_at, who, checked_at, good_since, error, ended, stored, newest = row
        return cls(
            halted=f"Trading is halted since {_clock(started_at, '%Y-%m-%d %H:%M')} by {who}: {reason}"
            if who
            else "",
            feed=_feed_trouble(zip(ended, stored, strict=True), at),
            broker=_broker_trouble(checked_at, good_since, error, at),
            newest_round=newest,
        )


def state(at: datetime) -> State:
    """One query. Raises Error when it cannot be read."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({STATE}) AS state", state_values(at))
        return State.of(cursor.fetchone() or (), at)


def state_values(at: datetime) -> dict[str, Any]:
    """What STATE has to be given."""
    return {"since": at - max(LOOKED_BACK, 2 * _patience())}


def obstacle(at: datetime) -> str:
    """Why nothing may be approved or sent now, as a person reads it; empty when it may."""
    try:
        return state(at).obstacle
    except Error:
        return UNREADABLE


def _patience() -> timedelta:
    return 3 * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS)


def _clock(at: datetime, shape: str = "%H:%M:%S") -> str:
    """In the active time zone: the viewer's on a page, UTC elsewhere."""
    return f"{timezone.localtime(at):{shape} %Z}"


def _feed_trouble(rounds: Iterable[tuple[datetime | None, int]], at: datetime) -> str:
    """Why the feed does not count as good for the last minute; empty when it does.

    Good is an unbroken row of finished rounds of quotes that stored some, the newest at most three beats ago.
    `rounds`: when each ended and how many quotes it stored, the newest first.
    """
    since = at
    for ended_at, stored in rounds:
        if not stored or ended_at is None or since - ended_at > _patience():
            break
        since = min(since, ended_at)
    if since == at:
        return f"{FEED}is away: no quotes arrive. Nothing is approved or sent until they do."
    if at - since < GOOD_FOR:
        opens_at = since + GOOD_FOR
        return f"{FEED}{BACK}. Approving is possible from {_clock(opens_at)} on."
    return ""


def _broker_trouble(
    checked_at: datetime | None, good_since: datetime | None, error: str | None, at: datetime
) -> str:
    """Why the broker does not count as good for the last minute; empty when it does."""
    if checked_at is None:
        return "The broker has not been asked yet. Check that the worker runs."
    if at - checked_at > CHECKED_WITHIN:
        return "The broker has not been asked for more than three minutes. Check that the worker runs."
    if good_since is None:
        return f"The broker is away: {error} Nothing is approved or sent until it answers."
    if at - good_since < GOOD_FOR:
        opens_at = good_since + GOOD_FOR
        return f"The broker {BACK}. Approving is possible from {_clock(opens_at)} on."
    return ""


def check(at: datetime, broker_error: str) -> Gate:
    """Write down whether the feed and the broker are there, and tell people when that changes.

    `broker_error`: what went wrong when the broker was asked just now; empty when it answered.
    """
    with transaction.atomic():
        before = Gate.objects.select_for_update().first()
        feed = state(at).feed
        gate = Gate(pk=1, broker_error=broker_error, checked_at=at)
        gate.broker_good_since = None if broker_error else _good_since(before, at)
        gate.reason = feed or _broker_trouble(at, gate.broker_good_since, broker_error, at)
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
