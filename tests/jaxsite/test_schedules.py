from dataclasses import replace
from datetime import timedelta

import pytest
from django_q.models import OrmQ, Schedule
from pytest_django.fixtures import Settings

from jaxsite.processes import schedules
from jaxsite.processes.schedules import Periodic
from tests.make import T0

pytestmark = pytest.mark.django_db

BEAT = Periodic("market.beat", "market.tasks.ingest", 2, at_start=True)
MONTHLY = Periodic("market.monthly", "market.tasks.prune", None, "slow")


def test_every_task_gets_its_schedule() -> None:
    schedules.write([BEAT, MONTHLY], T0)
    rows = Schedule.objects.order_by("name").values_list("name", "func", "minutes", "cluster", "next_run")
    assert list(rows) == [
        ("market.beat", "market.tasks.ingest", 2, None, T0 + timedelta(minutes=2) - schedules.EARLY),
        (
            "market.monthly",
            "market.tasks.prune",
            None,
            "slow",
            Schedule(schedule_type="M").calculate_next_run(T0 - schedules.EARLY),
        ),
    ]


def test_the_first_scheduled_run_may_come_sooner_than_an_interval_after_the_start() -> None:
    schedules.write([replace(BEAT, first=timedelta(seconds=20))], T0)
    assert Schedule.objects.get().next_run == T0 + timedelta(seconds=20)


def test_a_second_start_keeps_the_next_run() -> None:
    schedules.write([BEAT], T0)
    schedules.write([BEAT], T0 + timedelta(minutes=1))
    assert Schedule.objects.get().next_run == T0 + timedelta(minutes=2) - schedules.EARLY


def test_a_new_interval_counts_from_now() -> None:
    schedules.write([BEAT], T0)
    schedules.write([Periodic("market.beat", "market.tasks.ingest", 5)], T0 + timedelta(minutes=1))
    assert Schedule.objects.get().next_run == T0 + timedelta(minutes=6) - schedules.EARLY


def test_a_task_that_is_no_longer_listed_goes_and_an_operators_own_stays() -> None:
    schedules.write([BEAT, MONTHLY], T0)
    Schedule.objects.create(name="backup", func="os.getpid")
    schedules.write([MONTHLY], T0)
    assert set(Schedule.objects.values_list("name", flat=True)) == {"market.monthly", "backup"}


def test_the_first_run_is_queued_once_however_often_the_cluster_starts() -> None:
    schedules.write([BEAT, MONTHLY], T0)
    OrmQ.objects.update(lock=T0)
    schedules.write([BEAT, MONTHLY], T0)
    assert [row.func() for row in OrmQ.objects.all()] == ["market.tasks.ingest"]


def test_a_run_that_a_killed_worker_left_behind_does_not_hold_up_the_next() -> None:
    schedules.write([BEAT], T0)
    OrmQ.objects.update(lock=T0 + timedelta(minutes=20))
    schedules.write([BEAT], T0)
    assert OrmQ.objects.count() == 2


def test_the_intervals_of_the_settings_are_those_of_the_cycle_and_the_scan(settings: Settings) -> None:
    settings.INGEST_INTERVAL_SECONDS, settings.SCAN_INTERVAL_SECONDS = 180, 300
    minutes = {task.name: task.minutes for task in schedules.periodic()}
    assert (minutes["market.ingest"], minutes["signals.scan"]) == (3, 5)
