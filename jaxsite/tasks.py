"""Tasks of the site itself."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Task

from jaxsite.heartbeat import ping
from jaxsite.models import Beat

KEEP_FAILURES = KEEP_BEATS = timedelta(days=30)


def heartbeat() -> None:
    """Tell the monitor at HEARTBEAT_URL that all services live, if they do."""
    ping(timezone.now())


def prune() -> None:
    """Forget the failures of tasks (successes are not kept), and hosts that are gone, after a month."""
    now = timezone.now()
    Task.objects.filter(stopped__lt=now - KEEP_FAILURES).delete()
    Beat.objects.filter(beat_at__lt=now - KEEP_BEATS).delete()
