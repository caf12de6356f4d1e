"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from signals import backtest as backtests
from signals import records as history
from signals import scan as workflow
from signals.models import Backtest, Scan

logger = logging.getLogger(__name__)


def scan(pk: int | None = None) -> None:
    """Run the scheduled scan, or the one that was requested."""
    if pk is None:
        workflow.run(timezone.now())
    elif requested := Scan.objects.filter(pk=pk, outcome=Scan.Outcome.QUEUED).first():
        workflow.run(timezone.now(), requested)


def sweep() -> None:
    workflow.sweep(timezone.now())


def prune() -> None:
    before = timezone.now() - timedelta(days=settings.SCAN_DAYS)
    deleted, _ = Scan.objects.filter(started_at__lt=before).delete()
    logger.info("pruned %s scans", deleted)


def backtest(pk: UUID) -> None:
    if test := Backtest.objects.filter(pk=pk).first():
        backtests.run(test, timezone.now())


def records() -> None:
    """Compute the records that are due, and fail the backtests that will not end."""
    backtests.give_up(timezone.now())
    for config in history.refresh(timezone.now()):
        logger.info("computed the record of %s", config)
