"""Which bars are late, around the New York close of 2024-07-02."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from market.ingestion.lateness import GRACE, late_bars
from market.models import CandleProgress, Instrument
from market.prices import Timeframe
from tests import make

pytestmark = pytest.mark.django_db

# The bar from 14:00 to 14:15 UTC is final 30 s after its end.
BEFORE, BAR = datetime(2024, 7, 2, 13, 45, tzinfo=UTC), datetime(2024, 7, 2, 14, tzinfo=UTC)
FINAL = BAR + timedelta(minutes=15, seconds=30)


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    settings.CANDLE_TIMEFRAMES = ["15m", "1d"]
    make.july_2024()
    make.only("AAPL", "MSFT")


def answer(
    through: datetime,
    symbol: str = "AAPL",
    timeframe: str = "15m",
    delay: int = 0,
    newest: datetime | None = None,
) -> None:
    CandleProgress.objects.create(
        symbol=symbol,
        timeframe=timeframe,
        answered_at=through,
        answered_through=through,
        newest_at=newest or through,
        delay_seconds=delay,
    )


def late(at: datetime, timeframe: Timeframe = Timeframe.M15) -> list[str]:
    return list(late_bars(at)[timeframe])


def test_a_bar_is_late_five_minutes_after_it_is_final() -> None:
    answer(BEFORE)
    answer(BAR, "MSFT")
    assert late(FINAL + GRACE - timedelta(seconds=1)) == []
    assert late(FINAL + GRACE) == ["AAPL"]


def test_a_delayed_feed_may_be_late_by_its_delay() -> None:
    answer(BEFORE, delay=900)
    assert late(FINAL + GRACE) == []
    assert late(FINAL + GRACE + timedelta(minutes=15)) == ["AAPL"]


def test_while_the_exchange_is_closed_the_last_bar_of_the_session_is_enough() -> None:
    answer(datetime(2024, 7, 3, 16, 45, tzinfo=UTC))  # the last one of the half day before Independence Day
    assert late(datetime(2024, 7, 5, 13, tzinfo=UTC)) == []
    assert late(datetime(2024, 7, 5, 14, tzinfo=UTC)) == ["AAPL"]


def test_a_daily_bar_is_late_after_the_close_of_its_session() -> None:
    answer(datetime(2024, 7, 1, tzinfo=UTC), timeframe="1d")
    assert late(datetime(2024, 7, 2, 20, 24, tzinfo=UTC), Timeframe.D1) == []
    assert late(datetime(2024, 7, 2, 20, 25, tzinfo=UTC), Timeframe.D1) == ["AAPL"]


def test_a_thin_instrument_without_a_trade_for_an_hour_is_not_late() -> None:
    answer(BAR + timedelta(hours=1), newest=BEFORE)
    make.instrument("AMD")
    for symbol in ("MSFT", "AMD"):
        answer(BAR + timedelta(hours=1), symbol)
    assert late(FINAL + GRACE + timedelta(hours=1)) == []


def test_one_without_a_trade_for_a_whole_session_is_late() -> None:
    today = BAR + timedelta(days=1)
    answer(today, newest=datetime(2024, 7, 1, 19, 45, tzinfo=UTC))
    for symbol in ("MSFT", "SPY", "AMD"):
        make.instrument(symbol)
        answer(today, symbol)
    assert late(FINAL + GRACE + timedelta(days=1)) == ["AAPL"]


def test_when_half_of_a_calendar_lags_behind_they_are_late() -> None:
    answer(BAR + timedelta(hours=1), newest=BEFORE)
    answer(BAR + timedelta(hours=1), "MSFT")
    assert late(FINAL + GRACE + timedelta(hours=1)) == ["AAPL"]


def test_a_weekly_bar_is_not_late_in_the_middle_of_its_week(settings: Settings) -> None:
    settings.CANDLE_TIMEFRAMES = ["1w"]
    answer(datetime(2024, 6, 24, tzinfo=UTC), timeframe="1w")
    assert late(FINAL + GRACE, Timeframe.W1) == []


def test_only_what_is_watched_and_was_answered_once_can_be_late() -> None:
    answer(BEFORE)
    Instrument.objects.filter(pk="AAPL").update(watched=False)
    assert late(FINAL + GRACE) == []


def test_a_calendar_without_sessions_expects_nothing() -> None:
    make.instrument("SAP", "XETR")
    answer(BEFORE, "SAP")
    assert late(FINAL + GRACE) == []


def test_two_queries_however_many_instruments(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(30):
        symbol = f"S{number}"
        make.instrument(symbol)
        answer(BEFORE, symbol)
    with django_assert_num_queries(2):
        assert len(late(FINAL + GRACE)) == 30
