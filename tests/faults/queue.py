"""A real cluster on a database server of its own, and a hand that kills."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
from django.utils import timezone
from django_q.signing import SignedPackage

from jaxsite.embedded_postgres import server
from tests.faults import queue_tasks
from tests.faults.queue_settings import NAME, WORKERS
from tests.jaxsite.processes import ROOT, environment, eventually, server_user

WORK = "tests.faults.queue_tasks.work"
QUEUE = "INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, clock_timestamp())"
WHOLE = 2 + WORKERS  # main process, clock, workers


HICCUP = 2.0  # seconds that a disk or a neighbour may hold up a step; what is replaced waits for twenty


def here(seconds: float) -> float:
    """What a limit for a quiet machine is on this one: the more runs, the less of it each process gets."""
    return HICCUP + seconds * (1 + os.getloadavg()[0] / (os.cpu_count() or 1))


class Site:
    """An installation whose queue the test fills and reads without the cluster's help."""

    def __init__(self, var: Path) -> None:
        self.environment = environment(var) | {
            "Q_CLUSTER_NAME": NAME,
            "DJANGO_SETTINGS_MODULE": "tests.faults.queue_settings",
        }
        address = {"host": str(var / "postgres"), "user": server.ROLE, "dbname": "jax_simulated"}
        self.connection = psycopg.connect(**address, autocommit=True)  # type: ignore[arg-type]  # all are texts
        self.rows(queue_tasks.TABLES)
        self.number = 0

    def rows(self, statement: str, *values: Any) -> list[Any]:
        cursor = self.connection.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []

    def count(self, statement: str, *values: Any) -> int:
        return int(self.rows(f"SELECT count(*) FROM {statement}", *values)[0][0])

    def queue(
        self, seconds: float = 0, *, func: str = WORK, limit: int | None = None, key: str = NAME
    ) -> str:
        """Queue a task as `async_task` does; its name."""
        self.number += 1
        name = f"task {self.number} at {time.time()}"
        arguments = (name, seconds) if func == WORK else (name,)
        task: dict[str, Any] = {
            "id": uuid4().hex,
            "name": name,
            "func": func,
            "args": arguments,
            "kwargs": {},
            "ack_failure": True,
            "started": timezone.now(),
            **({"timeout": limit} if limit else {}),
        }
        self.rows(QUEUE, key, SignedPackage.dumps(task))
        return name

    def has_begun(self, name: str) -> bool:
        return self.count("begun WHERE name = %s", name) > 0

    def seconds_to_begin(self, name: str) -> float:
        started = time.monotonic()
        eventually(lambda: self.has_begun(name))
        return time.monotonic() - started

    def seconds_to_the_next(self) -> float:
        """How long it takes from now until any task begins."""
        ((now,),) = self.rows("SELECT clock_timestamp()")
        eventually(lambda: self.count("begun WHERE at > %s", now))
        ((seconds,),) = self.rows(
            "SELECT extract(epoch FROM min(at) - %s)::float FROM begun WHERE at > %s", now, now
        )
        return float(seconds)

    def is_settled(self) -> bool:
        """Whether no task waits or runs."""
        return not self.count("django_q_ormq WHERE key = %s", NAME)

    def failed(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM django_q_task WHERE NOT success")}

    def ended(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM ended")}

    def begun_twice(self) -> list[str]:
        return [name for (name,) in self.rows("SELECT name FROM begun GROUP BY name HAVING count(*) > 1")]


@contextmanager
def site(var: Path) -> Iterator[Site]:
    with server_user(var) as user:  # the server stays while a cluster is killed and started again
        user.ask("SELECT 1")
        prepared = Site(var)
        yield prepared
        prepared.connection.close()


class Cluster:
    """`manage.py qcluster`, which is started again by `restart` as a supervisor would."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env=self.site.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.main = psutil.Process(self.process.pid)

    def restart(self) -> None:
        self.process.wait()
        self.start()

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return [child for child in self.main.children() if is_called(child, "clock", "worker")]
        return []

    def workers(self) -> list[psutil.Process]:
        return [child for child in self.children() if is_called(child, "worker")]

    def clock(self) -> psutil.Process:
        return next(child for child in self.children() if is_called(child, "clock"))

    def everyone(self) -> list[psutil.Process]:
        return [self.main, *self.children()]

    def is_whole(self) -> bool:
        return len(self.everyone()) == WHOLE


def is_called(process: psutil.Process, *names: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any(name in process.name() for name in names)
    return False


@contextmanager
def cluster(site: Site) -> Iterator[Cluster]:
    started = Cluster(site)
    try:
        eventually(started.is_whole)
        started.site.seconds_to_begin(site.queue())
        yield started
    finally:
        children = started.children()
        started.process.kill()
        started.process.wait()
        eventually(lambda: not any(child.is_running() for child in children))
