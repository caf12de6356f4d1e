"""Tasks of the site itself."""

from datetime import timedelta

from django.utils import timezone
from django_q.models import Task

KEEP_FAILURES = timedelta(days=30)


def prune() -> None:
    """Forget the failures of tasks (successes are not kept) after a month."""
    Task.objects.filter(stopped__lt=timezone.now() - KEEP_FAILURES).delete()
