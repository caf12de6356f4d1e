"""Tasks of the site itself."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Task

from jaxsite.heartbeat import ping
from jaxsite.models import Beat, KnownDevice, Session

KEEP_FAILURES = KEEP_BEATS = timedelta(days=30)
KEEP_DEVICES = timedelta(days=365)  # as long as their cookie


def heartbeat() -> None:
    """Tell the monitor at HEARTBEAT_URL that all services live, if they do."""
    ping(timezone.now())


def prune() -> None:
    """Forget failures of tasks, hosts that are gone, ended sessions, and devices long not seen."""
    now = timezone.now()
    Task.objects.filter(stopped__lt=now - KEEP_FAILURES).delete()
    Beat.objects.filter(beat_at__lt=now - KEEP_BEATS).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    KnownDevice.objects.filter(used_at__lt=now - KEEP_DEVICES).delete()
