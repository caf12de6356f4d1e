"""The queue's pages in the admin: periodic tasks are switched and run, nothing is entered."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from jaxsite.processes import schedules
from market import doctor
from tests.make import T0
from tests.query_counts import CountQueries

SCHEDULES, QUEUED, FAILED = (f"/admin/django_q/{name}/" for name in ("schedule", "ormq", "failure"))


@pytest.fixture(autouse=True)
def scheduled(db: None) -> None:
    schedules.write(schedules.periodic(), T0)
    OrmQ.objects.all().delete()


def act(client: Client, action: str, *names: str) -> Any:
    chosen = Schedule.objects.filter(name__in=names).values_list("pk", flat=True)
    return client.post(SCHEDULES, {"action": action, "_selected_action": list(chosen)}, follow=True)


def failure(**values: Any) -> Failure:
    usual = {"id": "a" * 32, "name": "market.ingest", "func": "market.tasks.ingest", "success": False}
    times = {"started": T0, "stopped": T0 + timedelta(seconds=2)}
    return Failure.objects.create(**usual | times | values)


def test_a_switched_off_task_is_off_and_on_again(operator: Client) -> None:
    page = act(operator, "switch_off", "market.ingest", "approvals.seal").content.decode()
    assert "Switched off. approvals.seal, market.ingest" in page
    off = Schedule.objects.filter(repeats=schedules.OFF)
    assert set(off.values_list("name", flat=True)) == {"market.ingest", "approvals.seal"}
    assert {entry.change_message for entry in LogEntry.objects.all()} == {"Switched off."}
    act(operator, "switch_on", "market.ingest")
    assert [row.name for row in off.all()] == ["approvals.seal"]


def test_switching_twice_is_as_once(operator: Client) -> None:
    act(operator, "switch_off", "market.ingest")
    act(operator, "switch_off", "market.ingest")
    assert LogEntry.objects.count() == 1


def test_what_is_off_is_said_by_status_and_doctor(operator: Client) -> None:
    act(operator, "switch_off", "market.ingest")
    assert "market.ingest is switched off" in operator.get("/status/").content.decode()
    finding = next(each for each in doctor.examine(T0) if each.about == "periodic tasks")
    assert finding.text.endswith("are on; off: market.ingest")
    assert finding.advice


def test_run_now_queues_it_where_its_schedule_does(operator: Client) -> None:
    page = act(operator, "run_now", "market.ingest", "market.prune").content.decode()
    assert "Queued: market.ingest, market.prune." in page
    assert [(row.key, row.func()) for row in OrmQ.objects.order_by("pk")] == [
        ("jax", "market.tasks.ingest"),
        ("slow", "market.tasks.prune"),
    ]


@pytest.mark.parametrize("action", ["switch_on", "run_now"])
def test_a_schedule_of_another_function_is_left_out(operator: Client, action: str) -> None:
    Schedule.objects.create(name="backup", func="os.system", args="'true'", repeats=schedules.OFF)
    page = act(operator, action, "backup").content.decode()
    assert "Left out: backup." in page
    assert "refused: no task of Jax" in page
    assert Schedule.objects.get(name="backup").repeats == schedules.OFF
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("action", ["switch_off", "run_now", "delete_selected"])
def test_a_reader_may_not(reader: Client, action: str) -> None:
    assert reader.get(SCHEDULES).status_code == 200
    act(reader, action, "market.ingest")
    assert Schedule.objects.get(name="market.ingest").repeats == schedules.ON
    assert not OrmQ.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("address", [SCHEDULES, QUEUED, FAILED])
def test_nothing_is_entered_changed_or_deleted(operator: Client, address: str) -> None:
    failure()
    async_task("signals.tasks.sweep")
    model = {SCHEDULES: Schedule, QUEUED: OrmQ, FAILED: Failure}[address]
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    forged = {"name": "backup", "func": "os.system", "args": "'true'", "payload": "forged", "key": "jax"}
    for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert operator.post(address + page, forged).status_code == 403
    operator.post(address, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert list(model.objects.order_by("pk").values()) == before


def test_a_schedule_of_another_function_can_be_deleted_and_ours_cannot(operator: Client) -> None:
    Schedule.objects.create(name="backup", func="os.system", repeats=schedules.OFF)
    for name, status in (("backup", 302), ("market.ingest", 403)):
        pk = Schedule.objects.get(name=name).pk
        assert operator.post(f"{SCHEDULES}{pk}/delete/", {"post": "yes"}).status_code == status
    assert not Schedule.objects.filter(name="backup").exists()


def test_a_waiting_task_is_shown_with_its_arguments(operator: Client) -> None:
    async_task("approvals.tasks.submit", 7, q_options={"task_name": "order 7"})
    row = OrmQ.objects.get()
    assert "order 7" in operator.get(QUEUED).content.decode()
    assert "approvals.tasks.submit" in operator.get(f"{QUEUED}{row.pk}/change/").content.decode()


def test_a_row_that_cannot_be_read_does_not_break_the_page(operator: Client) -> None:
    OrmQ.objects.create(key="jax", payload="forged", lock=T0)
    assert operator.get(QUEUED).status_code == 200
    assert operator.get(f"{QUEUED}{OrmQ.objects.get().pk}/change/").status_code == 200


def test_a_failure_is_shown_with_its_text_and_without_secrets(operator: Client) -> None:
    error = "no <answer> from http://feed/?apikey=sesame123456 : Traceback\nline 2"
    row = failure(result=error, args=(1, "x"))
    listed = operator.get(FAILED, {"q": "ingest"}).content.decode()
    assert "no &lt;answer&gt; from" in listed
    shown = operator.get(f"{FAILED}{row.pk}/change/").content.decode()
    assert "line 2" in shown
    assert "sesame123456" not in listed + shown
    assert "no &lt;answer&gt;" not in operator.get(FAILED, {"q": "elsewhere"}).content.decode()


def test_successes_are_not_kept_and_have_no_page(operator: Client) -> None:
    assert operator.get(f"/admin/django_q/{Success._meta.model_name}/").status_code == 404


def test_the_lists_take_few_queries(operator: Client, count_queries: CountQueries) -> None:
    with count_queries("admin schedules"):
        operator.get(SCHEDULES)
    failure()
    Schedule.objects.update(task="a" * 32)
    with count_queries("admin schedules"):
        page = operator.get(SCHEDULES)
    assert page.content.decode().count(f"{FAILED}{'a' * 32}/change/") == Schedule.objects.count()
