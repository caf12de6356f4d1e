"""A queued CSV file: loaded once and whole, or failed with the reason, whatever happens to its worker."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django_q.models import OrmQ
from pytest_django import Settings

from market import tasks
from market.imports import jobs
from market.imports.candles import ImportRefused
from market.models import Candle, CandleImport, Installation
from market.prices import Timeframe
from tests import make
from tests.jaxsite.processes import eventually

pytestmark = pytest.mark.django_db

AT = make.T0 + timedelta(days=30)
DAYS = b"date,open,high,low,close,volume\n2024-07-01,100,102,99,101,1000\n2024-07-02,101,103,100,102,2000\n"


@pytest.fixture(autouse=True)
def real_installation(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session((AT + timedelta(days=320)).date().isoformat())


@pytest.fixture
def by() -> User:
    return User.objects.create_user("operator")


def request(by: User, content: bytes = DAYS, **values: Any) -> CandleImport:
    given = {"timeframe": Timeframe.D1, "zone": None, "splits": None, "file_name": "a.csv", "at": AT}
    return jobs.request(content, "AAPL", by=by, **given | values)


def test_what_was_given_is_used_when_it_is_loaded(by: User) -> None:
    minutes = b"time,open,high,low,close,volume\n2024-07-02 09:30,100,102,99,101,1000\n"
    zone, splits = ZoneInfo("America/New_York"), {(AT - timedelta(days=1)).date(): 2.0}
    row = request(by, minutes, timeframe=Timeframe.M1, zone=zone, splits=splits)
    jobs.run(row, AT)
    candle = Candle.objects.get()
    assert (f"{candle.opened_at:%H:%M}", candle.close) == ("13:30", 50.5)


@pytest.mark.parametrize("kind", ["simulated", "real"])
def test_the_other_kind_of_data_is_refused_before_anything_is_kept(
    by: User, settings: Settings, kind: str
) -> None:
    settings.DATA_KIND, settings.DATA = kind, kind
    if kind == "real":
        Installation.objects.create(pk=1, data="simulated", decided_at=AT)
    with pytest.raises(ImportRefused):
        request(by)
    assert not OrmQ.objects.exists()


def test_twice_is_the_same_as_once(by: User) -> None:
    row = request(by)
    jobs.run(row, AT)
    once = list(CandleImport.objects.values())
    jobs.run(row, AT + timedelta(hours=1))
    tasks.load_csv(row.pk)
    assert list(CandleImport.objects.values()) == once


def test_one_that_a_stopped_worker_left_is_loaded_when_its_task_runs_again(by: User) -> None:
    row = request(by)
    CandleImport.objects.update(status="running", started_at=AT, progress="Storing 2 bars.")
    jobs.run(row, AT)
    row.refresh_from_db()
    assert (row.status, row.progress, Candle.objects.filter(timeframe="1d").count()) == ("loaded", "", 2)


def test_one_whose_worker_died_fails_and_says_so(by: User) -> None:
    row = request(by)
    CandleImport.objects.update(status="running", started_at=AT)
    jobs.give_up(AT)
    row.refresh_from_db()
    assert (row.status, row.content, row.finished_at) == ("failed", None, AT)
    assert "killed" in row.report
    jobs.run(row, AT)
    assert not Candle.objects.exists()


def test_one_that_waits_is_given_up_after_a_day(by: User) -> None:
    row = request(by)
    jobs.give_up(AT + timedelta(hours=23))
    assert CandleImport.objects.get().status == "queued"
    jobs.give_up(AT + timedelta(hours=25))
    row.refresh_from_db()
    assert "slow queue" in row.report


@pytest.mark.django_db(transaction=True)
def test_one_that_is_being_loaded_is_left_alone(by: User) -> None:
    row = request(by)
    CandleImport.objects.update(status="running")
    other = connection.copy()
    with other.cursor() as cursor:
        name = f"market import {row.pk}"
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        jobs.give_up(AT)
        jobs.run(row, AT)
    other.close()
    assert CandleImport.objects.get().status == "running"


def test_an_error_that_nobody_expected_fails_it_too(by: User) -> None:
    row = request(by)
    CandleImport.objects.update(content=b"no zlib")
    with pytest.raises(Exception, match="incorrect header"):
        jobs.run(row, AT)
    row.refresh_from_db()
    assert (row.status, row.content) == ("failed", None)


def test_a_file_is_kept_as_long_as_it_is_open_and_no_longer(by: User) -> None:
    request(by)
    with pytest.raises(IntegrityError, match="candle_import_keeps_its_file_while_open"):
        CandleImport.objects.update(content=None)


def test_old_ones_are_pruned_unless_candles_name_them(by: User) -> None:
    jobs.run(request(by), AT)
    request(by, DAYS[:-1])
    jobs.give_up(AT + timedelta(hours=25))
    tasks.prune()  # years later
    loaded = CandleImport.objects.get()
    assert {*Candle.objects.filter(timeframe="1d").values_list("import_id", flat=True)} == {loaded.pk}


def run_apart(row: CandleImport) -> None:
    try:
        jobs.run(row, AT)
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_one_that_is_cancelled_while_it_is_stored_leaves_nothing(by: User) -> None:
    row = request(by)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE splits IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(max_workers=1) as pool:
            loading = pool.submit(run_apart, row)
            eventually(lambda: CandleImport.objects.get().progress.startswith("Storing"))
            assert jobs.cancel([CandleImport.objects.get()], by, AT) == 1
            cursor.execute("COMMIT")
            loading.result(timeout=60)
    other.close()
    assert CandleImport.objects.get().report == "Cancelled by operator. Nothing was loaded."
    assert not Candle.objects.exists()
