"""What people are told of signals: that one waits, and that its time is nearly over."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import Notification
from signals.models import Signal

Kind = Notification.Kind
LAST_PART = 4  # a signal is about to expire in the last quarter of its life
LAST_MOMENTS = timedelta(minutes=30)


def about_signals(at: datetime, *, held: Collection[str] = ()) -> None:
    """Have people told once of each signal that waits for them, and once before it expires.

    `held`: symbols of which there are shares to sell. Other SELLs are not for people while shorting is off.
    """
    ending = [signal for signal in _untold(Kind.SIGNAL_EXPIRING, at, held) if _is_nearly_over(signal, at)]
    told = [_waiting(signal, at) for signal in _untold(Kind.SIGNAL_WAITING, at, held)]
    told += [_expiring(signal, at) for signal in ending]
    Notification.objects.bulk_create(told, ignore_conflicts=True)


def _untold(kind: Kind, at: datetime, held: Collection[str]) -> QuerySet[Signal]:
    told = Notification.objects.filter(kind=kind, signal=OuterRef("pk"))
    untold = Signal.objects.pending(at).exclude(Exists(told)).order_by("expires_at", "id")
    if kind == Kind.SIGNAL_EXPIRING:
        untold = untold.filter(expires_at__lte=at + LAST_MOMENTS)
    if settings.ALLOW_SHORT:
        return untold
    return untold.filter(Q(signal_type=Signal.Type.BUY) | Q(symbol__in=held))


def _is_nearly_over(signal: Signal, at: datetime) -> bool:
    """In the last quarter of the time that people have for it, and in its last half hour."""
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
