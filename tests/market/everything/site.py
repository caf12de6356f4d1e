"""The whole site as `make run` starts it, on a database of its own and at an hour of the test's choice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import requests
import time_machine
from django_q.signing import SignedPackage
from psycopg.rows import dict_row

from jaxsite.embedded_postgres import server
from tests.clock import ELSEWHEN
from tests.jaxsite.processes import ROOT, environment, eventually, free_port, manage_with

PASSWORD = re.compile(r"user (admin), password (\S+)")
IMPORTS = """
import json
from datetime import datetime, timedelta
from decimal import Decimal
from django.utils import timezone
from tests import make
at = timezone.now()
"""
QUEUE = "INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, %s) RETURNING id"
WAITING = "SELECT 1 FROM django_q_ormq WHERE id = %s"
FAILED = "SELECT result FROM django_q_task WHERE name = %s AND NOT success"


class Clock:
    """The hour of the test: `began` when it was made, and on from there."""

    def __init__(self, began: datetime) -> None:
        hatch = time_machine.escape_hatch  # the processes know nothing of a clock that is set here
        self.began, self.counted = began, time.monotonic()
        self.off_by = began.timestamp() - (hatch.time.time() if hatch.is_travelling() else time.time())

    def __call__(self) -> datetime:
        return self.began + timedelta(seconds=time.monotonic() - self.counted)


class Site:
    """`rows` asks its database, `shell` runs a program as `manage.py shell` does, `page` visits it."""

    def __init__(self, var: Path, clock: Clock, settings: Mapping[str, str]) -> None:
        self.clock, self.port, self.log = clock, free_port(), var / "site.log"
        self.environment = environment(var) | {
            "DATA": "real",
            "DJANGO_SETTINGS_MODULE": "jaxsite.settings",
            "JAX_TEST_CLOCK_OFF_BY": str(clock.off_by),
            "PORT": str(self.port),
            "PYTHONPATH": f"{ELSEWHEN}:{ROOT}",
            **settings,
        }
        self.address = {"host": str(var / "postgres"), "user": server.OWNER, "dbname": "jax"}

    def shell(self, program: str) -> Any:
        printed = manage_with(self.environment, "shell", "--no-imports", "-c", IMPORTS + program)
        return json.loads(printed.splitlines()[-1])

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Hold the connection that `rows` asks through."""
        with psycopg.connect(**self.address, autocommit=True, row_factory=dict_row) as self.connection:  # type: ignore[arg-type]  # all are texts
            yield

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return list(self.connection.execute(statement, values or None).fetchall())

    def do(self, func: str, *arguments: Any, cluster: str = "jax") -> None:
        """Have the site's worker run a task, and wait for its end."""
        name = f"{func} {uuid4()}"
        task = {
            "id": uuid4().hex,
            "name": name,
            "func": func,
            "args": arguments,
            "kwargs": {},
            "ack_failure": True,
            "started": self.clock(),
        }
        (row,) = self.rows(QUEUE, cluster, SignedPackage.dumps(task), self.clock())
        eventually(lambda: not self.rows(WAITING, row["id"]))
        assert self.rows(FAILED, name) == []

    def page(self, path: str) -> str:
        """Visit a page as the first administrator."""
        ((name, password),) = PASSWORD.findall(self.log.read_text())
        visitor, address = requests.Session(), f"http://127.0.0.1:{self.port}"
        visitor.get(f"{address}/login/", timeout=60)
        form = {"username": name, "password": password, "csrfmiddlewaretoken": visitor.cookies["csrftoken"]}
        visitor.post(f"{address}/login/", form, headers={"Referer": address}, timeout=60)
        answer = visitor.get(address + path, timeout=60)
        assert answer.status_code == 200, (path, answer.status_code)
        assert 'name="password"' not in answer.text, "not logged in"
        return answer.text

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "serve"],
                cwd=ROOT,
                env=self.environment | {"END_WITH_PARENT": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=60)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            sys.stdout.write(self.log.read_text())  # shown when a test fails
