"""Rows in the queue's tables that name other functions than Jax's: the worker fails them and goes on."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.jaxsite.processes import ROOT, environment, eventually, folder, manage

pytestmark = [pytest.mark.slow, pytest.mark.long]

FORGED = """
from datetime import timedelta
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task
place = "{place}"
async_task("os.mkdir", place + "1", q_options={{"task_name": "forged"}})
async_task("signals.tasks.sweep", q_options={{"task_name": "hooked", "hook": "os.mkdir"}})
chain = [("os.mkdir", (place + "2",))]
async_task("signals.tasks.sweep", q_options={{"task_name": "chained", "chain": chain}})
OrmQ.objects.create(key="jax", payload="not signed", lock=timezone.now())
options = "q_options={{'sync': True}}"
Schedule.objects.create(name="backup", func="os.mkdir", args=repr(place + "3"), kwargs=options, minutes=1,
    schedule_type="I", next_run=timezone.now() - timedelta(minutes=1))
"""
OUTCOME = """
from django_q.models import Failure, OrmQ, Schedule
names = ["forged", "hooked", "chained"]
print(sorted(Failure.objects.filter(name__in=names, result__isnull=False).values_list("name", flat=True)),
    OrmQ.objects.filter(payload="not signed").count(), Schedule.objects.get(name="backup").repeats)
"""


@pytest.fixture(scope="module")
def var(install: Callable[[Path], None]) -> Iterator[Path]:
    with folder() as path:
        install(path)
        yield path


def test_a_worker_runs_none_of_them_and_keeps_what_it_refused(var: Path, tmp_path: Path) -> None:
    manage(var, "shell", "--no-imports", "-c", FORGED.format(place=tmp_path / "made"))
    with subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=ROOT,
        env=environment(var),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as cluster:
        try:
            expected = "['chained', 'forged', 'hooked'] 0 0"
            eventually(lambda: manage(var, "shell", "--no-imports", "-c", OUTCOME).strip() == expected)
        finally:
            cluster.terminate()
    assert list(tmp_path.iterdir()) == []
