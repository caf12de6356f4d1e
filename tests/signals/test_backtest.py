"""A strategy over stored history: what is counted, and what it is compared with."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from bokeh_sampledata import stocks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from core.statistics import wilson
from market import feeds, store
from market.models import Candle
from market.prices import Bars, Feed, Timeframe, to_datetime
from signals import backtest
from signals import store as panels
from signals.backtest import Setup, Study
from signals.lifetimes import Calendars
from signals.panel import Panel
from signals.strategies.macd_crossover import MacdCrossover
from signals.trades import End, Rules, play
from tests import make
from tests.signals.walks import walk

pytestmark = pytest.mark.django_db

START = datetime(2022, 1, 3, tzinfo=UTC)
DAYS = 400
AT = START + timedelta(days=DAYS + 1)


@pytest.fixture(autouse=True)
def two_histories() -> None:
    """AAPL and MSFT trade round the clock and have 400 daily bars each; TSLA has none."""
    make.only("AAPL", "MSFT", "TSLA", calendar="24/7")
    make.round_the_clock(AT, days=DAYS + 10)
    keep({"AAPL": walk(DAYS, 1, start=START), "MSFT": walk(DAYS, 2, start=START)})


def keep(bars: dict[str, Bars]) -> None:
    store.write_candles(bars, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)


def setup_of(**values: Any) -> Setup:
    given = {"strategy_id": "macd_crossover_v1", "timeframe": "1d", "symbols": ["AAPL", "MSFT"]}
    return backtest.checked(**given | values)


def studied(**values: Any) -> list[Study]:
    return list(backtest.studies(setup_of(**values)))


# What is counted


def test_every_idea_is_accounted_for() -> None:
    for study in studied(minimum_confidence=0.6):
        accounted = study.late + study.below_minimum + study.void + study.missed + study.open
        assert study.ideas == accounted + len(study.cases)
        assert study.below_minimum > 0
        assert len(study.cases) > 5


def test_the_trades_are_those_of_the_strategy_by_the_rules_of_fills() -> None:
    panel = panels.panel(["AAPL"], Timeframe.D1)
    ideas = MacdCrossover().ideas(panel)
    trades = play(panel, ideas, Rules(longest=40), opposing=ideas)
    (study,) = studied(symbols=["AAPL"], minimum_confidence=0)
    assert study.cases.r.tolist() == trades.r[trades.is_result].tolist()
    assert study.ideas == len(ideas)


def test_ideas_below_the_minimum_are_not_traded_and_still_end_trades_of_the_other_side() -> None:
    few, many = (
        studied(symbols=["AAPL"], minimum_confidence=0.7),
        studied(symbols=["AAPL"], minimum_confidence=0),
    )
    assert len(few[0].cases) < len(many[0].cases)
    assert set(few[0].cases.r.tolist()) <= set(many[0].cases.r.tolist())


def test_the_first_day_starts_warm() -> None:
    since = (START + timedelta(days=300)).date()
    (late,), (unlimited,) = studied(symbols=["AAPL"], since=since), studied(symbols=["AAPL"])
    recent = unlimited.cases.spoke_at >= np.datetime64(since)
    assert late.bars == 100
    assert late.cases.r.tolist() == unlimited.cases.r[recent].tolist()


def test_nothing_after_the_last_day_is_known() -> None:
    until = (START + timedelta(days=299)).date()
    (early,), (unlimited,) = studied(symbols=["AAPL"], until=until), studied(symbols=["AAPL"])
    ended = unlimited.cases.ended_at <= np.datetime64(until)
    assert early.bars == 300
    assert early.cases.r.tolist() == unlimited.cases.r[ended].tolist()


def test_an_idea_whose_next_bar_comes_after_it_has_expired_is_missed() -> None:
    (before,) = studied(symbols=["AAPL"], minimum_confidence=0)
    spoke = before.cases.spoke_at[3].astype(datetime).replace(tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM candles WHERE symbol = 'AAPL' AND opened_at > %s AND opened_at <= %s",
            [spoke, spoke + timedelta(days=2)],
        )
    (after,) = studied(symbols=["AAPL"], minimum_confidence=0)
    assert (before.missed, after.missed) == (0, 1)


def test_a_trade_that_is_flat_at_the_close_ends_in_the_session_of_its_entry() -> None:
    bars = walk(3_000, 4, start=AT - timedelta(days=40), timeframe=Timeframe.M15, deviation=0.003)
    store.write_candles({"TSLA": bars}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    (study,) = studied(symbols=["TSLA"], timeframe="15m", minimum_confidence=0)
    entered_on = (study.cases.spoke_at + np.timedelta64(15, "m")).astype("datetime64[D]")
    assert (study.cases.ended_at.astype("datetime64[D]") == entered_on).all()
    assert (study.cases.end == End.SESSION_CLOSE).any()


def test_symbols_do_not_touch_each_other() -> None:
    alone = [studied(symbols=[symbol])[0] for symbol in ("AAPL", "MSFT")]
    for single, other in zip(alone, studied(), strict=True):
        assert single.cases.r.tolist() == other.cases.r.tolist()
        assert (single.exposed, single.held) == (other.exposed, other.held)


def test_reading_costs_the_same_queries_for_many_symbols(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with CaptureQueriesContext(connection) as queries:
        studied(symbols=["AAPL"])
    with django_assert_max_num_queries(len(queries)):
        studied(symbols=["AAPL", "MSFT", "TSLA"])


# What it is compared with


def test_the_figures_follow_from_the_cases() -> None:
    report = backtest.report(setup_of(), studied())
    pooled, *each = report.rows
    assert [row.symbol for row in report.rows] == ["", "AAPL", "MSFT"]
    assert pooled.trades == sum(row.trades for row in each)
    assert pooled.total_r == pytest.approx(sum(row.total_r for row in each))
    assert pooled.average_r == pytest.approx(pooled.total_r / pooled.trades)
    assert pooled.average_r_low < pooled.average_r < pooled.average_r_high
    assert (pooled.target_rate_low, pooled.target_rate_high) == wilson(
        pooled.targets, pooled.targets + pooled.stops
    )
    assert pooled.luck == pytest.approx(2 / 4.5, abs=0.01)  # stop 2 ATR, target 2.5 ATR
    assert 0 < pooled.exposure < 1


def test_holding_is_bought_at_the_first_open_and_sold_at_the_last_close() -> None:
    bars = store.read_bars(["AAPL"], Timeframe.D1)["AAPL"]
    (row,) = backtest.report(setup_of(), studied(symbols=["AAPL"], cost_bps=0)).rows[1:]
    assert row.hold_gain == pytest.approx(bars.close[-1] / bars.open[0] - 1)
    assert 0 < row.hold_fall < 1


def test_random_entries_are_the_same_each_time_and_whoever_is_beside() -> None:
    studies = list(backtest.studies(setup_of(), draws=20))
    (alone,) = backtest.studies(setup_of(symbols=["MSFT"]), draws=20)
    assert np.array_equal(studies[1].chance, alone.chance)
    assert (alone.chance[:, 1] > 0.8 * len(alone.cases)).all()


def test_random_entries_of_prices_without_drift_bring_about_nothing() -> None:
    keep({"TSLA": walk(3_000, 5, start=START - timedelta(days=2_500))})
    (study,) = backtest.studies(setup_of(symbols=["TSLA"], cost_bps=0), draws=100)
    (row,) = backtest.report(setup_of(), [study]).rows[1:]
    assert abs(row.random_r) < 0.1
    assert row.random_r_low < row.random_r < row.random_r_high


def test_an_opposite_event_does_not_hide_the_stops_that_it_comes_before() -> None:
    keep({"TSLA": walk(8_000, 7, start=START - timedelta(days=7_500), deviation=0.01)})
    (study,) = studied(symbols=["TSLA"], minimum_confidence=0)
    row = backtest.report(setup_of(), [study]).rows[0]
    ended = [int((study.cases.end == end).sum()) for end in (End.TARGET, End.STOP)]
    assert ended[0] / sum(ended) > row.luck + 0.1  # of the trades, on a random walk
    assert row.target_rate == pytest.approx(row.luck, abs=0.04)


# Jumps and simulated data


def test_an_unexplained_move_is_counted_and_told() -> None:
    bars = walk(DAYS, 3, start=START)
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[200:] /= 7
    keep({"TSLA": bars})
    report = backtest.report(setup_of(), studied(symbols=["TSLA"]))
    day = (START + timedelta(days=200)).date()
    assert report.warnings == [
        f"TSLA: moves of the size of a split that nothing explains are counted as they are: {day} (by 7)."
        " Answer what they were, in admin or by manage.py moves."
    ]
    assert report.rows[0].hold_fall > 0.8
    (without,) = report.without_moves
    assert without.hold_fall < 0.8
    assert "The same without the trades that were open over an unexplained move" in report.text()
    assert report.as_json()["without_moves"][0]["hold_fall"] == without.hold_fall


def test_a_trade_that_was_open_over_an_unexplained_move_is_counted_and_left_out_beside() -> None:
    bars = walk(DAYS, 3, start=START)
    keep({"TSLA": bars})
    (plain,) = studied(symbols=["TSLA"])
    held_over = np.searchsorted(bars.opened_at, plain.cases.ended_at[5])
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[held_over:] /= 2
    keep({"TSLA": bars})
    studies = studied(symbols=["TSLA"])
    report = backtest.report(setup_of(), studies)
    across = int(studies[0].cases.across.sum())
    assert across >= 1
    assert report.without_moves[0].trades == report.rows[1].trades - across


def test_without_an_unexplained_move_there_is_one_result() -> None:
    keep({"TSLA": walk(DAYS, 3, start=START)})
    report = backtest.report(setup_of(), studied(symbols=["TSLA"]))
    assert report.without_moves == []
    assert "without_moves" not in report.as_json()


@pytest.mark.parametrize(("day", "is_told"), [(100, True), (396, False)], ids=["cold", "warm again"])
def test_a_jump_before_the_tested_days_is_told_while_they_begin_cold(day: int, is_told: bool) -> None:
    bars = walk(DAYS, 3, start=START)
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[3:] /= 7
    keep({"TSLA": bars})
    since = (START + timedelta(days=day)).date()
    (study,) = studied(strategy_id="ma_crossover_v1", symbols=["TSLA"], since=since)
    assert bool(study.jumps) is is_told


@pytest.mark.parametrize("until", [date(9999, 12, 31), date(1, 1, 1)])
def test_days_that_no_bar_can_have_are_refused(until: date) -> None:
    with pytest.raises(backtest.BacktestRefused, match="write one from 1900-01-01 to 2200-01-01"):
        setup_of(until=until)


@pytest.mark.parametrize("minimum", ["nan", "snan", "inf", "-inf"])
def test_a_minimum_that_is_no_number_is_refused(minimum: str) -> None:
    with pytest.raises(backtest.BacktestRefused, match="a number from 0 to 1"):
        setup_of(minimum_confidence=Decimal(minimum))


def test_real_prices_from_before_two_splits_say_where_the_splits_were() -> None:
    table = stocks.AAPL
    prices = [np.array(table[name]) for name in ("open", "high", "low", "close", "volume")]
    bars = Bars.of(np.array(table["date"], dtype="datetime64[us]"), *prices)
    bars.final[:] = True
    keep({"TSLA": bars})
    (study,) = studied(symbols=["TSLA"])
    assert [f"{jump.opened_at:%Y-%m-%d} {jump.factor:g}" for jump in study.jumps] == [
        "2000-06-21 2",
        "2005-02-28 2",
    ]
    assert len(study.cases) > 100
    assert study.held.gain == pytest.approx(bars.close[-1] / bars.open[0] - 1, rel=0.01)


def test_simulated_data_is_called_so() -> None:
    feeds.settle_installation("simulated", AT)
    report = backtest.report(setup_of(), studied())
    assert "WARNING: The data is simulated" in report.text()
    assert report.as_json()["warnings"] == report.warnings


def test_a_symbol_without_bars_for_these_days_is_named() -> None:
    report = backtest.report(setup_of(), studied(symbols=["AAPL", "TSLA"]))
    assert report.warnings == ["No 1d bars of TSLA are stored for these days."]
    assert report.rows[2].as_json()["hit_rate"] is None


def test_no_bars_at_all_give_no_figures() -> None:
    setup = replace(setup_of(), symbols=("TSLA",))
    row = backtest.report(setup, backtest.studies(setup, draws=2)).rows[0].as_json()
    assert (row["bars"], row["trades"], row["average_r"], row["random_r"], row["hold_gain"]) == (
        0,
        0,
        None,
        None,
        None,
    )


# Bars in doubt


def test_a_bar_in_doubt_gives_no_ideas_and_ends_what_is_held_at_its_stop() -> None:
    """One day after the entry has a low of a cent and a high of a thousand times the price."""
    undoubted = Panel.of(walk(DAYS, 1, start=START), "AAPL")
    setup, calendars = setup_of(symbols=["AAPL"]), Calendars.load({"AAPL": "24/7"})
    before = backtest.evaluate(undoubted, setup, calendars)[0]
    case = int(np.flatnonzero((before.cases.held > 3) & (before.cases.end != End.STOP))[0])
    row = int(np.searchsorted(undoubted.bars.opened_at, before.cases.spoke_at[case])) + 2
    bars = undoubted.bars[np.arange(DAYS)]
    extra = bars[np.array([row])]
    extra.low[:], extra.high[:], extra.suspect[:] = 0.01, bars.high[row] * 1_000, True
    extra.opened_at[:] -= np.timedelta64(12, "h")
    doubted = Panel.of(Bars.join([bars[:row], extra, bars[row:]]), "AAPL")
    after = backtest.evaluate(doubted, setup, calendars)[0]
    same = after.cases.spoke_at.tolist().index(before.cases.spoke_at.tolist()[case])
    assert (after.ideas, after.bars) == (before.ideas, before.bars + 1)
    assert (after.cases.end[same], after.cases.held[same]) == (End.STOP, 2)
    assert after.held == before.held  # its close is believed
    assert [(bar.symbol, bar.opened_at) for bar in after.doubted] == [
        ("AAPL", to_datetime(extra.opened_at[0]))
    ]


def test_a_report_says_how_many_bars_are_in_doubt_and_which() -> None:
    Candle.objects.filter(symbol="AAPL", opened_at=START + timedelta(days=200)).update(suspect=True)
    setup = setup_of()
    report = backtest.report(setup, backtest.studies(setup))
    assert [row.doubted for row in report.rows] == [1, 1, 0]
    assert report.as_json()["rows"][1]["doubted"] == 1
    assert (
        "AAPL: 1 of 400 bars are in doubt: 2022-07-22. They gave no ideas; of their prices the worse reading"
        " counts." in report.warnings
    )
