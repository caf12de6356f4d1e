import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import pytest
import requests
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from approvals.models import Gate, Order, QuarantinedRow, TradingHalt
from jaxsite.processes.uptime import in_words
from market.models import CandleProgress, IngestionRun, IngestionTotal, Installation, ProviderStatus
from signals.models import Scan
from tests import make
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def run(ago: float = 30, kind: str = "quotes", outcome: str = "finished", took: float = 1.5) -> None:
    finished = timezone.now() - timedelta(seconds=ago)
    IngestionRun.objects.create(
        kind=kind, outcome=outcome, started_at=finished - timedelta(seconds=took), finished_at=finished
    )


@pytest.fixture
def working() -> None:
    """A system at work: a cycle half a minute ago, a fresh quote of the one instrument, round the clock."""
    now = timezone.now()
    Installation.objects.create(pk=1, data="simulated", decided_at=now)
    make.round_the_clock(now)
    make.only("AAPL", calendar="24/7")
    make.quote("AAPL", as_of=now - timedelta(seconds=40), feed="simulated")
    make.ready(now)
    IngestionRun.objects.all().delete()
    run()
    scan(ago=30)
    make.beats(now)


def scan(ago: float) -> None:
    finished = timezone.now() - timedelta(seconds=ago)
    Scan.objects.create(
        outcome=Scan.Outcome.FINISHED, started_at=finished - timedelta(seconds=2), finished_at=finished
    )


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
        *("database", "data", "worker", "scans", "strategies", "trading", "quotes", "bars"),
        *("process_worker", "process_slow", "queue_worker", "queue_slow", "provider_simulator", "symbols"),
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


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The database's address is a port that nobody listens on, until the test does."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(line.getsockname()[1]))
        yield line


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
    assert monotonic() - begun < 5


def test_a_database_without_our_tables_is_503_with_the_cure(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE installation RENAME TO elsewhere")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert "Run: python manage.py migrate" in answer.json()["checks"]["database"]["message"]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=5.9), "5s"),
        (timedelta(minutes=5, seconds=30), "5m30s"),
        (timedelta(hours=1), "1h0m0s"),
        (timedelta(days=1, hours=2, seconds=5), "26h0m5s"),
    ],
)
def test_uptime_reads_as_people_say_it(span: timedelta, words: str) -> None:
    assert in_words(span) == words


def test_metrics_before_the_first_cycle_know_no_time(client: Client) -> None:
    figures = client.get("/metrics").json()
    assert figures.pop("uptime").endswith("s")
    assert figures == {
        "total_ingestions": 0,
        "successful_ingests": 0,
        "failed_ingests": 0,
        "last_ingest_time": None,
        "last_ingest_duration": None,
        "symbol_count": 10,
        "stale_quotes": 0,
        "late_bars": {"15m": 0, "1d": 0},
        "rejected_rows": 0,
        "last_scan_time": None,
        "pending_signals": 0,
        "trading_halted": False,
        "gate_open": False,
        "working_orders": 0,
        "held_orders": 0,
        "approved_signals": 0,
        "rejected_signals": 0,
        "fills": 0,
        "account_equity": None,
        "slow_up": False,
        "worker_up": False,
        "slow_oldest_task_seconds": 0.0,
        "worker_oldest_task_seconds": 0.0,
        "queued_opinions": 0,
        "running_opinions": 0,
        "completed_opinions": 0,
        "failed_opinions": 0,
        "opinions_cost_today_usd": 0.0,
    }


@pytest.fixture
def totals() -> None:
    IngestionTotal.objects.create(kind="quotes", runs=7, skipped=1, stored=60, failed=4, rejected=2)
    IngestionTotal.objects.create(kind="candles", runs=5, stored=20, failed=1, rejected=3)


@pytest.mark.usefixtures("working", "totals")
def test_metrics_sum_over_quotes_and_candles(client: Client) -> None:
    make.instrument("MSFT", "24/7")
    run(ago=5, kind="candles", took=4)
    newest = IngestionRun.objects.values_list("finished_at", flat=True).get(kind="candles")
    figures = client.get("/metrics").json()
    assert figures["total_ingestions"] == 12
    assert (figures["successful_ingests"], figures["failed_ingests"], figures["rejected_rows"]) == (80, 5, 5)
    assert (figures["symbol_count"], figures["stale_quotes"]) == (2, 1)
    assert datetime.fromisoformat(figures["last_ingest_time"]) == newest
    assert figures["last_ingest_duration"] == 4.0


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


