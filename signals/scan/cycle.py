"""The scan: every strategy that is switched on evaluates the closed bars that are new and raises signals."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django_q.tasks import async_task

from core import locks
from market.prices import Timeframe
from signals import lifecycle
from signals.models import Scan, StrategyConfig
from signals.scan import evaluate

logger = logging.getLogger(__name__)

LOCK = "signals scan"
PATIENCE = 5.0  # seconds: a sweep is over by then
LOST_AFTER = timedelta(hours=1)


def request(*, by: User | None, at: datetime) -> Scan:
    """Queue a scan; return its row."""
    with transaction.atomic():
        scan = Scan.objects.create(
            trigger=Scan.Trigger.REQUEST,
            outcome=Scan.Outcome.QUEUED,
            requested_by=by,
            started_at=at,
        )
        async_task("signals.tasks.scan", scan.pk, q_options={"task_name": f"signals.scan {scan.pk}"})
    return scan


def sweep(at: datetime) -> dict[str, int]:
    """End what ends by itself or is no longer supported by its bars. A running scan does the same."""
    ended: Counter[str] = Counter()
    with locks.held(LOCK) as is_held:
        if is_held:
            ended.update(lifecycle.sweep(at))
            for timeframe, configs in _by_timeframe():
                ended.update(evaluate.recheck(timeframe, configs, at))
    return dict(ended)


def run(at: datetime, scan: Scan | None = None) -> Scan:
    """Scan what has changed since the last time. One at a time over all clusters: another one is skipped."""
    current, begun = scan or Scan(), time.monotonic()
    current.started_at = at
    with locks.held(LOCK, patience=PATIENCE) as is_held:
        if not is_held:
            current.outcome = Scan.Outcome.SKIPPED
        else:
            _mark_lost_scans(at)
            current.outcome = Scan.Outcome.RUNNING
            current.save()
            _scan(current, at)
            current.outcome = Scan.Outcome.FINISHED
        current.finished_at = at + timedelta(seconds=time.monotonic() - begun)
        current.save()
    if current.stored or current.ended:
        logger.info("scan: %s signals raised; ended: %s", current.stored, current.ended or "none")
    return current


def _mark_lost_scans(at: datetime) -> None:
    """Mark other running scans as broken: the lock is ours, so none of them is running."""
    running, queued = Q(outcome=Scan.Outcome.RUNNING), Q(outcome=Scan.Outcome.QUEUED)
    lost = running | (queued & Q(started_at__lt=at - LOST_AFTER))
    Scan.objects.filter(lost).update(outcome=Scan.Outcome.BROKEN, finished_at=at)


def _scan(scan: Scan, at: datetime) -> None:
    ended = Counter(lifecycle.sweep(at))
    for timeframe, configs in _by_timeframe():
        evaluated = evaluate.evaluate(timeframe, configs, at)
        scan.counts += [plan.as_json() for plan in evaluated.plans]
        ended.update(evaluated.ended)
    # After a pause some bars behind the new signals may have traded their levels already.
    ended.update(lifecycle.end_traded(at))
    scan.ended = dict(ended)
    scan.evaluated = sum(count["evaluated"] for count in scan.counts)
    scan.stored = sum(count["stored"] for count in scan.counts)


def _by_timeframe() -> Iterator[tuple[Timeframe, list[StrategyConfig]]]:
    configs = StrategyConfig.objects.enabled().order_by("timeframe", "strategy_id")
    for timeframe, group in groupby(configs, lambda config: config.timeframe):
        yield Timeframe(timeframe), list(group)
