"""Exchanges that rest over lunch: no bar opens in the break, and none reaches across."""

from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import IntegrityError

from market import sessions, store
from market.ingestion import gaps, pipeline
from market.models import Candle, Gap, TradingSession
from market.prices import Bars, Feed, Instants, Timeframe, to_datetime, to_instant
from market.quality import Rejections
from tests import make

pytestmark = pytest.mark.django_db

AT = datetime(2024, 7, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def tokyo() -> sessions.Sessions:
    """Two sessions, the second one without a break."""
    make.session("2024-07-03", "00:00", "06:00", calendar="XTKS", lunch=("02:30", "03:30"))
    make.session("2024-07-04", "00:00", "02:30", calendar="XTKS")
    return sessions.load("XTKS")


def clocks(stamps: Instants) -> list[str]:
    return [to_datetime(stamp).strftime("%H:%M") for stamp in stamps]


def day(date: str) -> tuple[np.datetime64, np.datetime64]:
    return np.datetime64(date, "us"), np.datetime64(date, "us") + np.timedelta64(1, "D")


def test_hours_begin_anew_after_the_break_and_none_reaches_across(tokyo: sessions.Sessions) -> None:
    grid = tokyo.grid(Timeframe.H1, *day("2024-07-03"))
    assert clocks(grid) == ["00:00", "01:00", "02:00", "03:30", "04:30", "05:30"]
    assert clocks(tokyo.closes_of(Timeframe.H1, grid)) == [
        "01:00",
        "02:00",
        "02:30",
        "04:30",
        "05:30",
        "06:00",
    ]


def test_a_day_without_a_break_has_none(tokyo: sessions.Sessions) -> None:
    assert clocks(tokyo.grid(Timeframe.H1, *day("2024-07-04"))) == ["00:00", "01:00", "02:00"]


@pytest.mark.parametrize(
    ("timeframe", "bars"), [(Timeframe.M1, 300), (Timeframe.M5, 60), (Timeframe.M15, 20)]
)
def test_no_bar_is_expected_in_the_break(tokyo: sessions.Sessions, timeframe: Timeframe, bars: int) -> None:
    grid = tokyo.grid(timeframe, *day("2024-07-03"))
    assert len(grid) == bars
    in_break = (grid >= np.datetime64("2024-07-03T02:30")) & (grid < np.datetime64("2024-07-03T03:30"))
    assert not in_break.any()


def test_a_bar_in_the_break_is_not_regular(tokyo: sessions.Sessions) -> None:
    stamps = np.array([f"2024-07-03T{clock}" for clock in ("02:15", "02:30", "03:15", "03:30")], "M8[us]")
    assert tokyo.regular(Timeframe.M15, stamps).tolist() == [True, False, False, True]


def test_the_daily_bar_closes_with_the_afternoon(tokyo: sessions.Sessions) -> None:
    closes = tokyo.closes_of(Timeframe.D1, np.array([np.datetime64("2024-07-03", "us")]))
    assert to_datetime(closes[0]) == datetime(2024, 7, 3, 6, 0, tzinfo=UTC)


def test_hours_are_built_from_quarters_on_both_sides_of_the_break(tokyo: sessions.Sessions) -> None:
    make.instrument("7203", "XTKS")
    quarters = tokyo.grid(Timeframe.M15, *day("2024-07-03"))
    ones = np.ones(len(quarters))
    bars = Bars.of(quarters, ones, ones, ones, ones, np.full(len(quarters), 10))
    pipeline.record(
        {"7203": bars}, Timeframe.M15, provider="test", feed=Feed.LIVE, at=AT, rejections=Rejections()
    )
    gaps.list_missing(
        {"7203": bars}, Timeframe.M15, to_datetime(quarters[0]), tokyo, AT.replace(day=3, hour=9), AT - AT
    )
    built = store.read_bars(["7203"], Timeframe.H1)["7203"]
    assert clocks(built.opened_at) == ["00:00", "01:00", "02:00", "03:30", "04:30", "05:30"]
    assert built.volume.tolist() == [40, 40, 20, 40, 40, 20]
    assert not Gap.objects.exists()
    assert not Candle.objects.exclude(session=Candle.Session.REGULAR).exists()


def test_a_break_lies_inside_its_session() -> None:
    with pytest.raises(IntegrityError, match="trading_session_breaks_inside"):
        make.session("2024-07-03", "00:00", "06:00", calendar="XTKS", lunch=("05:00", "07:00"))


Hours = tuple[str, str | None, str | None, str]
# What the exchanges publish: opening, break, close, in UTC.
PUBLISHED: dict[str, dict[str, Hours | None]] = {
    "XNYS": {
        "2024-07-02": ("13:30", None, None, "20:00"),
        "2024-07-03": ("13:30", None, None, "17:00"),
        "2024-12-02": ("14:30", None, None, "21:00"),
        "2024-07-04": None,
    },
    "XLON": {
        "2024-07-02": ("07:00", None, None, "15:30"),
        "2024-12-24": ("08:00", None, None, "12:30"),
        "2024-12-26": None,
    },
    "XTKS": {
        "2024-07-02": ("00:00", "02:30", "03:30", "06:00"),
        "2024-12-02": ("00:00", "02:30", "03:30", "06:30"),
        "2024-01-03": None,
    },
    "XHKG": {
        "2024-07-02": ("01:30", "04:00", "05:00", "08:00"),
        "2024-12-24": ("01:30", None, None, "04:00"),
        "2024-07-01": None,
    },
    "XSHG": {
        "2024-07-02": ("01:30", "03:30", "05:00", "07:00"),
        "2024-10-03": None,
    },
    "XBOM": {
        "2024-07-02": ("03:45", None, None, "10:00"),
        "2024-08-15": None,
    },
    "24/7": {"2024-07-06": ("00:00", None, None, "00:00")},
    "XKRX": {"2024-01-02": ("01:00", None, None, "06:30")},  # opens late on the first day of a year
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("calendar", PUBLISHED)
def test_stored_sessions_are_those_that_the_exchange_publishes(calendar: str) -> None:
    sessions.refresh([calendar], datetime(2026, 7, 1, tzinfo=UTC))
    for date, hours in PUBLISHED[calendar].items():
        row = TradingSession.objects.filter(calendar=calendar, date=date).first()
        assert (row and published_hours(row)) == hours, date


def published_hours(row: TradingSession) -> tuple[str | None, ...]:
    moments = (row.opens_at, row.break_starts_at, row.break_ends_at, row.closes_at)
    return tuple(None if at is None else f"{at:%H:%M}" for at in moments)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("alias", "calendar"), [("JPX", "XTKS"), ("SSE", "XSHG"), ("BSE", "XBOM"), ("TSE", "XTKS")]
)
def test_an_alias_has_the_sessions_of_its_exchange(alias: str, calendar: str) -> None:
    sessions.refresh([alias, calendar], datetime(2026, 7, 1, tzinfo=UTC))
    first, second = sessions.load(alias), sessions.load(calendar)
    assert len(first.dates) > 6000
    assert np.array_equal(first.opens, second.opens)
    assert np.array_equal(first.resumes, second.resumes, equal_nan=True)


def test_now_in_the_break_the_newest_final_bar_is_that_of_the_morning(tokyo: sessions.Sessions) -> None:
    noon = datetime(2024, 7, 3, 3, 0, tzinfo=UTC)
    assert tokyo.newest_final(Timeframe.M15, noon) == datetime(2024, 7, 3, 2, 15, tzinfo=UTC)
    assert tokyo.is_open(noon)
    assert to_instant(noon) not in tokyo.grid(Timeframe.M15, *day("2024-07-03"))
