"""The site's settings with one more queue for the fault tests, as fast as the default one."""

from jaxsite.settings import *  # noqa: F403  settings are meant to be copied
from jaxsite.settings import Q_CLUSTER

NAME = "faults"
WORKERS = 3
TIMEOUT = 4

TASKS_OF_TESTS = frozenset(f"tests.faults.queue_tasks.{name}" for name in ("work", "hang", "stop_its_worker"))

Q_CLUSTER = Q_CLUSTER | {
    "ALT_CLUSTERS": {
        **Q_CLUSTER["ALT_CLUSTERS"],  # type: ignore[dict-item]  # it is a dict
        NAME: {"workers": WORKERS, "queue_limit": WORKERS, "timeout": TIMEOUT, "retry": 1200, "poll": 0.1},
    }
}
