from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from market import sessions
from market.models import TradingSession
from market.prices import INSTANT, Timeframe, to_datetime, to_instant
from tests import make

pytestmark = pytest.mark.django_db


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamps(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array(texts, dtype=INSTANT)


@pytest.fixture
def july() -> sessions.Sessions:
    make.july_2024()
    return sessions.load("XNYS")


def test_a_session_is_open_from_its_first_instant_to_just_before_its_close(july: sessions.Sessions) -> None:
    assert july.is_open(utc("2024-07-02T13:30"))
    assert july.is_open(utc("2024-07-02T19:59:59"))
    assert not july.is_open(utc("2024-07-02T20:00"))
    assert not july.is_open(utc("2024-07-02T13:29:59"))


def test_the_grid_of_an_early_close_ends_with_it(july: sessions.Sessions) -> None:
    grid = july.grid(Timeframe.M15, *stamps("2024-07-03", "2024-07-05"))
    assert len(grid) == 14
    assert to_datetime(grid[0]) == utc("2024-07-03T13:30")
    assert to_datetime(grid[-1]) == utc("2024-07-03T16:45")


def test_hours_stand_on_the_sessions_own_grid_and_the_last_one_is_cut(july: sessions.Sessions) -> None:
    grid = july.grid(Timeframe.H1, *stamps("2024-07-03", "2024-07-04"))
    assert [to_datetime(opened).strftime("%H:%M") for opened in grid] == ["13:30", "14:30", "15:30", "16:30"]
    assert to_datetime(july.closes_of(Timeframe.H1, grid)[-1]) == utc("2024-07-03T17:00")


def test_a_holiday_has_no_daily_bar(july: sessions.Sessions) -> None:
    days = july.grid(Timeframe.D1, *stamps("2024-07-01", "2024-07-08"))
    assert [str(day)[:10] for day in days] == ["2024-07-01", "2024-07-02", "2024-07-03", "2024-07-05"]


def test_a_week_is_stamped_monday_and_closes_with_its_last_session(july: sessions.Sessions) -> None:
    week = july.buckets(Timeframe.W1, stamps("2024-07-03", "2024-07-05"))
    assert set(week) == {np.datetime64("2024-07-01", "us")}
    assert to_datetime(july.closes_of(Timeframe.W1, week)[0]) == utc("2024-07-05T20:00")


@pytest.mark.parametrize(
    ("at", "newest"),
    [
        ("2024-07-03T17:19:59", "2024-07-02"),
        ("2024-07-03T17:20:00", "2024-07-03"),
        ("2024-07-05T12:00:00", "2024-07-03"),
    ],
)
def test_a_daily_bar_is_final_twenty_minutes_after_its_own_close(
    july: sessions.Sessions, at: str, newest: str
) -> None:
    assert july.newest_final(Timeframe.D1, utc(at)) == utc(newest)


def test_an_intraday_bar_waits_half_a_minute_and_for_the_delay_of_the_feed(july: sessions.Sessions) -> None:
    assert july.newest_final(Timeframe.M15, utc("2024-07-02T14:00:29")) == utc("2024-07-02T13:30")
    assert july.newest_final(Timeframe.M15, utc("2024-07-02T14:00:30")) == utc("2024-07-02T13:45")
    behind = timedelta(minutes=15)
    assert july.newest_final(Timeframe.M15, utc("2024-07-02T14:00:30"), behind) == utc("2024-07-02T13:30")


def test_counting_bars_back_crosses_nights_and_holidays(july: sessions.Sessions) -> None:
    assert july.back(Timeframe.M15, 15, utc("2024-07-05T13:31")) == utc("2024-07-03T13:30")
    assert july.back(Timeframe.D1, 2, utc("2024-07-05T13:31")) == utc("2024-07-03")


def test_extended_hours_are_not_regular(july: sessions.Sessions) -> None:
    opened = stamps("2024-07-03T13:15", "2024-07-03T13:30", "2024-07-03T17:00", "2024-07-04T15:00")
    assert july.regular(Timeframe.M15, opened).tolist() == [False, True, False, False]


def test_a_day_that_an_operator_closed_has_no_session() -> None:
    make.session("2024-07-01", closed=True)
    assert len(sessions.load("XNYS").dates) == 0


def test_the_published_calendar_is_stored_and_a_closure_survives_the_refresh() -> None:
    closure = make.session("2024-07-02", opens="01:00", closes="02:00", closed=True)
    sessions.refresh(["XNYS", "24/7"], make.T0)
    closure.refresh_from_db()
    july = sessions.load("XNYS", since=utc("2024-07-01"), until=utc("2024-07-06"))
    assert closure.closed
    assert closure.opens_at == utc("2024-07-02T13:30")
    assert [day.item() for day in july.dates] == [date(2024, 7, 1), date(2024, 7, 3), date(2024, 7, 5)]
    assert TradingSession.objects.filter(calendar="XNYS").earliest("date").date == date(1990, 1, 2)
    assert TradingSession.objects.filter(calendar="24/7").latest("date").date >= date(2025, 7, 3)


def test_a_day_that_is_published_no_more_is_deleted_unless_it_is_past_or_closed() -> None:
    make.session("2024-06-30")  # a Sunday, before the refresh
    make.session("2024-07-04", closed=True)  # a holiday
    make.session("2024-07-06")  # a Saturday
    sessions.refresh(["XNYS"], make.T0)
    days = TradingSession.objects.filter(date__in=["2024-06-30", "2024-07-04", "2024-07-06"]).order_by("date")
    assert [str(day.date) for day in days] == ["2024-06-30", "2024-07-04"]


def test_a_calendar_that_is_known_far_enough_is_not_asked_for_again() -> None:
    make.session("2025-06-20")
    sessions.ensure(["XNYS"], make.T0)
    assert TradingSession.objects.count() == 1


def test_an_unknown_calendar_is_refused_by_name() -> None:
    with pytest.raises(sessions.UnknownCalendar, match="XXXX"):
        sessions.refresh(["XXXX"], make.T0)


def test_an_instant_inside_a_session_belongs_to_its_date(july: sessions.Sessions) -> None:
    assert july.date_of(utc("2024-07-04T12:00")) == date(2024, 7, 3)
    assert july.next_open(utc("2024-07-04T12:00")) == utc("2024-07-05T13:30")
    assert july.cover(np.array([to_instant(utc("2024-06-01T00:00"))])).tolist() == [False]


def test_between_sessions_the_last_trade_was_at_the_close(july: sessions.Sessions) -> None:
    assert july.traded_until(utc("2024-07-03T14:00")) == utc("2024-07-03T14:00")
    assert july.traded_until(utc("2024-07-04T15:00")) == utc("2024-07-03T17:00")
    assert july.traded_until(utc("2024-01-01T00:00")) == utc("2024-01-01T00:00")


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_where_no_session_is_known_a_bar_closes_when_its_length_is_over(timeframe: Timeframe) -> None:
    closes = sessions.load("XNYS").closes_of(timeframe, stamps("2024-07-01"))
    assert to_datetime(closes[0]) == utc("2024-07-01") + timeframe.length
