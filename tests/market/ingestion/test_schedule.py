from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import Settings

from market import sessions
from market.ingestion import pipeline, schedule
from market.ingestion.schedule import Ask
from market.models import CandleProgress, Instrument
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from tests import make

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 7, 2, 16, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_watched(settings: Settings) -> None:
    settings.CANDLE_TIMEFRAMES, settings.CANDLE_BACKFILL = ["15m"], 8
    make.july_2024()
    make.only("AAPL", "MSFT")


def answer(bars: dict[str, Bars], at: datetime, delay: timedelta = timedelta(0)) -> None:
    pipeline.record(
        bars, Timeframe.M15, provider="x", feed=Feed.LIVE, at=at, delay=delay, rejections=Rejections()
    )
    schedule.record_answer(bars, Timeframe.M15, sessions.load("XNYS"), at, delay)


def morning(bars: int) -> Bars:
    return make.bars([100.0 + n for n in range(bars)], datetime(2024, 7, 2, 13, 30, tzinfo=UTC))


def test_at_first_the_whole_backfill_is_asked_for_at_once() -> None:
    since = datetime(2024, 7, 2, 14, 15, tzinfo=UTC)
    assert schedule.due(NOON) == [Ask(("AAPL", "MSFT"), Timeframe.M15, since)]


def test_what_was_answered_is_asked_again_only_when_a_bar_has_closed_and_settled() -> None:
    answer({"AAPL": morning(10), "MSFT": morning(10)}, NOON)
    quarter_past = NOON.replace(minute=15, second=0)
    assert schedule.due(NOON + timedelta(minutes=14)) == []
    assert schedule.due(quarter_past + timedelta(seconds=29)) == []
    overlap = datetime(2024, 7, 2, 14, 45, tzinfo=UTC)
    assert schedule.due(quarter_past + timedelta(seconds=30)) == [
        Ask(("AAPL", "MSFT"), Timeframe.M15, overlap)
    ]


def test_the_symbol_that_has_waited_longest_goes_first() -> None:
    answer({"AAPL": morning(10)}, NOON + timedelta(seconds=5))
    answer({"MSFT": morning(10)}, NOON)
    (ask,) = schedule.due(NOON + timedelta(minutes=16))
    assert ask.symbols == ("MSFT", "AAPL")


def test_nothing_is_asked_over_a_holiday() -> None:
    make.only("AAPL")
    close = datetime(2024, 7, 3, 17, 1, tzinfo=UTC)
    answer({"AAPL": make.bars([100.0] * 14, datetime(2024, 7, 3, 13, 30, tzinfo=UTC))}, close)
    assert schedule.due(close + timedelta(hours=40)) == []


def test_a_bar_that_is_late_is_asked_for_again_for_five_minutes_and_then_left() -> None:
    make.only("AAPL")
    answer({"AAPL": morning(9)}, NOON)
    assert len(schedule.due(NOON + timedelta(minutes=1))) == 1
    answer({"AAPL": morning(9)}, NOON + timedelta(minutes=5))
    assert schedule.due(NOON + timedelta(minutes=6)) == []


def test_a_delayed_feed_is_asked_when_its_own_bars_are_there() -> None:
    make.only("AAPL")
    behind = timedelta(minutes=15)
    answer({"AAPL": morning(9)}, NOON, behind)
    assert schedule.due(NOON + timedelta(minutes=14)) == []
    assert len(schedule.due(NOON + timedelta(minutes=15))) == 1


def test_daily_bars_are_fetched_again_before_the_next_open(settings: Settings) -> None:
    settings.CANDLE_TIMEFRAMES = ["1d"]
    make.only("AAPL")
    evening = datetime(2024, 7, 2, 21, 0, tzinfo=UTC)
    days = make.bars([100.0] * 6, datetime(2024, 6, 27, tzinfo=UTC), Timeframe.D1)
    pipeline.record(
        {"AAPL": days}, Timeframe.D1, provider="x", feed=Feed.LIVE, at=evening, rejections=Rejections()
    )
    schedule.record_answer({"AAPL": days}, Timeframe.D1, sessions.load("XNYS"), evening, timedelta(0))
    assert schedule.due(datetime(2024, 7, 3, 11, 29, tzinfo=UTC)) == []
    (correction,) = schedule.due(datetime(2024, 7, 3, 11, 30, tzinfo=UTC))
    assert correction.since == datetime(2024, 6, 26, tzinfo=UTC) + timedelta(days=1)


def test_an_instrument_taken_off_the_watchlist_is_not_asked_for() -> None:
    Instrument.objects.filter(symbol="AAPL").update(watched=False)
    assert [ask.symbols for ask in schedule.due(NOON)] == [("MSFT",)]


def test_forgetting_brings_the_whole_history_again() -> None:
    answer({"AAPL": morning(10), "MSFT": morning(10)}, NOON)
    schedule.forget(["AAPL"])
    assert CandleProgress.objects.count() == 1
    assert [ask.symbols for ask in schedule.due(NOON)] == [("AAPL",)]


def test_a_long_watchlist_is_asked_for_in_parts() -> None:
    make.only(*(f"S{n:03}" for n in range(250)))
    assert [len(ask.symbols) for ask in schedule.due(NOON)] == [100, 100, 50]
