"""Clusters for benchmarks: the processes of `manage.py qcluster` on the database of the benchmarks."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import connection

from benchmarks.tables import execute

PREPARED = """
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
"""
CLUSTER = """
from django_q.conf import Conf
from django_q.scheduler import scheduler
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
Pool(Conf.WORKERS, {scheduler}, instance).run()
"""
STREAM = """
from django.core.management import call_command
print("ready", flush=True)
call_command("stream")
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
    scheduled: bool = False,
) -> Iterator[None]:
    """Run these clusters. `durable`: their commits wait for the disk, as outside of tests.

    `changes`: of settings. `scheduled`: with the schedules that the database has.
    """
    program = CLUSTER.format(scheduler="scheduler" if scheduled else "lambda queue: None")
    with ExitStack() as running:
        running.callback(execute, END_CONNECTIONS)
        for name in names:
            variables = {"Q_CLUSTER_NAME": name} | dict(environment or {})
            running.enter_context(_process(program, durable=durable, changes=changes, environment=variables))
        yield


@contextmanager
def stream(changes: Mapping[str, object]) -> Iterator[None]:
    """Run what `manage.py stream` runs, with these changes of settings."""
    with _process(STREAM, durable=True, changes=changes, environment={}):
        yield


@contextmanager
def _process(
    program: str, *, durable: bool, changes: Mapping[str, object] | None, environment: Mapping[str, str]
) -> Iterator[None]:
    """Run a process of the site's on the database of the benchmarks, from the moment when it is ready."""
    mode, changed = "durable" if durable else "fast", json.dumps(dict(changes or {}))
    database = str(connection.settings_dict["NAME"])
    process = subprocess.Popen(
        [sys.executable, "-c", PREPARED + program, database, mode, changed],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()
