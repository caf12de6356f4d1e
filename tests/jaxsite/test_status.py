"""The page of the system's state, with a database and without one."""

import re
from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ, Task

from jaxsite import health
from market.models import IngestionRun, ProviderStatus
from signals.models import Scan
from tests import make


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def trader(db: None) -> Client:
    client = Client()
    client.force_login(make.trader())
    return client


@pytest.fixture
def market(db: None) -> None:
    make.only("AAPL")
    make.july_2024()
    make.ready()


def page(client: Client, address: str = "/status/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_an_empty_system_says_what_will_fill_each_part(trader: Client) -> None:
    make.only()
    html = page(trader)
    for said in (
        "No cycle has finished yet",
        "No cycle yet",
        "No bar has been evaluated yet",
        "Nothing is watched",
    ):
        assert said in html, said


@pytest.mark.usefixtures("market")
class TestWhatItSays:
    def test_a_provider_that_rests_says_until_when_and_why(self, trader: Client) -> None:
        ProviderStatus.objects.create(
            provider="simulator",
            kind="quotes",
            consecutive_failures=4,
            last_failure_at=make.T0 - timedelta(seconds=30),
            last_error="HTTP 503",
            cool_off_until=make.T0 + timedelta(minutes=2),
        )
        html = page(trader)
        assert "4 failures since, left alone until" in html
        assert "HTTP 503" in html

    def test_a_cycle_that_failed_in_parts_says_why(self, trader: Client) -> None:
        IngestionRun.objects.create(
            kind="candles",
            outcome="finished",
            started_at=make.T0,
            finished_at=make.T0 + timedelta(seconds=2.5),
            asked=10,
            stored=9,
            failed=1,
            failures={"AAPL 15m": "no provider answered"},
        )
        html = page(trader)
        assert "9 of 10" in html
        assert "2.5 s" in html
        assert "AAPL 15m: no provider answered" in html

    def test_a_silent_scan_says_why_it_was_silent(self, trader: Client) -> None:
        entry = {"strategy_id": "macd_crossover_v1", "timeframe": "15m", "symbols": 10, "evaluated": 10}
        counts = [entry | {"stale": 3, "reasons": {"stale": "AAPL: 1200 s old"}}]
        Scan.objects.create(outcome="finished", started_at=make.T0, evaluated=10, counts=counts)
        Scan.objects.create(outcome="finished", started_at=make.T0 + timedelta(minutes=1), evaluated=0)
        html = page(trader)
        assert "bars evaluated 10, stale 3" in html
        assert "AAPL: 1200 s old" in html

    def test_the_queue_says_what_waits_since_when_and_what_failed(self, trader: Client) -> None:
        OrmQ.objects.create(key="slow", payload="x", lock=make.T0 - timedelta(minutes=3))
        OrmQ.objects.create(key="slow", payload="y", lock=make.T0 + timedelta(hours=1))
        Task.objects.create(
            id="1" * 32,
            name="n",
            func="signals.tasks.scan",
            started=make.T0 - timedelta(minutes=9),
            stopped=make.T0 - timedelta(minutes=8),
            success=False,
        )
        html = page(trader)
        assert re.search(r"slow: 1 waiting, the oldest for .*?3 min.*?; 1 taken", html)
        assert "signals.tasks.scan failed 1 time in the last day" in html

    def test_coverage_says_in_words_what_its_marks_mean(self, trader: Client) -> None:
        assert "0 of 26 bars" in page(trader)

    def test_versions_are_those_that_run(self, trader: Client) -> None:
        import django

        assert f"<dd>{django.__version__}</dd>" in page(trader)

    def test_the_update_is_the_page_without_its_frame(self, trader: Client) -> None:
        html = page(trader, "/status/update/?page=1")
        assert html.strip().startswith('<div id="status"')
        assert "<html" not in html


def test_whoever_is_not_logged_in_is_asked_to(client: Client, db: None) -> None:
    assert client.get("/status/").status_code == 302
    assert client.get("/status/update/").status_code == 302


def test_without_a_database_it_says_so_to_everybody_and_no_more(trader: Client) -> None:
    refused = OperationalError('connection to server at "10.0.0.9", user "jax" failed')
    with (
        mock.patch("jaxsite.backend.PermissionsWithUser.get_user", side_effect=refused),
        mock.patch.object(health, "ping", side_effect=refused),
    ):
        answer = trader.get("/status/")
    html = answer.content.decode()
    assert answer.status_code == 503
    assert "It does not answer. Check that PostgreSQL runs" in html
    assert "10.0.0.9" not in html
    assert 'id="strip"' not in html
