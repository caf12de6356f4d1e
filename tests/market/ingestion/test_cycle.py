"""The cycle on the simulator: what is stored, counted and planned. The vendors are in test_ingest_vendors."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from core import locks
from market.ingestion import cycle
from market.models import (
    Candle,
    CandleProgress,
    Gap,
    IngestionRun,
    IngestionTotal,
    Instrument,
    ProviderStatus,
    Quote,
    QuoteHistory,
)
from market.prices import Timeframe
from tests import make

pytestmark = pytest.mark.django_db

AT = datetime(2024, 7, 3, 14, 7, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def calendar(settings: Settings) -> None:
    settings.CANDLE_BACKFILL = 30
    make.round_the_clock(AT, days=60, ahead=400)
    make.only("AAPL", "MSFT", calendar="24/7")


def test_a_quote_cycle_stores_every_watched_symbol_and_says_so() -> None:
    run = cycle.ingest_quotes(AT)
    assert run is not None
    assert (run.outcome, run.asked, run.stored, run.failed) == ("finished", 2, 2, 0)
    assert set(Quote.objects.values_list("symbol", "feed", "provider")) == {
        ("AAPL", "simulated", "simulator"),
        ("MSFT", "simulated", "simulator"),
    }
    assert run.providers["simulator"]["stored"] == 2
    assert ProviderStatus.objects.get().last_success_at is not None


def test_a_second_quote_cycle_replaces_the_quote_and_keeps_the_history() -> None:
    cycle.ingest_quotes(AT)
    cycle.ingest_quotes(AT + timedelta(minutes=1))
    assert Quote.objects.count() == 2
    assert QuoteHistory.objects.count() == 4
    assert IngestionTotal.objects.get(kind="quotes").stored == 4


def test_a_change_of_the_watchlist_counts_from_the_next_cycle_on() -> None:
    cycle.ingest_quotes(AT)
    make.only("AMD", calendar="24/7")
    cycle.ingest_quotes(AT + timedelta(minutes=1))
    assert Quote.objects.filter(received_at__gt=AT + timedelta(seconds=50)).get().symbol == "AMD"


def test_the_first_candle_cycle_brings_the_backfill_and_builds_hours_and_weeks() -> None:
    run = cycle.ingest_candles(AT)
    assert run is not None
    assert (run.asked, run.stored, run.failed) == (4, 4, 0)
    timeframes = Candle.objects.filter(symbol="AAPL").values_list("timeframe", flat=True)
    assert set(timeframes) == {"15m", "1h", "1d", "1w"}
    assert Candle.objects.filter(symbol="AAPL", timeframe="1d").count() in (29, 30)


def test_a_candle_cycle_with_nothing_due_asks_for_nothing() -> None:
    cycle.ingest_candles(AT)
    again = cycle.ingest_candles(AT + timedelta(minutes=1))
    assert again is not None
    assert again.asked == 0


def test_a_quarter_of_an_hour_later_the_forming_bar_is_final_and_the_next_one_forms() -> None:
    cycle.ingest_candles(AT)
    cycle.ingest_candles(AT + timedelta(minutes=15))
    newest = Candle.objects.filter(symbol="AAPL", timeframe="15m").order_by("-opened_at")
    stamps = list(newest.values_list("opened_at", "is_final", "revisions")[:2])
    opened = datetime(2024, 7, 3, 14, 15, tzinfo=UTC)
    assert stamps == [(opened, False, 0), (opened - timedelta(minutes=15), True, 0)]


def test_bars_missed_while_nothing_ran_are_fetched_afterwards() -> None:
    cycle.ingest_candles(AT)
    cycle.ingest_candles(AT + timedelta(hours=5))
    quarters = Candle.objects.filter(symbol="AAPL", timeframe="15m", opened_at__gte=AT).count()
    missing = sum(
        Gap.objects.filter(symbol="AAPL", timeframe="15m", first_at__gte=AT).values_list("bars", flat=True)
    )
    assert quarters + missing == 20


@pytest.mark.django_db(transaction=True)
def test_a_cycle_that_overlaps_another_is_skipped_and_counted() -> None:
    done = threading.Event()

    def other() -> None:
        cycle.ingest_quotes(AT)
        connection.close()
        done.set()

    with locks.held("ingest quotes"):
        threading.Thread(target=other).start()
        assert done.wait(60)
    assert IngestionRun.objects.get().outcome == "skipped"
    assert IngestionTotal.objects.get(kind="quotes").skipped == 1
    assert not Quote.objects.exists()


def test_a_run_that_ended_without_finishing_is_marked_by_the_next() -> None:
    dead = IngestionRun.objects.create(kind="quotes", started_at=AT - timedelta(minutes=1))
    cycle.ingest_quotes(AT)
    dead.refresh_from_db()
    assert dead.outcome == "broken"


def test_an_empty_watchlist_is_no_failure() -> None:
    Instrument.objects.update(watched=False)
    run = cycle.ingest_quotes(AT)
    assert run is not None
    assert (run.asked, run.failed) == (0, 0)


def test_a_backfill_reports_each_symbol_and_reaches_back_as_far_as_asked() -> None:
    since = AT - timedelta(days=50)
    cycles = list(cycle.backfill(["AAPL", "MSFT"], Timeframe.D1, since, AT))
    assert len(cycles) == 2
    assert Candle.objects.filter(timeframe="1d").earliest("opened_at").opened_at <= since + timedelta(days=2)
    assert IngestionRun.objects.get().kind == "backfill"


def test_what_was_answered_is_written_down_for_each_symbol_and_timeframe() -> None:
    cycle.ingest_candles(AT)
    through = CandleProgress.objects.get(symbol="AAPL", timeframe="15m").answered_through
    assert through == datetime(2024, 7, 3, 13, 45, tzinfo=UTC)
