"""How a backtest is asked for, what is refused, and the job that the queue runs."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ

from market import store
from market.models import Instrument
from market.prices import Feed, Timeframe
from signals import backtest, tasks
from signals.backtest import BacktestRefused, Setup
from signals.models import Backtest, StrategyConfig
from tests import make
from tests.signals.walks import walk

pytestmark = pytest.mark.django_db

START = datetime(2022, 1, 3, tzinfo=UTC)
DAYS = 300
AT = START + timedelta(days=DAYS + 1)


@pytest.fixture(autouse=True)
def history() -> None:
    """AAPL and MSFT have daily bars; TSLA has none."""
    make.only("AAPL", "MSFT", "TSLA", calendar="24/7")
    make.round_the_clock(AT, days=DAYS + 10)
    bars = {"AAPL": walk(DAYS, 1, start=START), "MSFT": walk(DAYS, 2, start=START)}
    store.write_candles(bars, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)


def setup_of(**values: Any) -> Setup:
    given = {"strategy_id": "macd_crossover_v1", "timeframe": "1d", "symbols": ["AAPL", "MSFT"]}
    return backtest.checked(**given | values)


# What is refused


@pytest.mark.parametrize(
    ("values", "field", "complaint"),
    [
        ({"strategy_id": "nope"}, "strategy_id", "There is no strategy nope. There are: rsi_momentum_v1, "),
        ({"timeframe": "2d"}, "timeframe", "There is no timeframe 2d. There are: 1m, 5m, 15m, 1h, 1d, 1w."),
        ({"symbols": ["AAPL", "NOPE"]}, "symbols", "Not on the list of instruments: NOPE. There are: AAPL, "),
        ({"symbols": []}, "symbols", "Name at least one symbol."),
        (
            {"timeframe": "1h"},
            "symbols",
            "No 1h bars of AAPL, MSFT are stored. They are built from 15m bars.",
        ),
        ({"symbols": ["TSLA"]}, "symbols", "`manage.py backfill SYMBOL --timeframe 1d --since DATE`"),
        ({"parameters": {"speed": "9"}}, "parameters.speed", "speed is not a parameter of this strategy. It"),
        ({"parameters": {"macd_fast": "x"}}, "parameters.macd_fast", "macd_fast must be a whole number from"),
        ({"minimum_confidence": 60}, "minimum_confidence", "a number from 0 to 1"),
        ({"cost_bps": -1}, "cost_bps", "Costs are 0 to 1000 basis points"),
        ({"cost_bps": float("nan")}, "cost_bps", "Costs are 0 to 1000 basis points"),
        ({"since": date(2023, 1, 2), "until": date(2023, 1, 1)}, "until", "lies before the first"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(
    values: dict[str, Any], field: str, complaint: str
) -> None:
    with pytest.raises(BacktestRefused) as refusal:
        setup_of(**values)
    assert complaint in refusal.value.errors[field]


def test_a_symbol_whose_split_is_being_restated_is_refused() -> None:
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=AT)
    with pytest.raises(BacktestRefused, match="A split of AAPL is being restated"):
        setup_of()


def test_what_is_not_given_is_taken_from_the_configuration() -> None:
    StrategyConfig.objects.filter(strategy_id="macd_crossover_v1", timeframe="1d").update(
        parameters={"stop_atr": 3, "macd_fast": 10},
        minimum_confidence=Decimal("0.8"),
        longest_holding_bars=7,
    )
    setup = setup_of(parameters={"macd_fast": "11"})
    assert setup.parameters == {"stop_atr": 3.0, "macd_fast": 11}
    assert (setup.minimum_confidence, setup.rules.longest) == (0.8, 7)


# The queued job


def request(**values: Any) -> Backtest:
    given = {"strategy_id": "macd_crossover_v1", "timeframe": "1d", "symbols": ["AAPL"], "by": None, "at": AT}
    return backtest.request(**given | values)


def test_a_request_is_a_row_and_a_task_of_the_slow_queue(admin_user: User) -> None:
    test = request(by=admin_user, parameters={"stop_atr": 3})
    assert (test.status, test.requested_by, test.parameters) == ("queued", admin_user, {"stop_atr": 3.0})
    (queued,) = OrmQ.objects.all()
    assert (queued.func(), queued.args(), queued.key) == (
        "signals.tasks.backtest",
        (test.pk,),
        "slow",
    )


def test_what_is_refused_leaves_neither() -> None:
    with pytest.raises(BacktestRefused):
        request(symbols=["NOPE"])
    assert not Backtest.objects.exists()
    assert not OrmQ.objects.exists()


def test_the_task_completes_it_with_the_rows_and_the_printed_table() -> None:
    test = request()
    tasks.backtest(test.pk)
    test.refresh_from_db()
    assert test.status == "completed"
    assert test.started_at is not None
    assert test.finished_at is not None
    assert test.result is not None
    assert [row["symbol"] for row in test.result["rows"]] == ["", "AAPL"]
    assert "MACD crossover (macd_crossover_v1) on 1d" in test.result["text"]


def test_twice_is_the_same_as_once() -> None:
    test = request()
    backtest.run(test, AT)
    once = Backtest.objects.values().get()
    backtest.run(test, AT + timedelta(hours=1))
    assert Backtest.objects.values().get() == once


def test_it_stands_on_what_was_configured_when_it_was_asked_for() -> None:
    test = request(minimum_confidence=0)
    StrategyConfig.objects.update(longest_holding_bars=1, parameters={"stop_atr": 9})
    backtest.run(test, AT)
    test.refresh_from_db()
    assert test.result is not None
    assert test.result["setup"]["longest_holding_bars"] == 40
    assert test.result["setup"]["parameters"] == {}


def test_one_that_a_dead_worker_left_running_fails_when_its_task_starts_again() -> None:
    test = request()
    Backtest.objects.update(status="running", started_at=AT)
    backtest.run(test, AT + timedelta(hours=5))
    test.refresh_from_db()
    assert (test.status, test.finished_at) == ("failed", AT + timedelta(hours=5))
    assert "Ask for it again" in test.error


def test_what_nobody_runs_any_more_is_given_up() -> None:
    dead, lost, waiting = request(), request(at=AT - timedelta(days=2)), request()
    Backtest.objects.filter(pk=dead.pk).update(status="running", started_at=AT)
    backtest.give_up(AT)
    status = dict(Backtest.objects.values_list("pk", "status"))
    assert [status[test.pk] for test in (dead, lost, waiting)] == ["failed", "failed", "queued"]


def test_one_whose_strategy_has_changed_since_fails_with_the_reason() -> None:
    test = request()
    Backtest.objects.update(parameters={"gone": 1})
    test.refresh_from_db()
    backtest.run(test, AT)
    test.refresh_from_db()
    assert test.status == "failed"
    assert "gone: is not a parameter of this strategy" in test.error
