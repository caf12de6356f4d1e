import logging
import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.util import Finalize
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q import cluster
from django_q.conf import Conf
from django_q.management.commands import qcluster

from jaxsite.processes import allowed_tasks, process_group, schedules

logger = logging.getLogger(__name__)

LOOKS = 5  # seconds without a child: an orderly start or end takes less


class Command(qcluster.Command):  # type: ignore[misc]  # django-q2 has no types
    """django-q2's command, but it stops cleanly, leaves no worker behind and begins with a cycle at once."""

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_an_unknown_cluster(Conf.CLUSTER_NAME)
        self.check(databases=["default"])
        process_group.end_with_parent_if_asked()
        process_group.forks_leave_my_group()
        process_group.forks_end_with_me()
        process_group.treat_hangup_as_terminate()
        tasks = schedules.periodic()
        for task in tasks:
            import_string(task.func)  # a wrong name stops here; a right one is loaded once, for all workers
        if Conf.CLUSTER_NAME == Conf.PREFIX:
            schedules.write(tasks, timezone.now())
        cluster.worker = allowed_tasks.checking(cluster.worker)
        cluster.scheduler = schedules.bringing_forward(cluster.scheduler)
        connections.close_all()
        end_without_children()
        super().handle(*args, **options)
        logger.info("Cluster %s takes tasks, workers: %d", Conf.CLUSTER_NAME, Conf.WORKERS)


def refuse_an_unknown_cluster(name: str) -> None:
    """Raise CommandError for a name whose queue stays empty: its worker would only look alive."""
    others: Any = settings.Q_CLUSTER["ALT_CLUSTERS"]
    if name not in (Conf.PREFIX, *others):
        hint = f"Use {' or '.join(others)}, or leave it out."
        raise CommandError(f"Q_CLUSTER_NAME is {name}, which is no cluster of Jax. {hint}")


def end_without_children() -> None:
    """See to it that this process ends when its sentinel is gone.

    Whoever signals every process of the cluster at once (pkill) kills the sentinel while the stop waits in a
    lock that nobody will release.
    """
    alone = 0

    def look(signum: int, frame: FrameType | None) -> None:
        nonlocal alone
        alone = 0 if has_children() else alone + 1
        if alone == LOOKS:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1, 1)
    Finalize(None, leave, exitpriority=-100)


def leave() -> None:
    """The children are gone and Python ends: a signal that comes now has nothing left to stop.

    Python takes handlers off before it ends; the alarm would then kill it.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0)


def has_children() -> bool:
    """Whether a child lives. A signal may have come just after one was waited for and before that was noted:
    multiprocessing then believes in it for ever."""
    for child in multiprocessing.active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid or 0, 0)
            return True
    return False
