"""The site's settings with a queue for the fault tests, as fast as the default one and without schedules."""

from jaxsite.settings import *  # noqa: F403  settings are meant to be copied
from jaxsite.settings import Q_CLUSTER

NAME = "faults"
WORKERS = 3
TIMEOUT = 4

TASKS_OF_TESTS = frozenset({"tests.faults.queue_tasks.work", "tests.faults.queue_tasks.hang"})

Q_CLUSTER = Q_CLUSTER | {
    "ALT_CLUSTERS": {
        NAME: {"workers": WORKERS, "queue_limit": WORKERS, "timeout": TIMEOUT, "retry": 1200, "poll": 0.1}
    }
}
