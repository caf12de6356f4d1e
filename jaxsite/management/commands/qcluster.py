import logging
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.conf import Conf
from django_q.scheduler import scheduler

from jaxsite.processes import process_group, schedules
from jaxsite.processes.queue.pool import Pool
from jaxsite.processes.queue.presence import free_instance
from jaxsite.processes.queue.results import Queue

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """In place of django-q2's command of this name: its tables and tasks, with processes of our own."""

    help = "Run the tasks of the queue that Q_CLUSTER_NAME names (the default one without it)."
    requires_system_checks: tuple[str, ...] = ()  # `handle` runs them, with the database's

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
        instance = free_instance(Queue().list_key)
        connections.close_all()
        logger.info("Cluster %s takes tasks, workers: %d", Conf.CLUSTER_NAME, Conf.WORKERS)
        Pool(Conf.WORKERS, schedules.bringing_forward(scheduler), instance).run()


def refuse_an_unknown_cluster(name: str) -> None:
    """Raise CommandError for a name whose queue stays empty: its worker would only look alive."""
    others: Any = settings.Q_CLUSTER["ALT_CLUSTERS"]
    if name not in (Conf.PREFIX, *others):
        hint = f"Use {' or '.join(others)}, or leave it out."
        raise CommandError(f"Q_CLUSTER_NAME is {name}, which is no cluster of Jax. {hint}")
