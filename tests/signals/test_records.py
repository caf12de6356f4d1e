"""The record of each configuration: when it is computed, what it says, and what it costs otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from market import store
from market.models import Candle, Instrument
from market.prices import Feed, Timeframe
from signals import records, tasks
from signals.models import Backtest, StrategyConfig, StrategyRecord
from tests import make
from tests.signals.walks import walk

pytestmark = pytest.mark.django_db

START = datetime(2022, 1, 3, tzinfo=UTC)
DAYS = 500
AT = START + timedelta(days=DAYS, hours=3)


@pytest.fixture
def macd() -> StrategyConfig:
    """Two watched symbols with daily bars, and MACD on them, alone switched on."""
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(AT, days=DAYS + 200)
    keep("AAPL", 1)
    keep("MSFT", 2)
    StrategyConfig.objects.update(enabled=False)
    config = StrategyConfig.objects.get(strategy_id="macd_crossover_v1", timeframe="1d")
    config.enabled = True
    config.save()
    return config


def keep(symbol: str, seed: int, *, start: datetime = START, days: int = DAYS) -> None:
    bars = {symbol: walk(days, seed, start=start)}
    store.write_candles(bars, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)


def record(symbol: str = "") -> StrategyRecord:
    return StrategyRecord.objects.get(strategy_id="macd_crossover_v1", timeframe="1d", symbol=symbol)


def test_it_is_computed_for_the_watchlist_and_for_each_of_its_symbols(macd: StrategyConfig) -> None:
    assert records.refresh(AT) == ["macd_crossover_v1 1d"]
    pooled, each = record(), [record("AAPL"), record("MSFT")]
    assert pooled.cases == sum(part.cases for part in each) > 30
    assert pooled.targets + pooled.stops <= pooled.cases
    assert pooled.bars == 2 * DAYS
    assert pooled.luck == pytest.approx(2 / 4.5, abs=0.01)
    assert None not in (pooled.mean_r, pooled.mean_r_low, pooled.mean_r_high)
    assert (each[0].first_at, each[0].oldest_at) == (START, START)
    assert pooled.listed == []


def test_few_cases_are_listed(macd: StrategyConfig) -> None:
    macd.minimum_confidence = Decimal("0.85")
    macd.save()
    records.refresh(AT)
    pooled = record()
    assert 0 < pooled.cases == len(pooled.listed) < 30
    assert [case["bar"] for case in pooled.listed] == sorted(case["bar"] for case in pooled.listed)
    assert pooled.listed[0].keys() == {"symbol", "bar", "r", "planned_r", "ended"}
    assert pooled.mean_r_low is None


def test_twice_is_the_same_as_once(macd: StrategyConfig) -> None:
    records.refresh(AT)
    once = list(StrategyRecord.objects.order_by("pk").values())
    assert records.refresh(AT + timedelta(minutes=10)) == []
    assert list(StrategyRecord.objects.order_by("pk").values()) == once


def test_the_same_bars_give_the_same_record_again(macd: StrategyConfig) -> None:
    records.refresh(AT)
    once = StrategyRecord.objects.order_by("symbol").values("cases", "mean_r", "mean_r_low", "listed")
    before = list(once)
    assert records.refresh(AT + timedelta(days=1)) != []
    assert list(once.all()) == before


def test_it_is_due_on_a_new_day(macd: StrategyConfig) -> None:
    records.refresh(AT)
    assert records.refresh(AT.replace(hour=23, minute=59)) == []
    assert records.refresh(AT.replace(hour=0) + timedelta(days=1)) == [str(macd)]


def test_it_is_due_when_the_configuration_has_changed(macd: StrategyConfig) -> None:
    records.refresh(AT)
    macd.parameters = {"stop_atr": 3}
    macd.save()
    assert records.refresh(AT + timedelta(minutes=10)) == [str(macd)]
    assert record().basis["parameters"] == {"stop_atr": 3}


def test_it_is_due_when_older_bars_have_come(macd: StrategyConfig) -> None:
    records.refresh(AT)
    keep("AAPL", 3, start=START - timedelta(days=100), days=100)
    assert records.refresh(AT + timedelta(minutes=10)) == [str(macd)]
    assert record("AAPL").oldest_at == START - timedelta(days=100)


def test_it_is_not_due_for_a_newer_bar_of_the_same_day(macd: StrategyConfig) -> None:
    records.refresh(AT)
    keep("AAPL", 3, start=START + timedelta(days=DAYS), days=1)
    assert records.refresh(AT + timedelta(minutes=10)) == []


def test_it_is_due_when_a_symbol_that_is_new_has_bars(macd: StrategyConfig) -> None:
    records.refresh(AT)
    make.instrument("TSLA", calendar="24/7")
    assert records.refresh(AT) == []
    keep("TSLA", 4)
    assert records.refresh(AT) == [str(macd)]


def test_a_symbol_that_left_the_watchlist_has_no_record(macd: StrategyConfig) -> None:
    records.refresh(AT)
    Instrument.objects.filter(symbol="AAPL").update(watched=False)
    records.refresh(AT + timedelta(days=1))
    assert set(StrategyRecord.objects.values_list("symbol", flat=True)) == {"", "MSFT"}


def test_an_instrument_whose_split_is_being_restated_is_left_out(macd: StrategyConfig) -> None:
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=AT)
    records.refresh(AT)
    assert records.refresh(AT) == []
    assert set(StrategyRecord.objects.values_list("symbol", flat=True)) == {"", "MSFT"}


def test_an_empty_watchlist_has_an_empty_record(macd: StrategyConfig) -> None:
    make.only()
    records.refresh(AT)
    assert records.refresh(AT) == []
    assert (record().cases, record().bars) == (0, 0)


def test_a_configuration_that_cannot_work_does_not_stop_the_others(
    macd: StrategyConfig, caplog: pytest.LogCaptureFixture
) -> None:
    StrategyConfig.objects.filter(strategy_id="rsi_momentum_v1", timeframe="1d").update(
        enabled=True, parameters={"rsi_period": "x"}
    )
    StrategyConfig.objects.filter(strategy_id="ma_crossover_v1", timeframe="1d").update(enabled=True)
    assert records.refresh(AT) == ["ma_crossover_v1 1d", "macd_crossover_v1 1d"]
    assert "rsi_momentum_v1 1d has no record: rsi_period: must be a whole number" in caplog.text


def test_when_nothing_is_due_it_costs_the_same_few_queries_for_many_symbols(
    macd: StrategyConfig, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    records.refresh(AT)
    with CaptureQueriesContext(connection) as few:
        records.refresh(AT)
    assert len(few) <= 9
    for n in range(20):
        make.instrument(f"T{n}", calendar="24/7")
    with django_assert_num_queries(len(few)):
        records.refresh(AT)


def test_the_task_gives_up_backtests_too(macd: StrategyConfig) -> None:
    Backtest.objects.create(
        strategy_id="macd_crossover_v1",
        timeframe="1d",
        symbols=["AAPL"],
        minimum_confidence=Decimal("0.6"),
        lifetime_bars=1,
        longest_holding_bars=40,
        flat_at_close=False,
        cost_bps=2,
        status="running",
        queued_at=AT,
        started_at=AT,
    )
    tasks.records()
    assert record().cases > 30
    assert Backtest.objects.get().status == "failed"


# What is shown with a signal


def test_the_records_of_signals_are_one_query(
    macd: StrategyConfig, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    records.refresh(AT)
    signals = [make.signal("AAPL"), make.signal("MSFT"), make.sell("AAPL")]
    with django_assert_num_queries(1):
        by_signal = records.of(signals)
    assert set(by_signal) == {("macd_crossover_v1", "1d", symbol) for symbol in ("", "AAPL", "MSFT")}


def record_of(**values: Any) -> StrategyRecord:
    given = {
        "cases": 241,
        "targets": 100,
        "stops": 112,
        "luck": 0.4444,
        "mean_r": -0.031,
        "mean_r_low": -0.15,
        "mean_r_high": 0.1,
    }
    return StrategyRecord(**given | values)


def test_the_sentence_says_how_often_by_luck_how_much_and_how_many_did_neither() -> None:
    assert record_of().sentence() == (
        "target before stop in 47 % of 212 (95 %: 41 to 54), 44 % would be luck at this geometry;"
        " -0.03 R each (-0.15 to +0.10); 12 % of 241 reached neither in time"
    )


def test_few_cases_say_so() -> None:
    assert record_of(cases=12, targets=5, stops=5).sentence() == "only 12 cases: listed"
    assert record_of(cases=1, targets=1, stops=0).sentence() == "only 1 case: listed"


def test_a_record_in_which_nothing_was_decided_says_so() -> None:
    assert (
        record_of(targets=0, stops=0, luck=None)
        .sentence()
        .startswith("neither target nor stop was ever reached;")
    )


def test_it_says_how_many_bars_are_in_doubt_and_which(macd: StrategyConfig) -> None:
    doubted_at = [START + timedelta(days=day) for day in (200, 300)]
    Candle.objects.filter(symbol="AAPL", opened_at__in=doubted_at).update(suspect=True)
    records.refresh(AT)
    newest = [{"symbol": "AAPL", "bar": at.isoformat()} for at in reversed(doubted_at)]
    assert (record().doubted, record().doubted_bars) == (2, newest)
    assert (record("MSFT").doubted, record("MSFT").doubted_bars) == (0, [])
    assert record().bars == 2 * DAYS
