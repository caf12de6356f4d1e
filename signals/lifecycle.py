"""How the status of a signal changes: one table of the legal transitions, which every change goes through."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from market import faults
from market.models import Fault, Instrument, Split
from signals import queries
from signals.models import Signal, StrategyConfig

Status = Signal.Status


class Cause(StrEnum):
    """Why a signal is stored or ends. `ended_reason` holds the latter, with the user where there is one."""

    RAISED = "raised by a scan"
    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "nobody decided in time"
    SUPERSEDED = "superseded by a newer event"
    REVISED = "bar revised"
    RECONFIGURED = "its configuration was changed"
    STOP_TRADED = "stop traded before a decision"
    TARGET_TRADED = "target traded before a decision"
    SPLIT = "share split"
    DELISTED = "its instrument was delisted"
    UNWATCHED = "its instrument left the watchlist"
    SWITCHED_OFF = "its configuration was switched off"


# The status that each cause leads to, by the status it starts from; None for a signal that is being stored.
TRANSITIONS: dict[tuple[Status | None, Cause], Status] = {
    (None, Cause.RAISED): Status.PENDING,
    (None, Cause.SUPERSEDED): Status.CANCELLED,
    (Status.PENDING, Cause.APPROVED): Status.APPROVED,
    (Status.PENDING, Cause.REJECTED): Status.REJECTED,
    (Status.PENDING, Cause.EXPIRED): Status.EXPIRED,
    (Status.PENDING, Cause.CANCELLED): Status.CANCELLED,
    (Status.PENDING, Cause.SUPERSEDED): Status.CANCELLED,
    (Status.PENDING, Cause.REVISED): Status.CANCELLED,
    (Status.PENDING, Cause.RECONFIGURED): Status.CANCELLED,
    (Status.PENDING, Cause.STOP_TRADED): Status.CANCELLED,
    (Status.PENDING, Cause.TARGET_TRADED): Status.CANCELLED,
    (Status.PENDING, Cause.SPLIT): Status.CANCELLED,
    (Status.PENDING, Cause.DELISTED): Status.CANCELLED,
    (Status.PENDING, Cause.UNWATCHED): Status.CANCELLED,
    (Status.PENDING, Cause.SWITCHED_OFF): Status.CANCELLED,
}


def arrows() -> Iterator[str]:
    """Yield the table as lines of a Mermaid state diagram, one for each pair of statuses."""
    for (start, end), causes in groupby(
        TRANSITIONS.items(), lambda transition: (transition[0][0], transition[1])
    ):
        yield f"{start or '[*]'} --> {end}: {'<br/>'.join(cause for (_, cause), _ in causes)}"


def ended(
    cause: Cause, at: datetime | F, reason: str = "", start: Status | None = Status.PENDING
) -> dict[str, Any]:
    """Return the columns of a signal that ends by `cause`. Raises KeyError where no such end is legal."""
    return {"status": TRANSITIONS[start, cause], "ended_at": at, "ended_reason": reason or cause.value}


def end(signals: QuerySet[Signal], cause: Cause, at: datetime | F, reason: str = "") -> int:
    """End those of the signals that are pending; return how many there were. No other code sets a status."""
    return signals.filter(status=Status.PENDING).update(**ended(cause, at, reason))


class Ending(NamedTuple):
    """How and when a signal ended, and why."""

    status: Status
    at: datetime
    reason: str


def ending(signal: Signal, at: datetime) -> Ending | None:
    """Return how a signal ended, None while it is pending. An overdue one reads as if it were swept."""
    status = signal.status_at(at)
    if status == Status.PENDING:
        return None
    reason = signal.ended_reason if signal.status == status else Cause.EXPIRED.value
    return Ending(status, signal.ends_at, reason)


class NotPending(Exception):
    """The signal is not pending any more."""

    def __init__(self, signal: Signal, at: datetime) -> None:
        signal.refresh_from_db()
        self.signal = signal
        why = f" ({signal.ended_reason})" if signal.ended_reason else ""
        super().__init__(
            f"It is {signal.status_at(at)} since {timezone.localtime(signal.ends_at):%Y-%m-%d %H:%M %Z}{why}."
        )


def cancel(signal: Signal, *, by: User, reason: str, at: datetime) -> None:
    """Take a pending signal off. Raises NotPending when it has ended already."""
    _end_by_user(signal, Cause.CANCELLED, by, reason, at)


def decide(signal: Signal, verdict: Status, *, by: User, at: datetime) -> None:
    """Approve or reject a pending signal. Raises NotPending when it has ended already."""
    _end_by_user(signal, Cause(verdict.value), by, "", at)


def _end_by_user(signal: Signal, cause: Cause, user: User, reason: str, at: datetime) -> None:
    text = f"{cause} by {user.get_username()}" + (f": {reason}" if reason else "")
    if not end(Signal.objects.pending(at).filter(pk=signal.pk), cause, at, text):
        raise NotPending(signal, at)
    signal.refresh_from_db()


def sweep(at: datetime) -> dict[str, int]:
    """End what has ended by itself, expiry first; return how many for each reason."""
    counts: Counter[str] = Counter()
    isolation = faults.Isolation(Fault.Work.RECHECK, at, part="end")
    for cause, signals in _ending(at):
        when = F("expires_at") if cause == Cause.EXPIRED else at
        counts[cause.value] += _end_each(signals, cause, when, isolation)
    counts.update(end_traded(at, isolation))
    return {reason: count for reason, count in counts.items() if count}


def _end_each(
    signals: QuerySet[Signal], cause: Cause, when: datetime | F, isolation: faults.Isolation
) -> int:
    """End them together; once the database has refused that, without the signals that it refuses."""
    if not isolation.before:
        with suppress(*faults.CONTENT), transaction.atomic():
            return end(signals, cause, when)

    def end_some(part: Sequence[Signal]) -> int:
        with transaction.atomic():
            return end(Signal.objects.filter(pk__in=[signal.pk for signal in part]), cause, when)

    return sum(isolation.together(list(signals), end_some, lambda signal: signal.pk, str))


def _ending(at: datetime) -> Iterable[tuple[Cause, QuerySet[Signal]]]:
    pending, instrument = Signal.objects.pending(at), Instrument.objects.filter(symbol=OuterRef("symbol"))
    configured = StrategyConfig.objects.enabled().filter(
        strategy_id=OuterRef("strategy_id"), timeframe=OuterRef("timeframe")
    )
    split = Split.objects.filter(
        symbol=OuterRef("symbol"),
        recorded_at__gte=OuterRef("created_at"),
        date__gte=OuterRef("bar_opened_at"),
    )
    yield Cause.EXPIRED, Signal.objects.overdue(at)
    yield Cause.DELISTED, pending.filter(Exists(instrument.gone()))
    yield Cause.UNWATCHED, pending.exclude(Exists(instrument.watched()))
    yield Cause.SWITCHED_OFF, pending.exclude(Exists(configured))
    yield Cause.SPLIT, pending.filter(Exists(instrument.exclude(split_pending_since=None)))
    yield Cause.SPLIT, pending.filter(Exists(split))


def end_traded(at: datetime, isolation: faults.Isolation | None = None) -> dict[str, int]:
    """Cancel those whose stop or target has traded since, in the regular session; return how many for each.

    When both have traded it is unknown which came first: the stop counts.
    """
    isolation = isolation or faults.Isolation(Fault.Work.RECHECK, at, part="end")
    traded = queries.traded()
    ends = {
        Cause.STOP_TRADED: [row.signal for row in traded if row.at_stop],
        Cause.TARGET_TRADED: [row.signal for row in traded if not row.at_stop],
    }
    return {
        cause.value: _end_each(Signal.objects.filter(pk__in=pks), cause, at, isolation)
        for cause, pks in ends.items()
        if pks
    }
