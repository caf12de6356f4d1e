"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

from django.utils import timezone

from signals import lifecycle
from signals import scan as workflow
from signals.models import Scan


def scan(pk: int | None = None) -> None:
    """The scheduled scan, or the one that was asked for."""
    if pk is None:
        workflow.run(timezone.now())
    elif asked := Scan.objects.filter(pk=pk, outcome=Scan.Outcome.QUEUED).first():
        workflow.run(timezone.now(), asked)


def sweep() -> None:
    lifecycle.sweep(timezone.now())
