"""/health: each check, in words, and a database that is away."""

import socket
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from approvals.models import Gate, Order, QuarantinedRow, TradingHalt, WaitingDividend
from jaxsite.monitoring.health import run_checks
from market.models import CandleProgress, IngestionRun, Installation, ProviderStatus
from signals.models import Scan
from tests import make
from tests.jaxsite.monitored import run, scan
from tests.late import LATE
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db


def health(client: Client) -> dict[str, Any]:
    answer = client.get("/health")
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    content: dict[str, Any] = answer.json()
    return content


def degraded(client: Client, check: str) -> str:
    content = health(client)
    assert content["status"] == "degraded"
    assert [name for name, result in content["checks"].items() if result["status"] != "healthy"] == [check]
    return str(content["checks"][check]["message"])


@pytest.mark.usefixtures("working")
def test_a_system_at_work_is_healthy(client: Client) -> None:
    content = health(client)
    assert (content["status"], content["service"]) == ("healthy", "jax")
    assert content["checks"].keys() == {
        *("database", "data", "worker", "scans", "strategies", "trading", "broker", "quotes", "bars"),
        *("process_worker", "process_slow", "queue_worker", "queue_slow", "provider_simulator", "symbols"),
        *("cross_check", "stream"),
    }
    assert content["uptime"].endswith("s")


@pytest.mark.usefixtures("working")
def test_before_the_first_cycle_it_says_what_it_waits_for(client: Client) -> None:
    IngestionRun.objects.all().delete()
    assert "No cycle has finished yet." in degraded(client, "worker")


@pytest.mark.usefixtures("working")
def test_scans_that_have_stopped_are_missed(client: Client) -> None:
    Scan.objects.all().delete()
    assert "No scan has finished yet." in degraded(client, "scans")
    scan(ago=190)
    assert "No new signals are raised." in degraded(client, "scans")


@pytest.mark.usefixtures("working")
def test_a_halt_is_told_without_what_people_wrote(client: Client) -> None:
    halt = TradingHalt.objects.create(cause="person", reason="divorce", started_at=timezone.now())
    message = degraded(client, "trading")
    assert f"Trading is halted since {halt.started_at:%Y-%m-%d %H:%M} UTC." in message
    assert "divorce" not in message


@pytest.mark.usefixtures("working")
def test_a_broker_that_is_away_or_was_not_asked_is_told(client: Client) -> None:
    Gate.objects.update(broker_good_since=None, broker_error="password refused")
    assert degraded(client, "trading").startswith("The broker is away.")
    Gate.objects.update(checked_at=timezone.now() - timedelta(minutes=4))
    assert "The broker has not been asked since" in degraded(client, "trading")
    Gate.objects.all().delete()
    assert degraded(client, "trading").startswith("The broker has not been asked yet.")


@pytest.mark.usefixtures("working")
def test_an_order_whose_fate_is_unknown_for_long_is_told(client: Client) -> None:
    at = timezone.now() - timedelta(minutes=6)
    make.order(status=Order.Status.UNKNOWN, submitted_at=at)
    assert degraded(client, "trading").startswith("What became of 1 orders is not known.")


@pytest.mark.usefixtures("working")
def test_rows_of_the_broker_that_could_not_be_recorded_are_told_until_they_are_over(client: Client) -> None:
    row = make.quarantined_row()
    message = degraded(client, "trading")
    assert message.startswith("Rows of the broker that could not be recorded: 1. Orders can be sent.")
    QuarantinedRow.objects.filter(pk=row.pk).update(ended_at=make.T0)
    assert health(client)["status"] == "healthy"


@pytest.mark.usefixtures("working")
def test_an_order_whose_fate_is_unknown_for_less_than_five_minutes_is_no_reason_to_worry(
    client: Client,
) -> None:
    order = make.order(status=Order.Status.UNKNOWN, submitted_at=timezone.now() - timedelta(minutes=5))
    assert health(client)["status"] == "healthy"
    Order.objects.filter(pk=order.pk).update(submitted_at=timezone.now() - timedelta(minutes=5, seconds=1))
    assert degraded(client, "trading").startswith("What became of 1 orders is not known.")


@pytest.mark.usefixtures("working")
@pytest.mark.parametrize(
    ("outcome", "kind"), [("skipped", "quotes"), ("broken", "quotes"), ("finished", "candles")]
)
def test_a_worker_that_was_not_seen_for_three_intervals_is_missed(
    client: Client, outcome: str, kind: str
) -> None:
    IngestionRun.objects.all().delete()
    run(ago=181)
    run(ago=10, outcome=outcome, kind=kind)
    assert "finished 181 s ago. The worker seems to be down." in degraded(client, "worker")


