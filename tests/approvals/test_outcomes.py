"""Outcomes of signals and decisions, on bars with prices typed in.

The signal is a daily BUY of 2 July 2024: entry 185.50, stop 180.50, target 191.75, so that 1 R is 5.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import DjangoAssertNumQueries, Settings

from approvals import outcomes
from approvals.models import Outcome
from approvals.queries.outcomes import due_outcomes
from market.models import Candle, Instrument, Split
from market.prices import Timeframe
from market.store import rescale
from signals.models import Signal, StrategyConfig
from signals.trades import End
from tests import make
from tests.approvals.outcome_rows import CALM, Price, candles, days, decision, quarters

pytestmark = pytest.mark.django_db
LATER = datetime(2024, 7, 20, tzinfo=UTC)
QUERIES = 36
UP: Price = (186, 192, 185, 191)
DOWN: Price = (184, 185, 180, 181)


@pytest.fixture(autouse=True)
def sessions() -> None:
    make.july_2024()


def ledger(name: str = "signal", symbol: str = "AAPL") -> Outcome:
    return Outcome.objects.get(ledger=name, symbol=symbol)


def cost(entry: float, exit: float) -> float:
    return 2 / 10_000 * (entry + exit)


def test_a_signal_is_entered_at_the_open_of_the_bar_after_it() -> None:
    days(CALM, CALM, UP)
    make.signal()
    assert outcomes.refresh(LATER) == 2
    result = ledger()
    assert (result.end, result.entry, result.exit, result.is_final) == (End.TARGET, 185, 191.75, True)
    made = 6.75 - cost(185, 191.75)
    assert result.r == pytest.approx(made / 4.5)
    assert result.planned_r == pytest.approx(made / 5)
    assert (result.entered_at, result.exited_at) == (
        datetime(2024, 7, 3, tzinfo=UTC),
        datetime(2024, 7, 5, tzinfo=UTC),
    )
    assert result.luck == pytest.approx(5 / 11.25)


@pytest.mark.parametrize(
    "until_its_end", [timedelta(microseconds=1), timedelta(0), -timedelta(microseconds=1)]
)
@pytest.mark.parametrize("status", Signal.Status)
def test_what_is_due_as_a_decision_is_ended_as_the_row_says(
    status: Signal.Status, until_its_end: timedelta
) -> None:
    make.instrument("AAPL")
    signal = make.signal(status=status, expires_at=make.T0 + until_its_end)
    has_ended = signal.status_at(make.T0) in ("approved", "rejected", "expired")
    due = {row.ledger for row in due_outcomes(make.T0)}
    assert due == ({"signal", "decision"} if has_ended else {"signal"})


@pytest.mark.parametrize("status", ["pending", "cancelled", "expired", "approved", "rejected"])
def test_a_signal_is_counted_whatever_became_of_it(status: str) -> None:
    days(CALM, DOWN)
    make.signal(status=status)
    outcomes.refresh(make.T0)
    assert (ledger().end, ledger().is_final) == (End.STOP, True)
    assert ledger().group == (status if status in Outcome.Group else "none")


def test_a_sell_that_expired_with_nothing_to_sell_is_only_measured(settings: Settings) -> None:
    days(CALM, DOWN)
    make.sell(status="expired")
    outcomes.refresh(make.T0)
    assert ledger("decision").group == "measured"
    Outcome._default_manager.update(computed_at=make.T0 - timedelta(days=1))
    settings.ALLOW_SHORT = True
    outcomes.refresh(make.T0)
    assert ledger("decision").group == "expired"


def test_a_sell_that_expired_with_shares_to_sell_counts_as_expired() -> None:
    days(CALM, DOWN)
    make.fill(make.order(), executed_at=make.T0 - timedelta(hours=1))
    make.sell(status="expired")
    outcomes.refresh(make.T0)
    assert Outcome.objects.get(ledger="decision", strategy_id="rsi_momentum_v1").group == "expired"


def test_on_the_newest_bar_it_waits() -> None:
    days(CALM)
    make.signal()
    outcomes.refresh(make.T0)
    assert (ledger().end, ledger().is_final, ledger().r) == (End.MISSED, False, None)
    days(CALM, CALM)
    outcomes.refresh(make.T0)
    assert (ledger().end, ledger().is_final, ledger().entry) == (End.OPEN, False, 185)
    days(CALM, CALM, DOWN)
    outcomes.refresh(make.T0)
    assert (ledger().end, ledger().is_final) == (End.STOP, True)


def test_without_a_bar_before_it_expires_it_is_missed() -> None:
    days(CALM, CALM)
    make.signal(expires_at=datetime(2024, 7, 2, 20, 30, tzinfo=UTC))
    outcomes.refresh(make.T0)
    assert (ledger().end, ledger().is_final) == (End.MISSED, True)


def test_twice_is_the_same_as_once() -> None:
    days(CALM, CALM)
    make.signal()
    assert outcomes.refresh(LATER) == 2
    before = list(Outcome.objects.values())
    assert outcomes.refresh(LATER + timedelta(hours=1)) == 0
    assert list(Outcome.objects.values()) == before


def test_what_is_open_is_computed_again_when_its_candles_change() -> None:
    days(CALM, CALM)
    days(CALM, symbol="MSFT")
    make.signal(status="cancelled")
    outcomes.refresh(LATER)
    days(CALM, CALM, symbol="MSFT")
    assert outcomes.refresh(LATER) == 0
    days(CALM, CALM, UP)
    assert outcomes.refresh(LATER) == 1


def test_a_signal_is_computed_once_more_after_it_ended() -> None:
    days(CALM, DOWN)
    signal = make.signal()
    outcomes.refresh(make.T0 - timedelta(minutes=1))
    decision(signal, "rejected")
    assert outcomes.refresh(make.T0) == 2
    assert [outcome.group for outcome in Outcome.objects.all()] == ["rejected", "rejected"]
    assert ledger().decided_by is not None


def test_a_decision_is_entered_at_the_first_bar_after_it() -> None:
    quarters({"13:45": CALM, "14:00": CALM, "14:15": (187, 188, 186, 187), "14:30": UP})
    days(CALM)
    decision(make.signal(), at=make.T0 + timedelta(minutes=1))
    outcomes.refresh(LATER)
    result = ledger("decision")
    assert (result.end, result.entry, result.exit) == (End.TARGET, 187, 191.75)
    assert result.entered_at == datetime(2024, 7, 3, 14, 15, tzinfo=UTC)
    assert (result.played_on, result.group) == ("15m", "approved")
    made = 4.75 - cost(187, 191.75)  # risked 6.50 where 5.00 were planned
    assert result.r == pytest.approx(made / 6.5)
    assert result.planned_r == pytest.approx(made / 5)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
@pytest.mark.parametrize("between", [(186, 192, 185, 186), (186, 187, 180, 186)])
def test_it_is_void_when_stop_or_target_traded_before_the_decision(verdict: str, between: Price) -> None:
    quarters({"13:45": between, "14:00": CALM, "14:15": CALM})
    days(CALM)
    decision(make.signal(), verdict, at=make.T0 + timedelta(minutes=1))
    outcomes.refresh(LATER)
    assert (ledger("decision").end, ledger("decision").is_final, ledger("decision").r) == (
        End.VOID,
        True,
        None,
    )


def test_it_is_void_when_the_open_lies_beyond_its_target() -> None:
    quarters({"14:00": CALM, "14:15": (192, 193, 191, 192)})
    days(CALM)
    decision(make.signal(), at=make.T0 + timedelta(minutes=1))
    outcomes.refresh(LATER)
    assert ledger("decision").end == End.VOID


def test_an_approval_is_played_with_the_levels_that_were_decided() -> None:
    quarters({"14:00": CALM, "14:15": CALM, "14:30": (185, 185, 182, 183)})
    days(CALM)
    levels = {"limit_price": "185.00", "stop_loss": "183.00", "take_profit": "190.00", "quantity": 10}
    decision(make.signal(), at=make.T0, decided=levels)
    outcomes.refresh(LATER)
    result = ledger("decision")
    assert (result.end, result.exit) == (End.STOP, 183)
    assert result.r == pytest.approx((-2 - cost(185, 183)) / 2)
    assert result.luck == pytest.approx(2 / 7)
    assert ledger("signal").luck == pytest.approx(5 / 11.25)


def test_what_nobody_decided_is_entered_after_it_expired() -> None:
    quarters({"16:30": CALM, "16:45": CALM})
    candles(Timeframe.M15, {"2024-07-05 13:30": (188, 189, 187, 188), "2024-07-05 13:45": DOWN})
    days(CALM)
    make.signal()
    outcomes.refresh(LATER)
    result = ledger("decision")
    assert (result.group, result.entry, result.end) == ("expired", 188, End.STOP)
    assert result.since == datetime(2024, 7, 3, 17, tzinfo=UTC)


def test_nobody_decides_on_what_is_pending_or_cancelled() -> None:
    days(CALM, CALM)
    make.signal(status="cancelled")
    make.signal("MSFT")
    days(CALM, CALM, symbol="MSFT")
    outcomes.refresh(make.T0)
    assert not Outcome.objects.filter(ledger="decision").exists()


def test_a_decision_before_the_open_is_entered_in_the_daily_bar_of_that_day() -> None:
    days(CALM, (187, 188, 186, 187))
    decision(make.signal(), at=datetime(2024, 7, 3, 12, tzinfo=UTC))
    outcomes.refresh(LATER)
    assert (ledger("decision").entry, ledger("decision").played_on) == (187, "1d")


def test_minutes_that_were_imported_once_are_no_history_of_today() -> None:
    candles(Timeframe.M1, {"2024-06-20 14:00": CALM, "2024-06-20 14:01": CALM})
    quarters({"14:00": CALM, "14:15": CALM})
    days(CALM)
    decision(make.signal())
    outcomes.refresh(LATER)
    assert ledger("decision").played_on == "15m"


def test_the_longest_holding_is_the_same_time_on_finer_bars() -> None:
    StrategyConfig.objects.filter(timeframe="1d").update(longest_holding_bars=1)
    quarters({"14:00": CALM, "14:15": CALM, "16:45": CALM})
    # One session from 14:00 on the 3rd, a seventh of a short day, is a seventh of the 5th: 14:25:42.
    friday = {"13:30": CALM, "14:15": (185, 186, 184, 185.5), "14:30": CALM}
    candles(Timeframe.M15, {f"2024-07-05 {at}": row for at, row in friday.items()})
    days(CALM, CALM)
    decision(make.signal())
    outcomes.refresh(LATER)
    result = ledger("decision")
    assert (result.end, result.exit) == (End.TIMEOUT, 185.5)
    assert result.exited_at == datetime(2024, 7, 5, 14, 15, tzinfo=UTC)
    assert ledger("signal").end == End.TIMEOUT


def test_a_trade_that_is_flat_at_the_close_ends_with_its_session() -> None:
    StrategyConfig.objects.filter(timeframe="1d").update(flat_at_close=True)
    quarters({"14:00": CALM, "16:45": (185, 186, 184, 184.5)})
    candles(Timeframe.M15, {"2024-07-05 13:30": CALM})
    days(CALM)
    decision(make.signal())
    outcomes.refresh(LATER)
    assert (ledger("decision").end, ledger("decision").exit) == (End.SESSION_CLOSE, 184.5)


def test_without_its_configuration_a_trade_lasts_as_long_as_new_ones_of_its_kind() -> None:
    StrategyConfig.objects.all().delete()
    days(CALM, CALM, UP)
    make.signal(strategy_id="gone_v1")
    outcomes.refresh(LATER)
    assert ledger().end == End.TARGET


def test_a_split_is_no_stop() -> None:
    quarters({"14:00": CALM, "14:15": CALM})
    days(CALM, CALM)
    decision(make.signal())
    outcomes.refresh(make.T0)
    rescale("AAPL", 4.0, before=make.bars([1], datetime(2024, 7, 5, tzinfo=UTC)).opened_at[0])
    Split.objects.create(
        symbol="AAPL",
        date=date(2024, 7, 5),
        ratio=4,
        source="alpaca",
        recorded_at=datetime(2024, 7, 5, tzinfo=UTC),
    )
    candles(Timeframe.D1, {"2024-07-05 00:00": (46.5, 48, 46.25, 47.75)})
    candles(Timeframe.M15, {"2024-07-05 13:30": (46.5, 48, 46.25, 47.75)})
    outcomes.refresh(LATER)
    assert [outcome.end for outcome in Outcome.objects.all()] == [End.TARGET, End.TARGET]
    assert ledger().r == pytest.approx((6.75 - cost(185, 191.75)) / 4.5)
    assert ledger().exit == pytest.approx(191.75 / 4)


def test_the_update_converts_stored_outcomes_to_the_risk_really_taken() -> None:
    days(CALM, CALM, UP)
    quarters({"14:00": CALM, "14:15": (187, 188, 186, 187), "14:30": UP})
    decided = {"limit_price": "187.20", "stop_loss": "181.00", "take_profit": "191.00"}
    decision(make.signal(), at=make.T0 + timedelta(minutes=1), decided=decided)
    outcomes.refresh(LATER)
    columns = ("ledger", "signal_id", "r", "planned_r")
    computed = list(Outcome.objects.order_by("pk").values_list(*columns))
    assert sum(r is not None for _, _, r, _ in computed) == 2
    Outcome.objects.exclude(r=None).update(r=F("planned_r"), planned_r=None)  # as they were before
    with connection.cursor() as cursor:
        cursor.execute(import_module("approvals.migrations.0044_risk_really_taken").CONVERT)
    converted = Outcome.objects.order_by("pk").values_list(*columns)
    for (*_, r, planned_r), (*_, r_then, planned_then) in zip(computed, converted, strict=True):
        assert (r_then, planned_then) == (r and pytest.approx(r), planned_r and pytest.approx(planned_r))


def test_while_a_split_is_being_restated_nothing_is_computed() -> None:
    days(CALM, (46, 47, 45, 46))
    make.signal()
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=make.T0)
    assert outcomes.refresh(LATER) == 0


def test_many_signals_take_as_many_queries_as_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for symbol in ("AAPL", "MSFT"):
        quarters({"14:00": CALM, "14:15": UP}, symbol)
        days(CALM, CALM, UP, symbol=symbol)
    decision(make.signal())
    with django_assert_num_queries(QUERIES):
        outcomes.refresh(LATER)
    for day in (28, 27):
        opened_at = datetime(2024, 6, day, tzinfo=UTC)
        decision(make.signal("MSFT", bar_opened_at=opened_at), at=make.T0)
    decision(make.signal("MSFT"), "rejected")
    with django_assert_num_queries(QUERIES):
        assert outcomes.refresh(LATER) == 6


def test_levels_that_were_decided_on_the_wrong_side_are_not_played() -> None:
    days(CALM, CALM, UP)
    decision(make.signal(), at=datetime(2024, 7, 3, 12, tzinfo=UTC), decided={"stop_loss": "186.00"})
    outcomes.refresh(LATER)
    assert ledger("decision").end == End.TARGET


def test_a_sell_is_a_buy_upside_down() -> None:
    days(CALM, (185, 186, 179, 180))
    make.sell(confidence=Decimal("0.8"))
    outcomes.refresh(LATER)
    assert (ledger().end, ledger().exit, ledger().confidence) == (End.TARGET, 179.25, Decimal("0.8"))
    assert Signal.objects.count() == 1


def test_the_worked_example_of_the_docs_adds_up() -> None:
    days(CALM, CALM, UP)
    quarters({"14:00": CALM, "14:15": (187, 188, 186, 187), "14:30": UP})
    decision(make.signal(), "rejected", at=make.T0 + timedelta(minutes=1))
    outcomes.refresh(LATER)
    assert (round(ledger().r or 0, 2), round(ledger("decision").r or 0, 2)) == (1.48, 0.72)
    assert (round(ledger().planned_r or 0, 2), round(ledger("decision").planned_r or 0, 2)) == (1.33, 0.93)
    assert round(ledger().luck, 2) == 0.44


@pytest.mark.parametrize("name", ["signal", "decision"])
def test_a_stop_that_only_a_doubted_low_reaches_is_hit_in_both_ledgers(name: str) -> None:
    days(CALM, CALM, (185, 186, 10.5, 185), UP)
    Candle.objects.filter(low=10.5).update(suspect=True)
    decision(make.signal())
    outcomes.refresh(LATER)
    assert (ledger(name).end, ledger(name).exit) == (End.STOP, 180.5)


def test_a_target_that_only_a_doubted_high_reaches_is_not() -> None:
    days(CALM, CALM, (185, 1850, 184, 185))
    Candle.objects.filter(high=1850).update(suspect=True)
    make.signal()
    outcomes.refresh(LATER)
    assert (ledger().end, ledger().is_final) == (End.OPEN, False)
