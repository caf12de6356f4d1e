"""The periodic tasks as one table. `manage.py qcluster` writes it to the queue's own table when it starts."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from core import locks
from jaxsite.processes import allowed_tasks

logger = logging.getLogger(__name__)

OURS = r"^(jaxsite|market|signals|opinions|approvals)\."
HOUR, DAY = 60, 24 * 60
# The queue looks for what is due every five seconds, and may look a moment before the whole minute.
EARLY = timedelta(seconds=10)
LONGEST_FIRST = timedelta(minutes=5)  # of `Periodic.first`
OFF, ON = 0, -1  # of Schedule.repeats: never, and for ever


@dataclass(frozen=True)
class Periodic:
    name: str
    func: str
    minutes: int | None = None  # None: once a month (the queue's minutes end at 22 days)
    cluster: str | None = None  # None: the default cluster
    at_start: bool = False  # run at once when the cluster starts, not an interval later
    first: timedelta | None = None  # the first scheduled run, when it is not an interval after the start

    def row(self) -> dict[str, object]:
        kind = Schedule.MINUTES if self.minutes else Schedule.MONTHLY
        return {"func": self.func, "schedule_type": kind, "minutes": self.minutes, "cluster": self.cluster}


def periodic() -> list[Periodic]:
    beat = settings.INGEST_INTERVAL_SECONDS // 60
    scan = settings.SCAN_INTERVAL_SECONDS // 60
    return [
        Periodic("market.ingest", "market.tasks.ingest", beat, at_start=True),
        Periodic("market.candles", "market.tasks.candles", 1, at_start=True),
        # Half a minute after the candles: what they bring is evaluated at once.
        Periodic(
            "signals.scan", "signals.tasks.scan", scan, at_start=True, first=timedelta(seconds=30) - EARLY
        ),
        Periodic("signals.sweep", "signals.tasks.sweep", 1),
        Periodic("approvals.reconcile", "approvals.tasks.reconcile", 1, at_start=True),
        Periodic("approvals.exchange_rates", "approvals.tasks.exchange_rates", 5, at_start=True),
        Periodic("approvals.seal", "approvals.tasks.seal", 1),
        Periodic("approvals.notify", "approvals.tasks.send_notifications", 1),
        # Half a minute after the scan.
        Periodic("opinions.start", "opinions.tasks.start", 1, first=timedelta(minutes=1) - EARLY),
        Periodic("approvals.remember", "approvals.tasks.remember", 1, "slow"),
        Periodic("approvals.outcomes", "approvals.tasks.outcomes", 10, "slow", first=timedelta(minutes=3)),
        # When it is due, and again after a failure, its rows say.
        Periodic("approvals.statement", "approvals.tasks.statement", 10, "slow", first=timedelta(minutes=4)),
        Periodic("approvals.prune", "approvals.tasks.prune", DAY, "slow"),
        *_by_setting(),
        Periodic("signals.records", "signals.tasks.records", 10, "slow", first=timedelta(minutes=2)),
        Periodic("signals.prune", "signals.tasks.prune", DAY, "slow"),
        Periodic("market.give_up_imports", "market.tasks.give_up_imports", 1, "slow"),
        Periodic("market.prune", "market.tasks.prune", DAY, "slow"),
        # Each symbol once a night; what the pace does not allow comes with the next hour.
        Periodic(
            "market.corporate_actions",
            "market.tasks.corporate_actions",
            HOUR,
            "slow",
            first=timedelta(minutes=5),
        ),
        Periodic("market.cross_check", "market.tasks.cross_check", DAY, "slow"),
        Periodic(
            "market.refresh_details", "market.tasks.refresh_details", 60, "slow", first=timedelta(minutes=5)
        ),
        Periodic("market.refresh_sessions", "market.tasks.refresh_sessions", None, "slow"),
        Periodic("jaxsite.prune", "jaxsite.tasks.prune", DAY, "slow"),
    ]


def _by_setting() -> list[Periodic]:
    tasks = []
    if settings.ORCHESTRATE_DAILY:
        tasks.append(Periodic("opinions.start_all", "opinions.tasks.start_all", DAY, "slow"))
    if settings.HEARTBEAT_URL:
        tasks.append(Periodic("jaxsite.heartbeat", "jaxsite.tasks.heartbeat", 1))
    if settings.HINDSIGHT_URL:
        tasks.append(Periodic("opinions.hindsight", "opinions.tasks.hindsight", 1, "slow"))
    return tasks


def write(tasks: list[Periodic], at: datetime) -> None:
    """Make the queue's schedules those of `tasks`, and queue the ones that run at start.

    A schedule that has not changed keeps its next run, so that restarts neither delay nor hurry it. One that
    is switched off stays off. Schedules that an operator added under other names are left alone.
    """
    with transaction.atomic():
        locks.transaction(__name__)
        listed = [task.name for task in tasks]
        Schedule.objects.filter(name__regex=OURS).exclude(name__in=listed).delete()
        for task in tasks:
            if not Schedule.objects.filter(name=task.name, **task.row()).exists():
                interval = Schedule(**task.row()).calculate_next_run(at - EARLY)
                first_run = at + task.first if task.first else interval
                Schedule.objects.update_or_create(
                    name=task.name, defaults=task.row() | {"next_run": first_run}
                )
        bring_forward(at)
        queue_first_runs(tasks, at)


def bring_forward(at: datetime) -> None:
    """Have periodic tasks run now whose next run is farther away than their interval.

    A clock that was ahead has put them off; by themselves they would not run until it is that late again.
    """
    waiting = Schedule.objects.filter(name__regex=OURS, next_run__gt=at + LONGEST_FIRST)
    late = [row.pk for row in waiting if row.next_run > row.calculate_next_run(at) + LONGEST_FIRST]
    if late:
        Schedule.objects.filter(pk__in=late).update(next_run=at)
        logger.warning("The clock was ahead: %d periodic tasks run now instead of then.", len(late))


def switch_off_forbidden() -> None:
    """Switch off the schedules that would run anything but a task of ours.

    django-q2 runs a schedule that says `sync` in its own process, where no worker checks it; and one whose
    arguments cannot be read keeps all others from running.
    """
    for schedule in Schedule.objects.exclude(repeats=OFF):
        if not allowed_tasks.is_schedule_allowed(schedule):
            Schedule.objects.filter(pk=schedule.pk).update(repeats=OFF)
            logger.error("Switched off schedule %s: %r is no task of Jax.", schedule.name, schedule.func)


def bringing_forward(scheduler: Callable[..., None]) -> Callable[..., None]:
    """Return django-q2's scheduler; before it looks for what is due, schedules are put right.

    What was put off is brought forward, and what is not ours is switched off.
    """

    def schedule(*args: Any, **kwargs: Any) -> None:
        try:
            bring_forward(timezone.now())
            switch_off_forbidden()
        except DatabaseError:
            logger.exception("The schedules cannot be read. They are tried again.")
            close_old_connections()
            return
        scheduler(*args, **kwargs)

    return schedule


def queue_first_runs(tasks: list[Periodic], at: datetime) -> None:
    waiting = {row.func() for row in OrmQ.objects.filter(lock__lte=at)}  # not those that are being run
    switched_off = set(Schedule.objects.filter(repeats=OFF).values_list("name", flat=True))
    for task in tasks:
        if task.at_start and task.func not in waiting and task.name not in switched_off:
            async_task(task.func, q_options={"task_name": task.name, "group": task.name})