@pytest.mark.usefixtures("working")
def test_late_bars_are_counted_and_degrade(client: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    CandleProgress.objects.create(
        symbol="AAPL", timeframe="15m", answered_at=long_ago, answered_through=long_ago
    )
    assert "The newest are late: 15m of 1 instruments. " in degraded(client, "bars")
    assert client.get("/metrics").json()["late_bars"]["15m"] == 1


@pytest.mark.usefixtures("working")
def test_stale_quotes_in_session_are_named(client: Client) -> None:
    make.instrument("MSFT", "24/7")
    assert "1 in session without a quote from the last 300 s: MSFT." in degraded(client, "quotes")


@pytest.mark.usefixtures("working")
def test_without_trading_sessions_it_does_not_pretend_to_know(client: Client) -> None:
    make.instrument("MSFT", "XNYS")
    assert "no trading sessions are stored for XNYS." in degraded(client, "quotes")


@pytest.mark.usefixtures("working")
def test_a_provider_that_cools_off_is_told_with_its_end(client: Client) -> None:
    status = ProviderStatus(provider="simulator", kind="candles", last_error="key s3cret refused")
    for _ in range(3):
        status.failed(timezone.now(), "key s3cret refused")
    message = degraded(client, "provider_simulator")
    assert "candles until" in message
    assert "after 3 failures" in message
    assert "s3cret" not in client.get("/health").content.decode()


@pytest.mark.usefixtures("working")
def test_a_provider_that_is_off_is_not_held_against_us(client: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    ProviderStatus.objects.create(provider="polygon", kind="quotes", cool_off_until=later)
    assert health(client)["status"] == "healthy"


@pytest.mark.usefixtures("working")
def test_settings_that_ask_for_the_other_data_are_told_what_to_do(client: Client, settings: Settings) -> None:
    Installation.objects.update(data="real")
    settings.STALE_QUOTE_SECONDS = 10**6
    assert "Set DATA=real, or point DATABASE_URL at another database." in degraded(client, "data")


@pytest.mark.usefixtures("working")
def test_health_writes_nothing_and_needs_no_login(client: Client, count_queries: CountQueries) -> None:
    with count_queries("GET /health") as queries:
        assert health(client)["status"] == "healthy"
    assert all(query["sql"].lstrip().startswith("SELECT") for query in queries.captured_queries)


def assert_away(client: Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["checks"].keys() == {"database"}
    assert "It does not answer. Check that PostgreSQL runs" in answer.json()["checks"]["database"]["message"]
    assert "127.0.0.1" not in answer.content.decode()


@pytest.mark.usefixtures("no_database")
def test_a_database_that_is_away_is_503(client: Client) -> None:
    assert_away(client)


def test_a_database_that_hangs_is_503_before_a_probe_gives_up(
    client: Client, no_database: socket.socket
) -> None:
    no_database.listen()
    begun = monotonic()
    assert_away(client)
    assert monotonic() - begun < 3 + LATE


def test_a_database_without_our_tables_is_503_with_the_cure(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE installation RENAME TO elsewhere")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert "Run: python manage.py migrate" in answer.json()["checks"]["database"]["message"]


def test_a_rate_that_never_came_is_said_and_one_that_stopped_is_a_degradation(db: None) -> None:
    def check() -> list[tuple[str, str]]:
        found = run_checks(make.T0)
        return [(each.status, each.message) for each in found if each.name == "exchange_rates"]

    assert check() == []
    make.needed("USD/JPY")
    [(status, message)] = check()
    assert (status, "USD/JPY" in message) == ("healthy", True)
    make.quote("USD/JPY", 156.0, make.T0 - timedelta(minutes=20))
    [(status, message)] = check()
    assert status == "degraded"


def test_a_dividend_that_waits_for_a_rate_is_a_degradation(db: None) -> None:
    def messages() -> list[str]:
        return [each.message for each in run_checks(make.T0) if each.name == "dividends"]

    assert messages() == []
    WaitingDividend.objects.create(
        symbol="AAPL",
        ex_date="2024-07-05",
        currency="EUR",
        quantity=100,
        amount="0.24",
        value="24.00",
        why="No rate.",
        since=make.T0,
    )
    assert messages()[0].startswith("Dividends on paper that are due and wait for an exchange rate: 1.")
