"""The queue calls Jax's own tasks and nothing else."""

import ast
import importlib
import os
from collections.abc import Iterator
from multiprocessing import Value
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler
from django_q.worker import worker
from pytest_django.fixtures import Settings

from jaxsite.processes import allowed_tasks, schedules
from tests.make import T0
from tests.test_structure import sources

# What they queue is a row of the table of schedules, which other tests look at.
OF_A_SCHEDULE = ("jaxsite/processes/schedules.py", "jaxsite/admin/queue.py")


def queued_by(name: str, module: ast.Module) -> Iterator[object]:
    """Yield the function that each call of django-q2 in a module names."""
    imports = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom)]
    queuing = {alias.name for node in imports if node.module == "django_q.tasks" for alias in node.names}
    for node in ast.walk(module):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in queuing):
            continue
        named = node.args[0]
        if isinstance(named, ast.Constant):
            yield named.value
        elif isinstance(named, ast.Name):
            path = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            yield getattr(importlib.import_module(path), named.id)
        elif name not in OF_A_SCHEDULE:
            yield ast.unparse(named)


def test_what_the_code_queues_is_allowed() -> None:
    queued = {func for name, module in sources("django_q") for func in queued_by(name, module)}
    assert {"approvals.tasks.submit", "opinions.tasks.work", "market.tasks.backfill"} <= queued
    assert [func for func in queued if not allowed_tasks.is_allowed(func)] == []


def test_every_periodic_task_is_allowed(settings: Settings) -> None:
    settings.HEARTBEAT_URL = "http://127.0.0.1:1"
    settings.ORCHESTRATE_DAILY, settings.HINDSIGHT_URL = True, "http://127.0.0.1:1"
    assert [task for task in schedules.periodic() if not allowed_tasks.is_allowed(task.func)] == []


@pytest.mark.parametrize("path", sorted(allowed_tasks.ALLOWED))
def test_each_allowed_one_is_a_task_of_an_app(path: str) -> None:
    assert import_string(path).__module__ == path.rpartition(".")[0]
    assert path.split(".")[1] == "tasks"


@pytest.mark.parametrize(
    "func",
    [
        "os.system",
        "subprocess.run",
        "approvals.tasks.audit.seal",
        "approvals.tasks.submit ",
        "django.core.management.call_command",
        "",
        None,
        os.system,
        ["approvals.tasks.submit"],
    ],
)
def test_everything_else_is_refused(func: object) -> None:
    assert not allowed_tasks.is_allowed(func)


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Return what django-q2's worker makes of a task, with ours around it."""
    tasks: SimpleQueue[Any] = SimpleQueue()
    results: SimpleQueue[Any] = SimpleQueue()
    tasks.put({"id": "1", "name": "forged", "args": (), "kwargs": {}, "started": T0} | task)
    tasks.put("STOP")
    allowed_tasks.checking(worker)(tasks, results, Value("f", -1), 30)
    result: dict[str, Any] = results.get(timeout=1)
    return result


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("func", ["os.mkdir", os.mkdir])
def test_a_worker_does_not_call_what_is_no_task_of_ours(func: object, tmp_path: Path) -> None:
    place = tmp_path / "made"
    result = run({"func": func, "args": (str(place),)})
    assert not result["success"]
    assert "is no task of Jax" in result["result"]
    assert not place.exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [("hook", "os.system"), ("chain", [("os.system", ("true",))]), ("iter_count", 2), ("cached", True)],
)
def test_a_task_of_ours_with_more_than_one_call_is_refused(option: str, value: object) -> None:
    task = {
        "func": "signals.tasks.sweep",
        "args": (),
        "kwargs": {},
        "id": "1",
        "name": "sweep",
        option: value,
    }
    instead = allowed_tasks.checked(task)
    assert option in allowed_tasks.refusal(task)
    assert option not in instead
    with pytest.raises(allowed_tasks.TaskRefused, match=option):
        import_string(instead["func"])(*instead["args"])


def test_a_task_of_ours_is_handed_on_as_it_is() -> None:
    task = {"func": "approvals.tasks.submit", "args": (1,), "kwargs": {}, "group": "orders"}
    assert allowed_tasks.checked(task) is task


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "values",
    [
        {"func": "os.mkdir", "kwargs": "q_options={'sync': True}", "args": "'{place}'"},
        {"func": "signals.tasks.sweep", "hook": "os.system"},
        {"func": "signals.tasks.sweep", "kwargs": "q_options={'hook': 'os.system'}"},
        {"func": "market.tasks.backfill", "args": "__import__('os').mkdir('{place}')"},
        {"func": "signals.tasks.sweep", "intended_date_kwarg": "at"},
    ],
)
def test_a_schedule_that_is_not_ours_is_switched_off_and_the_others_run(
    values: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "made"
    values = {name: text.replace("{place}", str(place)) for name, text in values.items()}
    due = timezone.now() - schedules.EARLY
    forged = Schedule.objects.create(name="backup", schedule_type="I", minutes=1, next_run=due, **values)
    Schedule.objects.create(name="ours", func="signals.tasks.sweep", schedule_type="H", next_run=due)
    schedules.bringing_forward(scheduler)()
    forged.refresh_from_db()
    assert forged.repeats == schedules.OFF
    assert [row.func() for row in OrmQ.objects.all()] == ["signals.tasks.sweep"]
    assert not place.exists()


@pytest.mark.django_db
def test_a_schedule_that_is_switched_off_survives_a_restart_and_is_not_begun_by_it() -> None:
    beat = schedules.Periodic("market.beat", "market.tasks.ingest", 2, at_start=True)
    schedules.write([beat], T0)
    OrmQ.objects.all().delete()
    Schedule.objects.update(repeats=schedules.OFF)
    schedules.write([schedules.Periodic(**{**vars(beat), "minutes": 5})], T0)
    assert Schedule.objects.get().repeats == schedules.OFF
    assert not OrmQ.objects.exists()
