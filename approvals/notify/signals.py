"""Notifications about signals: that one waits, that its time is nearly over, that a strategy raises none."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from approvals.models import Notification
from approvals.notify import outbox
from market import faults
from market.models import Fault
from signals.models import Signal, StrategyConfig
from signals.models.signals import SignalQuerySet

Kind = Notification.Kind
Write = Callable[[Signal, datetime], Notification]
LAST_PART = 4  # a signal is about to expire in the last quarter of its life
LAST_MOMENTS = timedelta(minutes=30)


def about_signals(signals: SignalQuerySet, at: datetime) -> None:
    """Notify people once of each of these signals that waits for them, and once before it expires."""
    pending = signals.pending(at).order_by("expires_at", "id")
    last = _unannounced(pending.filter(expires_at__lte=at + LAST_MOMENTS), Kind.SIGNAL_EXPIRING)
    _announce(_unannounced(pending, Kind.SIGNAL_WAITING), _waiting, at)
    _announce([signal for signal in last if _is_nearly_over(signal, at)], _expiring, at)


def _announce(
    signals: Iterable[Signal], write: Callable[[Signal, datetime], Notification], at: datetime
) -> None:
    """Store a message about each of the signals; one that none can be written about keeps no other away."""

    def store(part: Sequence[Signal]) -> None:
        with transaction.atomic():
            Notification.objects.bulk_create([write(signal, at) for signal in part], ignore_conflicts=True)

    if news := list(signals):
        isolation = faults.Isolation(Fault.Work.MESSAGE, at, part=write.__name__.strip("_"))
        isolation.together(news, store, lambda signal: signal.pk, str)


def about_strategies(at: datetime) -> None:
    """Notify people once of each strategy that has begun to fail, and once when it is switched off for it."""
    for config in StrategyConfig.objects.failing():
        since = f"{config.failing_since:%Y-%m-%d %H:%M} UTC"
        title = f"{config} fails since {since}: no signals of it, the others go on"
        if not config.enabled:
            title = f"{config} was switched off after {config.failures} failures in a row since {since}"
        key = f"strategy {config.pk} {config.failing_since} {config.enabled}"
        outbox.put(Kind.STRATEGY_FAILED, key, title, at, body=config.failure, path="/signals/")


def _unannounced(signals: SignalQuerySet, kind: Kind) -> SignalQuerySet:
    return signals.exclude(Exists(Notification.objects.filter(kind=kind, signal=OuterRef("pk"))))


def _is_nearly_over(signal: Signal, at: datetime) -> bool:
    """Return whether a signal is in the last quarter of its time, and in its last half hour."""
    life = signal.expires_at - signal.created_at
    return signal.expires_at - at <= min(life / LAST_PART, LAST_MOMENTS)


def _waiting(signal: Signal, at: datetime) -> Notification:
    title = f"{_what(signal)}, confidence {signal.confidence:.2f}, until {signal.expires_at:%H:%M} UTC"
    return _notification(Kind.SIGNAL_WAITING, signal, title, at)


def _expiring(signal: Signal, at: datetime) -> Notification:
    title = f"Expires at {signal.expires_at:%H:%M} UTC: {_what(signal)}"
    return _notification(Kind.SIGNAL_EXPIRING, signal, title, at)


def _what(signal: Signal) -> str:
    return f"{signal.signal_type} {signal.symbol} ({signal.strategy_id}, {signal.timeframe})"


def _notification(kind: Kind, signal: Signal, title: str, at: datetime) -> Notification:
    return Notification(
        kind=kind,
        key=f"{kind} {signal.pk}",
        title=title[:200],
        body=signal.reasoning,
        path=f"/signals/{signal.pk}/",
        signal=signal,
        created_at=at,
    )
