"""What a scan stores, and why it stores nothing."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from market import store
from market.models import Gap, Instrument, UnexplainedMove
from market.prices import Bars, Feed, Timeframe
from signals import scan
from signals.models import Scan, Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import STRATEGIES, Ideas
from signals.strategies.macd_crossover import MacdCrossover
from tests import make

pytestmark = pytest.mark.django_db

QUARTER = timedelta(minutes=15)
AT = make.T0 + timedelta(minutes=1)
FAR_STOP = {"stop_atr": 20, "target_atr": 40, "second_target_atr": 60}  # neither trades in these tests


def counts(done: Scan) -> dict[str, int]:
    (only,) = done.counts
    return {name: value for name, value in only.items() if isinstance(value, int) and value}


def test_an_event_on_the_newest_bar_becomes_a_pending_signal_with_its_reason(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    done = scan.run(AT)
    signal = Signal.objects.get()
    assert (signal.symbol, signal.signal_type, signal.status) == ("AAPL", "BUY", "pending")
    assert signal.bar_opened_at == make.T0 - QUARTER
    assert signal.generated_at == make.T0
    assert signal.expires_at == make.T0 + 8 * QUARTER
    assert signal.confidence == Decimal("0.7")
    assert (signal.provider, signal.feed) == ("simulator", "simulated")
    assert signal.reasoning.startswith("MACD")
    assert (done.outcome, done.stored) == (Scan.Outcome.FINISHED, 1)


def test_a_second_scan_adds_nothing_and_evaluates_nothing(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    scan.run(AT)
    again = scan.run(AT + timedelta(minutes=1))
    assert Signal.objects.count() == 1
    assert counts(again) == {"symbols": 1}


def test_a_scan_whose_progress_was_lost_adds_nothing(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    scan.run(AT)
    StrategyConfig.objects.update(scanned_at=None)
    again = scan.run(AT)
    assert Signal.objects.count() == 1
    assert counts(again)["ideas"] == 1
    assert again.stored == 0


def test_bars_missed_while_the_worker_was_down_are_evaluated(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning()[:-1], until=make.T0 - QUARTER)
    scan.run(make.T0 - QUARTER + timedelta(minutes=1))
    rising = [*make.turning(), 96.5, 96.8, 97.0]
    make.history("AAPL", rising, until=make.T0 + 3 * QUARTER)
    done = scan.run(make.T0 + 3 * QUARTER + timedelta(minutes=1))
    assert counts(done) == {"symbols": 1, "evaluated": 4, "ideas": 1, "stored": 1}
    assert Signal.objects.get().generated_at == make.T0


def test_a_bar_that_came_after_a_newer_one_may_speak_too(macd: StrategyConfig) -> None:
    bars = make.bars([*make.turning(), 96.5], make.T0 - 60 * QUARTER)
    holed = Bars.join([bars[:59], bars[60:]])
    store.write_candles({"AAPL": holed}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    scan.run(make.T0 + QUARTER + timedelta(minutes=1))
    store.write_candles({"AAPL": bars}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    done = scan.run(make.T0 + QUARTER + timedelta(minutes=2))
    at_the_newer, at_the_filled = Signal.objects.order_by("-bar_opened_at")
    assert (at_the_newer.status, at_the_newer.ended_reason) == ("cancelled", "bar revised")
    assert (at_the_filled.status, at_the_filled.generated_at) == ("pending", make.T0)
    assert counts(done) == {"symbols": 1, "stored": 1}


def test_what_would_have_expired_is_counted_and_not_stored(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning()[:-1], until=make.T0 - QUARTER)
    scan.run(make.T0 - QUARTER + timedelta(minutes=1))
    rising = [*make.turning(), *(96.5 + 0.3 * n for n in range(9))]
    make.history("AAPL", rising, until=make.T0 + 9 * QUARTER)
    done = scan.run(make.T0 + 9 * QUARTER + timedelta(minutes=1))
    assert counts(done) == {"symbols": 1, "evaluated": 10, "ideas": 1, "expired": 1}


def test_ideas_below_the_minimum_are_counted_and_not_stored(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(minimum_confidence=Decimal("0.71"))
    make.history("AAPL", make.turning())
    done = scan.run(AT)
    assert counts(done)["below_minimum"] == 1
    assert not Signal.objects.exists()


def test_an_idea_at_the_minimum_is_stored(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(minimum_confidence=Decimal("0.70"))
    make.history("AAPL", make.turning())
    assert scan.run(AT).stored == 1


def test_an_event_after_an_outage_of_ours_is_late(macd: StrategyConfig) -> None:
    bars = make.bars(make.turning(), make.T0 - 60 * QUARTER)
    kept = Bars.join([bars[:57], bars[59:]])
    store.write_candles({"AAPL": kept}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    Gap.objects.create(
        symbol="AAPL",
        timeframe="15m",
        first_at=make.T0 - 3 * QUARTER,
        last_at=make.T0 - 2 * QUARTER,
        bars=2,
        reason=Gap.Reason.OUTAGE,
        found_at=make.T0,
    )
    done = scan.run(AT)
    assert counts(done)["late"] == 1
    assert not Signal.objects.exists()


def test_a_newer_event_supersedes_the_pending_one_and_is_linked(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(parameters=FAR_STOP, minimum_confidence=Decimal("0.6"))
    make.history("AAPL", make.turning())
    scan.run(AT)
    make.history("AAPL", [*make.turning(), 92.5], until=make.T0 + QUARTER)
    done = scan.run(make.T0 + QUARTER + timedelta(minutes=1))
    older, newer = Signal.objects.order_by("generated_at")
    assert (older.status, older.ended_reason, older.superseded_by) == (
        "cancelled",
        "superseded by a newer event",
        newer,
    )
    assert (newer.signal_type, newer.status) == ("SELL", "pending")
    assert counts(done)["superseded"] == 1


def test_of_two_events_in_one_scan_only_the_newer_is_pending(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(parameters=FAR_STOP, minimum_confidence=Decimal("0.6"))
    make.history("AAPL", make.turning()[:-1], until=make.T0 - QUARTER)
    scan.run(make.T0 - QUARTER + timedelta(minutes=1))
    make.history("AAPL", [*make.turning(), 92.5], until=make.T0 + QUARTER)
    scan.run(make.T0 + QUARTER + timedelta(minutes=1))
    older, newer = Signal.objects.order_by("generated_at")
    assert (older.status, older.superseded_by) == ("cancelled", newer)
    assert newer.status == "pending"


def test_a_newer_event_below_the_minimum_ends_the_pending_one_too(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(parameters=FAR_STOP, minimum_confidence=Decimal("0.6"))
    make.history("AAPL", make.turning())
    scan.run(AT)
    make.history("AAPL", [*make.turning(), 92.5], until=make.T0 + QUARTER)
    StrategyConfig.objects.update(minimum_confidence=Decimal("0.9"))
    scan.run(make.T0 + QUARTER + timedelta(minutes=1))
    signal = Signal.objects.get()
    assert (signal.status, signal.superseded_by) == ("cancelled", None)


def test_too_few_bars_warm_up_and_the_scan_says_how_many_are_needed(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning(20))
    done = scan.run(AT)
    assert counts(done) == {"symbols": 1, "evaluated": 8, "warming_up": 1}
    assert done.counts[0]["reasons"] == {"warming_up": "AAPL needs 34 bars, has 20"}


def test_the_moving_averages_need_two_hundred_bars(macd: StrategyConfig) -> None:
    StrategyConfig.objects.filter(pk=macd.pk).update(strategy_id="ma_crossover_v9", enabled=False)
    StrategyConfig.objects.filter(strategy_id="ma_crossover_v1", timeframe="15m").update(enabled=True)
    make.history("AAPL", make.turning(60))
    assert scan.run(AT).counts[0]["reasons"] == {"warming_up": "AAPL needs 200 bars, has 60"}


def test_stale_data_is_skipped_and_the_scan_says_so(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    stale = scan.run(make.T0 + timedelta(minutes=36))
    assert counts(stale) == {"symbols": 1, "stale": 1}
    assert stale.counts[0]["reasons"] == {"stale": "AAPL has no bar since 2024-07-03 14:00 UTC"}
    assert not Signal.objects.exists()


def test_data_of_two_timeframes_and_five_minutes_is_not_stale(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    assert scan.run(make.T0 + timedelta(minutes=35)).stored == 1


def test_what_was_stale_is_evaluated_once_newer_bars_come(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    scan.run(make.T0 + timedelta(minutes=36))
    make.history("AAPL", [*make.turning(), 96.5, 96.8], until=make.T0 + 2 * QUARTER)
    assert scan.run(make.T0 + timedelta(minutes=37)).stored == 1


def test_an_instrument_whose_split_is_pending_is_left_alone(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    Instrument.objects.update(split_pending_since=make.T0)
    done = scan.run(AT)
    assert counts(done) == {"symbols": 1, "split_pending": 1}


def test_an_instrument_with_an_unexplained_move_waits_for_its_answer(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    move = make.move()
    done = scan.run(AT)
    assert counts(done) == {"symbols": 1, "unexplained_move": 1}
    assert done.counts[0]["reasons"]["unexplained_move"].startswith("AAPL has moved as by a split")
    UnexplainedMove.objects.filter(pk=move.pk).update(answer="real", answered_at=AT)
    assert scan.run(AT + timedelta(minutes=1)).stored == 1


def test_a_move_asked_about_since_the_list_was_read_keeps_its_signal_back(
    macd: StrategyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class AskedMeanwhile(MacdCrossover):
        def ideas(self, panel: Panel) -> Ideas:
            make.move()
            return super().ideas(panel)

    monkeypatch.setitem(STRATEGIES, macd.strategy_id, AskedMeanwhile)
    make.history("AAPL", make.turning())
    done = scan.run(AT)
    assert (counts(done)["ideas"], done.stored) == (1, 0)
    assert not Signal.objects.exists()


def test_only_watched_instruments_are_scanned(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning())
    Instrument.objects.update(watched=False)
    assert counts(scan.run(AT)) == {}


@pytest.mark.parametrize(("mark", "value"), [("final", False), ("suspect", True), ("regular", False)])
def test_unfinished_suspect_and_extended_bars_say_nothing(
    macd: StrategyConfig, mark: str, value: bool
) -> None:
    bars = make.bars(make.turning(), make.T0 - 60 * QUARTER)
    getattr(bars, mark)[-1] = value
    store.write_candles({"AAPL": bars}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    assert scan.run(AT).stored == 0


def test_an_instrument_of_tiny_prices_does_not_disturb_the_others(macd: StrategyConfig) -> None:
    make.only("AAPL", "SHIB", calendar="24/7")
    Instrument.objects.filter(symbol="SHIB").update(tick_size=Decimal("0.000001"))
    make.history("AAPL", make.turning())
    make.history("SHIB", [price * 1e-7 for price in make.turning()])
    scan.run(AT)
    assert list(Signal.objects.values_list("symbol", flat=True)) == ["AAPL"]


@pytest.mark.parametrize("bars", [8, 97, 1000])
def test_a_lifetime_beyond_the_longest_wait_is_cut_to_a_day(macd: StrategyConfig, bars: int) -> None:
    StrategyConfig.objects.update(lifetime_bars=bars)
    make.history("AAPL", make.turning())
    scan.run(AT)
    assert Signal.objects.get().expires_at == make.T0 + min(bars * QUARTER, timedelta(days=1))


def test_a_signal_whose_stop_traded_during_a_pause_of_ours_is_not_left_pending(macd: StrategyConfig) -> None:
    make.history("AAPL", make.turning()[:-1], until=make.T0 - QUARTER)
    scan.run(make.T0 - QUARTER + timedelta(minutes=1))
    bars = make.bars([*make.turning(), 96.2], make.T0 - 60 * QUARTER)
    bars.low[-1] = 90
    store.write_candles({"AAPL": bars}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    done = scan.run(make.T0 + QUARTER + timedelta(minutes=1))
    assert done.ended == {"stop traded before a decision": 1}
    assert Signal.objects.get().status == "cancelled"


def test_a_move_that_was_called_real_is_history_like_any_other(macd: StrategyConfig) -> None:
    before = make.bars([200.0] * 100, make.T0 - 120 * QUARTER)
    moved = Bars.join([before, make.bars([50.0] * 20, make.T0 - 20 * QUARTER)])
    store.write_candles({"AAPL": moved}, Timeframe.M15, provider="import", feed=Feed.LIVE)
    make.move(day="2024-07-03", answer="real", answered_at=AT)
    assert scan.run(AT).counts[0]["warming_up"] == 0


def test_a_configuration_that_was_changed_is_evaluated_again(macd: StrategyConfig) -> None:
    StrategyConfig.objects.update(minimum_confidence=Decimal("0.9"))
    make.history("AAPL", make.turning())
    scan.run(AT)
    StrategyConfig.objects.filter(pk=macd.pk).update(minimum_confidence=Decimal("0.7"), changed_at=AT)
    assert scan.run(AT + timedelta(minutes=1)).stored == 1


def test_impossible_parameters_silence_their_configuration_only(
    macd: StrategyConfig, caplog: pytest.LogCaptureFixture
) -> None:
    StrategyConfig.objects.filter(strategy_id="rsi_momentum_v1", timeframe="15m").update(
        enabled=True, parameters={"oversold": 99}
    )
    make.history("AAPL", make.turning())
    assert scan.run(AT).stored == 1
    assert (
        "rsi_momentum_v1 15m failed, 1 in a row: BadParameters: oversold: must be a number from 1 to 50."
        in caplog.text
    )


@pytest.mark.django_db(transaction=True)
def test_a_scan_while_another_one_works_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.scan.cycle.PATIENCE", 0.1)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtextextended('signals scan', 0))")
        done = scan.run(AT)
    other.close()
    assert (done.outcome, done.counts) == (Scan.Outcome.SKIPPED, [])


def test_a_scan_that_died_is_marked_by_the_next_one(macd: StrategyConfig) -> None:
    dead = Scan.objects.create(started_at=make.T0, outcome=Scan.Outcome.RUNNING)
    scan.run(AT)
    dead.refresh_from_db()
    assert dead.outcome == Scan.Outcome.BROKEN


@pytest.mark.parametrize("count", [1, 20])
def test_more_symbols_are_no_more_queries(
    macd: StrategyConfig, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    symbols = [f"S{n}" for n in range(count)]
    make.only(*symbols, calendar="24/7")
    for symbol in symbols:
        make.history(symbol, make.turning())
    with django_assert_num_queries(52):
        assert scan.run(AT).stored == count
