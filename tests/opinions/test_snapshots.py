"""What an analyst is given."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.models import Quote
from market.prices import Timeframe
from opinions import snapshots
from opinions.models import OrchestrationRun
from opinions.snapshots import Subject
from signals.models import Signal, StrategyRecord
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.rising("AAPL")
    make.quote("AAPL", 185.60, make.T0 - timedelta(seconds=5))


def taken(signal: Signal | None = None, context: str = "", held: Any = ()) -> dict[str, Any]:
    run = OrchestrationRun(symbol="AAPL", signal=signal, context=context)
    return snapshots.take([Subject.of(run)], make.T0, held)[0]


def test_it_is_plain_json_and_the_same_after_the_database_had_it() -> None:
    run = make.run(make.signal(), inputs=(snapshot := taken(make.sell())))
    run.refresh_from_db()
    assert run.inputs == snapshot == json.loads(json.dumps(snapshot))


def test_the_quote_has_its_times_its_feed_and_its_age() -> None:
    quote = taken()["quote"]
    assert (quote["price"], quote["as_of"], quote["feed"]) == (185.6, "2024-07-03T13:59:55Z", "live")
    assert (quote["age_seconds"], quote["is_stale"]) == (5.0, False)


def test_what_is_out_of_the_ordinary_with_the_quote_is_told_without_its_doubtful_price() -> None:
    assert taken()["quote"]["states"] == []
    Quote.objects.filter(pk="AAPL").update(
        doubt="outside_book", doubtful_price=1860.0, doubtful_as_of=make.T0, bid=186.1, ask=186.0, halt="news"
    )
    assert taken()["quote"]["states"] == [
        "halted: news",
        "doubtful: the newest price is far outside its own bid and ask",
        "crossed: the bid is above the ask",
    ]


@pytest.mark.parametrize(
    ("at", "is_stale"),
    [("2024-07-03T14:06Z", True), ("2024-07-03T17:21Z", False), ("2024-07-05T13:36Z", True)],
)
def test_a_quote_is_stale_while_its_market_trades_and_not_after_the_close(at: str, is_stale: bool) -> None:
    """Daily bars are final 20 minutes after the close: their signals are looked at then."""
    snapshot = snapshots.take([Subject.of(OrchestrationRun(symbol="AAPL"))], datetime.fromisoformat(at))[0]
    assert snapshot["quote"]["is_stale"] is is_stale


def test_the_last_sixty_closed_bars_and_no_open_one() -> None:
    make.candle("AAPL", "2024-07-03", 999.0, is_final=False)
    rows = taken()["bars"]["rows"]
    assert len(rows) == 60
    assert rows[-1][0] == "2024-07-02T00:00:00Z"
    assert rows[-1][4] == 185.5


def test_the_signal_has_its_levels_and_what_follows_from_them() -> None:
    signal = taken(make.signal())["signal"]
    assert (signal["entry"], signal["stop"], signal["target"]) == (185.5, 180.5, 191.75)
    assert (signal["risk"], signal["reward"], signal["reward_to_risk"]) == (5.0, 6.25, 1.25)
    assert signal["parameters"]["atr_period"] == 14


def test_what_says_the_opposite_is_named() -> None:
    make.sell()
    assert taken(make.signal())["signal"]["opposed_by"] == [
        {"strategy": "rsi_momentum_v1", "timeframe": "1d", "side": "SELL", "confidence": 0.9}
    ]


def test_the_year_is_that_before_and_leaves_out_what_is_doubtful() -> None:
    make.candle("AAPL", "2022-01-03", 500.0)
    make.candle("AAPL", "2024-07-03", 400.0, suspect=True)
    year = taken()["year"]
    assert (year["high"], year["days"]) == (185.5, 260)
    assert year["low"] == pytest.approx(185.5 - 25.9)


def test_the_next_higher_timeframe_tells_its_trend() -> None:
    make.history("AAPL", [100 + 0.1 * n for n in range(60)], Timeframe.W1)
    higher = taken()["higher"]
    assert (higher["timeframe"], higher["trend"]) == ("1w", "bullish")


def test_the_volatility_ranks_among_the_bars_before() -> None:
    volatility = taken()["volatility"]
    assert 0 <= volatility["rank_percent"] <= 100
    assert volatility["bars"] == 246


def test_the_record_here_and_everywhere() -> None:
    counts = {"cases": 40, "targets": 20, "stops": 15, "luck": 0.44, "mean_r": 0.1, "bars": 5_000}
    about = {"strategy_id": "macd_crossover_v1", "timeframe": "1d", "computed_at": make.T0}
    StrategyRecord.objects.create(symbol="AAPL", **about, **counts)
    record = taken(make.signal())["record"]
    assert record["here"] | {"cases": 40, "luck_percent": 44.0, "mean_r": 0.1} == record["here"]
    assert record["here"]["targets_percent"] == 57.1
    assert record["all"] is None


def test_cases_and_refusals_are_recalled_with_what_they_have_in_common() -> None:
    make.memory("made money", features={"r": 1.25, "end": "target"})
    make.memory("rejected: risk", kind="decision", features={"approved": False})
    make.memory("approved", kind="decision", features={"approved": True})
    snapshot = taken(make.signal())
    assert [case["text"] for case in snapshot["cases"]] == ["made money"]
    assert snapshot["cases"][0]["r"] == 1.25
    assert {"strategy", "symbol", "side"} <= set(snapshot["cases"][0]["alike"])
    assert [case["text"] for case in snapshot["refusals"]] == ["rejected: risk"]


def test_nothing_from_after_the_bar_is_recalled() -> None:
    make.memory(known_at=datetime(2024, 7, 2, 20, tzinfo=UTC))
    assert taken(make.signal())["cases"] == []


def test_an_instrument_without_bars_and_quote_says_that_it_knows_nothing() -> None:
    snapshot = snapshots.take([Subject.of(OrchestrationRun(symbol="MSFT"))], make.T0)[0]
    nothing = {name: snapshot[name] for name in ("quote", "higher", "volatility", "year", "record", "signal")}
    assert set(nothing.values()) == {None}
    assert (snapshot["bars"]["rows"], snapshot["trend"], snapshot["indicators"]) == ([], "unknown", {})


def test_what_is_held_and_what_was_asked_is_in_it() -> None:
    held = [{"symbol": "AAPL", "quantity": 10, "average_price": 171.2}]
    snapshot = taken(context="x" * 3_000, held=held)
    assert snapshot["positions"] == held
    assert snapshot["context"] == "x" * 3_000


def test_many_are_as_many_queries_as_one(django_assert_num_queries: Any) -> None:
    signals = [make.signal(), make.sell(), make.signal("MSFT")]
    subjects = [Subject.of(OrchestrationRun(symbol=signal.symbol, signal=signal)) for signal in signals]
    with django_assert_num_queries(15):
        snapshots.take(subjects[:1], make.T0)
    with django_assert_num_queries(15):
        snapshots.take(subjects, make.T0)
