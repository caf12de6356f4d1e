"""Clusters for benchmarks: the processes of `manage.py qcluster` on the database of the benchmarks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from benchmarks.tables import execute

PROGRAM = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from django.conf import settings
from django.db import connection, connections
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
if sys.argv[2] == "durable":
    connection.settings_dict["OPTIONS"].pop("options", None)
settings.TASKS_OF_TESTS = frozenset({"benchmarks.queue.note"})
for name, value in json.loads(sys.argv[3]).items():
    setattr(settings, name, value)
from django_q.conf import Conf
from jaxsite.processes import process_group
from jaxsite.processes.queue.pool import Pool
from jaxsite.processes.queue.presence import free_instance
from approvals import tasks
from approvals.execution.paper import book, market
instance = free_instance(Conf.CLUSTER_NAME)
connections.close_all()
process_group.forks_leave_my_group()
process_group.forks_end_with_me()
print("ready", flush=True)
Pool(Conf.WORKERS, lambda queue: None, instance).run()
"""
END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@contextmanager
def clusters(
    *names: str,
    durable: bool = False,
    changes: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run these clusters without schedules. `durable`: their commits wait for the disk, as outside of tests.

    `changes`: of settings.
    """
    mode, changed = "durable" if durable else "fast", json.dumps(dict(changes or {}))
    command = [sys.executable, "-c", PROGRAM, str(connection.settings_dict["NAME"]), mode, changed]
    processes = [
        subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"Q_CLUSTER_NAME": name} | dict(environment or {}),
        )
        for name in names
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        execute(END_CONNECTIONS)
