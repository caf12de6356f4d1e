"""The messages and whom each has to reach: rows that wait until they are sent, or not any more."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from approvals.models import Delivery, Notification
from approvals.notify.hours import QuietHours
from signals.models import Signal

KEEP = timedelta(days=30)
NEWS = timedelta(hours=1)
GIVE_UP = timedelta(days=1)
ANSWERED_WITHIN = timedelta(minutes=10)  # twice what a task of the queue may take
SILENT_EVERY = timedelta(hours=1)
Kind = Notification.Kind
WAKES = frozenset({Kind.HALT, Kind.ORDER_FAILED, Kind.ORDER_HELD, Kind.ACCOUNT})

OLD = "It was older than an hour when it could have been sent: no news any more."
NO_ADDRESS = "Its address is not in NOTIFY_URLS any more."
ENDED = "The signal was decided on or has ended meanwhile."
UNKNOWN = "Sending began, and nobody knows how it ended. It is not sent again."


def put(
    kind: Notification.Kind, key: str, title: str, at: datetime, *, body: str = "", path: str = ""
) -> None:
    """Notify people once: a second message with the same key is not stored.

    `path` is the page it is about, without the site. Nothing secret goes into a message.
    """
    message = Notification(kind=kind, key=key, title=title[:200], body=body, path=path, created_at=at)
    Notification.objects.bulk_create([message], ignore_conflicts=True)


def prune(at: datetime) -> int:
    """Forget messages after 30 days; how many they were."""
    old = Notification.objects.filter(created_at__lt=at - KEEP)
    Delivery.objects.filter(notification__in=old).delete()
    return old.delete()[0]


def queue(target: str, at: datetime) -> None:
    """Have the messages of the last day go to this target too, unless their kind is off."""
    queued = Delivery.objects.filter(notification=OuterRef("pk"), target=target)
    missing = (
        Notification.objects.filter(created_at__gt=at - GIVE_UP)
        .exclude(kind__in=settings.NOTIFY_OFF)
        .exclude(Exists(queued))
    )
    Delivery.objects.bulk_create(
        [_delivery(notification, target, at) for notification in missing], ignore_conflicts=True
    )


def _delivery(notification: Notification, target: str, at: datetime) -> Delivery:
    delivery = Delivery(notification=notification, target=target, status_at=at, due_at=at)
    if at - notification.created_at > NEWS:
        delivery.status, delivery.problem = Delivery.Status.EXPIRED, OLD
    elif (due_at := _due(notification.kind, at)) > at:
        delivery.due_at, delivery.is_held_back = due_at, True
    return delivery


def _due(kind: str, at: datetime) -> datetime:
    """When a message of this kind may go out: silent ones together every full hour, none in quiet hours."""
    since_hour = timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    due_at = at - since_hour + SILENT_EVERY if kind in settings.NOTIFY_SILENT else at
    return due_at if kind in WAKES else _end_of_quiet(due_at) or due_at


def _end_of_quiet(at: datetime) -> datetime | None:
    hours = QuietHours.parse(settings.NOTIFY_QUIET_HOURS, ZoneInfo(settings.NOTIFY_TIME_ZONE))
    return hours.end(at) if hours else None


def due(target: str, at: datetime) -> QuerySet[Delivery]:
    """Return what may go to this target now. In quiet hours what failed before them waits too."""
    ready = Delivery.objects.due(target, at)
    return ready.filter(notification__kind__in=WAKES) if _end_of_quiet(at) else ready


def settle(targets: list[str], at: datetime) -> dict[str, int]:
    """End what waits in vain and what was lost on the way; how many of each."""
    waiting, pending = Delivery.objects.waiting(), Signal.objects.pending(at)
    ended = waiting.filter(notification__signal__isnull=False).exclude(notification__signal__in=pending)
    too_late = waiting.filter(notification__created_at__lte=at - GIVE_UP)
    lost = Delivery.objects.filter(status=Delivery.Status.SENDING, status_at__lte=at - ANSWERED_WITHIN)
    counts = {
        Delivery.Status.UNKNOWN: _end(lost, Delivery.Status.UNKNOWN, at, problem=UNKNOWN),
        Delivery.Status.EXPIRED: _end(ended, Delivery.Status.EXPIRED, at, problem=ENDED),
        Delivery.Status.FAILED: _end(too_late, Delivery.Status.FAILED, at),
    }
    gone = waiting.exclude(target__in=targets)
    counts[Delivery.Status.EXPIRED] += _end(gone, Delivery.Status.EXPIRED, at, problem=NO_ADDRESS)
    return {status.value: count for status, count in counts.items() if count}


def _end(these: QuerySet[Delivery], status: Delivery.Status, at: datetime, **values: str) -> int:
    return these.update(status=status, status_at=at, **values)
