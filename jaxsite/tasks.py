"""Tasks of the site itself."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Task

from jaxsite.models import Beat, KnownDevice, Session
from jaxsite.monitoring.heartbeat import ping
from market import faults
from market.models import Fault

KEEP_FAILURES = KEEP_BEATS = timedelta(days=30)
KEEP_DEVICES = timedelta(days=365)  # as long as their cookie


def heartbeat() -> None:
    """Tell the monitor at HEARTBEAT_URL that all services live, if they do."""
    ping(timezone.now())


def prune() -> None:
    """Forget failures of tasks, hosts that are gone, ended sessions, and devices long not seen."""
    now = timezone.now()
    pruning = faults.Isolation(Fault.Work.PRUNE, now)
    with pruning.of("failures of tasks"):
        Task.objects.filter(stopped__lt=now - KEEP_FAILURES).delete()
    with pruning.of("hosts that are gone"):
        Beat.objects.filter(beat_at__lt=now - KEEP_BEATS).delete()
    with pruning.of("ended sessions"):
        Session.objects.filter(expire_date__lt=now).delete()
    with pruning.of("devices long not seen"):
        KnownDevice.objects.filter(used_at__lt=now - KEEP_DEVICES).delete()
