"""The work on an uploaded file: done once, taken up when its worker died, given up when it kills workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from market import tasks
from market.imports import preparation, uploads
from market.models import CandleImport, CandleUpload
from tests import make

AT = make.T0
DAYS = "date,open,high,low,close,volume\n2024-07-01,100,102,99,101,1000\n2024-07-02,101,103,100,102,2000\n"
TWO = (
    DAYS.replace("date", "symbol,date")
    .replace("2024-07-01", "AAPL,2024-07-01")
    .replace("2024-07-02", "B,2024-07-02")
)


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session("2099-07-05")


def upload(text: str = DAYS, **values: Any) -> CandleUpload:
    by = User.objects.create_user("operator")
    kept = uploads.keep(text.encode(), "AAPL.csv", "AAPL", by, AT)
    uploads.say(kept, {"timeframe": "1d"})
    CandleUpload.objects.update(**{"asked_at": AT} | values)
    kept.refresh_from_db()
    return kept


def killed(attempts: int, **values: Any) -> CandleUpload:
    return upload(doing="looking", begun_at=AT, attempts=attempts, **values)


@contextmanager
def another_worker(kept: CandleUpload) -> Iterator[None]:
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"market upload {kept.pk}"])
        yield
    other.close()


def test_what_a_dead_worker_left_is_queued_once_and_done() -> None:
    kept = killed(attempts=1)
    preparation.take_up(AT)
    preparation.take_up(AT)
    assert [(task.func(), task.args()) for task in OrmQ.objects.all()] == [
        ("market.tasks.prepare_upload", (kept.pk,))
    ]
    tasks.prepare_upload(kept.pk)
    kept.refresh_from_db()
    assert (kept.doing, kept.failure, kept.looks[0]["bars"]) == ("", "", 2)


def test_what_killed_two_workers_is_given_up_and_says_so(client: Client) -> None:
    kept = killed(attempts=2)
    preparation.take_up(AT)
    kept.refresh_from_db()
    assert (kept.doing, OrmQ.objects.exists()) == ("", False)
    assert "killed twice" in kept.failure


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_is_at_is_left_alone() -> None:
    kept = killed(attempts=2)
    with another_worker(kept):
        preparation.take_up(AT)
    kept.refresh_from_db()
    assert (kept.doing, kept.failure) == ("looking", "")


def test_what_waits_is_left_to_the_queue_and_a_small_one_is_not_forgotten() -> None:
    kept = upload(doing="looking")
    preparation.take_up(AT + timedelta(minutes=9))
    assert not OrmQ.objects.exists()
    preparation.take_up(AT + timedelta(minutes=11))
    assert OrmQ.objects.count() == 1
    CandleUpload.objects.update(unpacked=preparation.AT_ONCE + 1, asked_at=AT)
    OrmQ.objects.all().delete()
    preparation.take_up(AT + timedelta(minutes=11))
    assert kept.pk
    assert not OrmQ.objects.exists()


def test_an_error_is_told_and_ends_the_work() -> None:
    kept = upload(doing="looking", said={"timeframe": "never"})
    with pytest.raises(ValueError, match="never"):
        preparation.run(kept, AT)
    kept.refresh_from_db()
    assert (kept.doing, kept.begun_at) == ("", None)
    assert kept.failure.startswith("It ended with an error")


def test_a_symbol_that_a_killed_worker_has_queued_is_not_queued_again() -> None:
    kept = upload(TWO)
    preparation.start(kept, "looking", AT)
    preparation.start(kept, "splitting", AT)
    CandleImport.objects.filter(symbol="B").delete()
    CandleImport.objects.update(status="loaded", content=None)
    CandleUpload.objects.update(doing="splitting", begun_at=AT, attempts=1)
    tasks.prepare_upload(kept.pk)
    assert sorted(CandleImport.objects.values_list("symbol", flat=True)) == ["AAPL", "B"]


STATES = [
    ({"asked_at": AT}, "It waits for a worker"),
    ({"begun_at": AT, "attempts": 1}, "is looking at it."),
    ({"attempts": 1}, "Its worker was killed. It waits"),
    ({"begun_at": AT, "attempts": 2}, "Its worker was killed. Another one is looking at it once more."),
]


@pytest.mark.parametrize(("values", "words"), STATES)
def test_the_state_is_told_in_words(values: dict[str, Any], words: str) -> None:
    assert words in preparation.describe(CandleUpload(doing="looking", **values))
