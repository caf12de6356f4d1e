"""The page of the system's state, with a database and without one."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from unittest import mock

import pytest
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ, Task

from jaxsite import __version__
from jaxsite.monitoring import status
from market.models import IngestionRun, Instrument, ProviderStatus
from signals.models import Scan
from tests import make
from tests.late import LATE


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


def test_it_says_which_version_of_jax_this_is(trader: Client) -> None:
    assert f"<dt>Jax</dt><dd>{__version__}</dd>" in page(trader)


def test_moves_that_wait_for_an_answer_are_counted(trader: Client) -> None:
    assert "of the size of a split" not in trader.get("/status/").content.decode()
    make.move()
    assert "1 move of the size of a split waits for an answer" in trader.get("/status/").content.decode()


def test_corporate_actions_that_a_person_deals_with_are_named(trader: Client) -> None:
    make.only("AAPL")
    make.action(ex_date="2024-07-03", kind="rights", ratio=1)
    assert "AAPL distribution of rights 2024-07-03" in page(trader)
    assert "No entry in it is approved until then." in page(trader)


def test_delisted_shares_that_are_still_held_are_named_with_where_to_close_them(trader: Client) -> None:
    make.only("AAPL", "MSFT")
    Instrument.objects.update(watched=False, status="delisted", delisting_followed=True)
    assert "still held or on order" not in page(trader)
    Instrument.objects.filter(pk="AAPL").update(in_use=True)
    expected = '1 delisted share is still held or on order (AAPL): close it under <a href="/positions/">'
    assert expected in page(trader)


def test_an_empty_system_says_what_will_fill_each_part(trader: Client) -> None:
    make.only()
    html = page(trader)
    for expected in (
        "No cycle has finished yet",
        "No cycle yet",
        "No bar has been evaluated yet",
        "Nothing is watched",
    ):
        assert expected in html, expected


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

    def test_a_provider_has_its_counts_of_the_last_hour(self, trader: Client) -> None:
        def run(kind: str, minutes: int, **figures: int) -> None:
            at = make.T0 - timedelta(minutes=minutes)
            IngestionRun.objects.create(kind=kind, started_at=at, providers={"simulator": figures})

        ProviderStatus.objects.create(provider="simulator", kind="candles", last_success_at=make.T0)
        run("quotes", 1, asked=10, stored=9, failed=1)
        run("quotes", 59, asked=10, stored=10, failed=0)
        run("quotes", 61, asked=500, stored=0, failed=500)
        html = page(trader)
        assert "In the last hour 19 of 20 stored, 1 failed." in html
        assert "Not asked in the last hour." in html
        assert "Not set up: ib_bridge, alpaca, polygon." in html

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
        assert re.search(r"○</span> .*?: not fetched yet</span>", page(trader))

    def test_versions_are_those_that_run(self, trader: Client) -> None:
        import django

        assert f"<dd>{django.__version__}</dd>" in page(trader)


def test_whoever_is_not_logged_in_is_asked_to(client: Client, db: None) -> None:
    assert client.get("/status/").status_code == 302


@contextmanager
def nobody_listening() -> Iterator[None]:
    """The database's address is a port on which every connection is refused."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        address = {"HOST": "127.0.0.1", "PORT": str(line.getsockname()[1])}
        with mock.patch.dict(connection.settings_dict, address):
            yield


@pytest.mark.django_db(transaction=True)
class TestWithoutADatabase:
    """Connections are refused for real: that of the page's own session, too."""

    @pytest.fixture(params=["somebody", "a stranger"])
    def visitor(self, request: pytest.FixtureRequest) -> Client:
        client = Client()
        if request.param == "somebody":
            client.force_login(make.trader())
        connection.close()
        return client

    @pytest.mark.parametrize("headers", [{}, {"Jax-Seen": "anything"}], ids=["opened", "refreshed"])
    def test_it_says_so_to_everybody_and_no_more(self, visitor: Client, headers: dict[str, str]) -> None:
        with nobody_listening():
            answer = visitor.get("/status/", headers=headers)
        html = answer.content.decode()
        assert answer.status_code == 503
        assert "The database cannot be reached." in html
        assert "It does not answer. Check that PostgreSQL runs" in html
        assert "no-store" in answer["Cache-Control"]
        for secret in (
            "127.0.0.1",
            connection.settings_dict["NAME"],
            "Log out",
            'id="status-bar"',
            "Coverage",
        ):
            assert secret not in html, secret

    def test_it_looks_again_and_whoever_was_logged_in_still_is(self) -> None:
        client = Client()
        client.force_login(make.trader())
        connection.close()
        with nobody_listening():
            answer = client.get("/status/", headers={"Jax-Seen": "anything"})
        assert (answer["Refresh"], answer["HX-Refresh"]) == ("15", "true")
        assert client.get("/status/").status_code == 200

    def test_a_database_that_hangs_holds_nobody_up(self) -> None:
        connection.close()
        with socket.create_server(("127.0.0.1", 0)) as line:
            address = {"HOST": "127.0.0.1", "PORT": str(line.getsockname()[1])}
            begun = monotonic()
            with mock.patch.dict(connection.settings_dict, address):
                assert Client().get("/status/").status_code == 503
        assert monotonic() - begun < 3 + LATE


def test_a_database_without_our_tables_is_503_with_the_cure(trader: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE installation RENAME TO elsewhere")
    answer = trader.get("/status/")
    assert answer.status_code == 503
    html = answer.content.decode()
    assert "The database cannot be used." in html
    assert "Run: python manage.py migrate" in html


@pytest.mark.parametrize("number", ["9", "0", "-1", "x", "9" * 30])
def test_a_page_that_there_is_not_is_the_first(trader: Client, market: None, number: str) -> None:
    assert 'href="/instruments/AAPL/?timeframe=15m"' in page(trader, f"/status/?page={number}")


def test_second_opinions_have_their_line(trader: Client, market: None) -> None:
    assert "Second opinions</a>: 0 waiting; 0 at work; none failed today" in page(trader)
    for symbol in ("AAPL", "MSFT"):
        make.run(symbol=symbol, status="queued")
    make.run(symbol="NVDA", status="running", deadline_at=make.T0 + timedelta(minutes=2))
    make.run(status="failed", error="It gave no answer.", finished_at=make.T0)
    make.run()
    before = make.T0 - make.DAY
    make.run(status="failed", error="It gave no answer.", queued_at=before, finished_at=before)
    html = page(trader)
    assert re.search(
        r"Second opinions</a>: 2 waiting, the oldest for <span [^>]*>2 min</span>; 1 at work;", html
    )
    assert "1 failed today" in html


def test_the_grid_is_of_the_finest_bars_or_of_those_asked_for(trader: Client, market: None) -> None:
    shown = '<a href="?timeframe={0}#coverage" aria-current="page">{0}</a>'
    assert shown.format("15m") in page(trader)
    assert shown.format("15m") in page(trader, "/status/?timeframe=2h")
    assert shown.format("1d") in page(trader, "/status/?timeframe=1d")
    with override_settings(CANDLE_TIMEFRAMES=["1d", "5m"]):
        assert shown.format("5m") in page(trader)


def test_its_own_queries_are_few(trader: Client, market: None) -> None:
    request = RequestFactory().get("/status/")
    with CaptureQueriesContext(connection) as caught:
        status._context(request, make.T0)["cycles"][0]
    assert len(caught) == 16, "\n".join(query["sql"] for query in caught.captured_queries)