@pytest.mark.usefixtures("working", "totals")
def test_text_holds_the_same_figures_by_kind_and_provider(client: Client) -> None:
    ProviderStatus.objects.create(provider="simulator", kind="quotes", consecutive_failures=2)
    make.signal(expires_at=timezone.now() + timedelta(hours=1))
    answer = client.get("/metrics", HTTP_ACCEPT="text/plain")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    values = samples(answer.content.decode())
    assert values["jax_market_ingestions_total", "quotes"] == 7
    assert values["jax_market_skipped_ingestions_total", "quotes"] == 1
    assert values["jax_market_successful_ingests_total", "candles"] == 20
    assert values["jax_market_failed_ingests_total", "backfill"] == 0
    assert values["jax_market_rejected_rows_total", "candles"] == 3
    assert values["jax_market_last_ingest_duration_seconds", "quotes"] == 1.5
    assert values["jax_market_provider_consecutive_failures", "quotes", "simulator"] == 2
    assert values["jax_signals_last_scan_duration_seconds",] == 2
    assert values["jax_signals_pending",] == 1
    assert (values["jax_market_symbols",], values["jax_market_stale_quotes",]) == (1, 0)


@pytest.mark.usefixtures("working")
def test_second_opinions_are_counted_by_analyst_and_what_they_cost_today(client: Client) -> None:
    now = timezone.now()
    ended: dict[str, Any] = {"started_at": now, "finished_at": now}
    for symbol in ("AAPL", "MSFT"):
        make.run(symbol=symbol, analyst="llm", cost_usd="0.0125", **ended)
    make.run(analyst="llm", status="failed", error="No answer.", cost_usd="0.5", **ended)
    make.run(analyst="agent0", cost_usd="7", started_at=now - timedelta(days=1, hours=1))
    make.run(status="queued", started_at=None)
    values = samples(client.get("/metrics?format=text").content.decode())
    assert values["jax_opinions_total", "completed", "llm"] == 2
    assert values["jax_opinions_total", "failed", "llm"] == 1
    assert values["jax_opinions_total", "agent0", "completed"] == 1
    assert values["jax_opinions_open", "queued", "rules"] == 1
    assert values["jax_opinions_open", "rules", "running"] == 0
    assert values["jax_opinions_cost_today_usd",] == 0.525
    figures = client.get("/metrics").json()
    assert (figures["queued_opinions"], figures["running_opinions"]) == (1, 0)
    assert (figures["completed_opinions"], figures["failed_opinions"]) == (3, 1)
    assert figures["opinions_cost_today_usd"] == 0.525


def test_text_before_the_first_cycle_has_no_sample_of_its_time(client: Client) -> None:
    names = {key[0] for key in samples(client.get("/metrics?format=text").content.decode())}
    assert "jax_market_ingestions_total" in names
    assert "jax_market_last_ingest_timestamp_seconds" not in names
    assert "jax_signals_last_scan_timestamp_seconds" not in names


def test_prometheus_gets_a_format_it_asked_for_over_http(live_server: LiveServer) -> None:
    answer = requests.get(f"{live_server.url}/metrics", headers={"Accept": PROMETHEUS}, timeout=10)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in parse_openmetrics(answer.text)}  # type: ignore[no-untyped-call]
    assert {"jax_market_ingestions", "jax_market_symbols", "jax_market_uptime_seconds"} <= families


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "text/html,application/xml;q=0.9,*/*;q=0.8", "image/png"]
)
def test_everyone_else_gets_json(client: Client, accept: str) -> None:
    answer = client.get("/metrics", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.usefixtures("working", "totals")
def test_metrics_take_as_many_queries_whatever_there_is(client: Client, count_queries: CountQueries) -> None:
    with count_queries("GET /metrics"):
        client.get("/metrics")


@pytest.mark.usefixtures("no_database")
def test_without_a_database_metrics_are_503(client: Client) -> None:
    answer = client.get("/metrics", HTTP_ACCEPT="text/plain")
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("address", ["/health", "/metrics"])
def test_probes_are_not_sent_to_https(client: Client, settings: Settings, address: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(address).status_code == 200
    assert client.get("/admin/").status_code == 301
