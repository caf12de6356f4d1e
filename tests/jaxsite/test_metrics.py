"""/metrics, as JSON and for Prometheus."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from jaxsite.processes.uptime import in_words
from market.models import IngestionRun, IngestionTotal, ProviderStatus, Quote
from tests import make
from tests.jaxsite.monitored import run
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


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
        "quote_states": {"doubtful": 0, "halted": 0, "crossed": 0, "locked": 0},
        "late_bars": {"15m": 0, "1d": 0},
        "rejected_rows": 0,
        "stream_up": False,
        "streamed_symbols": 0,
        "silent_symbols": 0,
        "missing_exchange_rates": 0,
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
        "broker": "paper",
        "broker_listened_to": False,
        "oldest_unanswered_order_seconds": 0.0,
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
    Quote.objects.update(bid=2.0, ask=1.0, halt="news")
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
    states = ("crossed", "locked", "halted", "doubtful")
    assert [values["jax_market_quote_states", state] for state in states] == [1, 0, 1, 0]


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
    answer = requests.get(f"{live_server.url}/metrics", headers={"Accept": PROMETHEUS}, timeout=60)
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


def test_the_age_of_needed_rates_is_measured(client: Client) -> None:
    make.needed("EUR/USD")
    make.quote("EUR/USD", 1.08, timezone.now() - timedelta(seconds=30))
    make.needed("USD/JPY")
    text = client.get("/metrics", headers={"accept": "text/plain;version=0.0.4"}).content.decode()
    assert 'jax_market_exchange_rate_age_seconds{pair="EUR/USD"} 30.0' in text
    assert "jax_market_missing_exchange_rates 1.0" in text
