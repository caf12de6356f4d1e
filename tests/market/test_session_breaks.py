"""Exchanges that rest over lunch: no bar opens in the break, and none reaches across."""

from datetime import UTC, datetime

import numpy as np
import pandas_market_calendars
import pytest
from django.db import IntegrityError

from approvals import entry_check
from desk import status_bar
from market import sessions, store
from market.ingestion import coverage, gaps, pipeline, schedule
from market.ingestion.lateness import late_bars
from market.models import Candle, Gap, TradingSession
from market.prices import Bars, Feed, Flags, Instants, Timeframe, to_datetime, to_instant
from market.quality import Rejections
from market.queries.hours import watched_calendars
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
    assert not tokyo.is_open(noon)
    assert to_instant(noon) not in tokyo.grid(Timeframe.M15, *day("2024-07-03"))


def tokyo_at(clock: str, day: int = 3) -> datetime:
    return datetime.fromisoformat(f"2024-07-0{day}T{clock}Z")


LUNCH = [("02:29:59", True), ("02:30", False), ("03:00", False), ("03:29:59", False), ("03:30", True)]


@pytest.mark.parametrize(("clock", "is_open"), LUNCH)
def test_over_lunch_the_exchange_is_not_open(tokyo: sessions.Sessions, clock: str, is_open: bool) -> None:
    make.only("7203", calendar="XTKS")
    at = tokyo_at(clock)
    assert tokyo.is_open(at) is is_open
    assert TradingSession.objects.open_at(at).exists() is is_open
    (hours,) = watched_calendars(at)
    assert (hours.closes_at is not None, hours.is_break) == (is_open, not is_open)


def test_the_hours_around_lunch_are_those_of_its_halves(tokyo: sessions.Sessions) -> None:
    at_lunch = entry_check.Hours.of(tokyo, tokyo_at("03:00"))
    later = entry_check.Hours.of(tokyo, tokyo_at("03:31"))
    assert (at_lunch.opened_at, at_lunch.opens_at) == (None, tokyo_at("03:30"))
    assert (at_lunch.traded_until, at_lunch.closes_at) == (tokyo_at("02:30"), tokyo_at("06:00"))
    assert (later.opened_at, later.opens_at, later.traded_until) == (
        tokyo_at("03:30"),
        None,
        tokyo_at("03:31"),
    )


@pytest.mark.parametrize(
    ("timeframe", "start", "bars", "end"),
    [
        (Timeframe.M15, "02:15", 1, "02:30"),
        (Timeframe.M15, "02:15", 2, "03:45"),
        (Timeframe.M15, "03:00", 1, "03:45"),
        (Timeframe.M15, "03:45", -2, "02:15"),
        (Timeframe.H1, "02:00", 1, "04:00"),
        (Timeframe.D1, "00:00", 0.5, "02:30"),
        (Timeframe.D1, "00:00", 0.6, "04:00"),
        (Timeframe.D1, "00:00", 1, "06:00"),
    ],
)
def test_lunch_is_no_session_time(
    tokyo: sessions.Sessions, timeframe: Timeframe, start: str, bars: float, end: str
) -> None:
    (reached,) = tokyo.walk(timeframe, np.array([to_instant(tokyo_at(start))]), bars)
    assert to_datetime(reached) == tokyo_at(end)


def test_over_lunch_no_bar_is_asked_for_and_none_is_late(tokyo: sessions.Sessions) -> None:
    make.only("7203", calendar="XTKS")
    quarters = tokyo.grid(Timeframe.M15, to_instant(tokyo_at("00:00")), to_instant(tokyo_at("02:30")))
    ones = np.ones(len(quarters))
    bars = {"7203": Bars.of(quarters, ones, ones, ones, ones, ones)}
    at = tokyo_at("02:36")
    pipeline.record(bars, Timeframe.M15, provider="test", feed=Feed.LIVE, at=at, rejections=Rejections())
    for timeframe in schedule.fetched():
        schedule.record_answer(bars, timeframe, tokyo, at, AT - AT)
    assert schedule.due(tokyo_at("03:29")) == []
    assert not any(late_bars(tokyo_at("03:29")).values())
    assert {ask.timeframe for ask in schedule.due(tokyo_at("03:45:31"))} >= {Timeframe.M15}


@pytest.mark.parametrize(("clock", "bars"), [("02:32", 10), ("03:29", 10), ("03:47", 11), ("06:02", 20)])
def test_no_bar_of_lunch_is_expected_in_the_grid_of_bars(
    tokyo: sessions.Sessions, clock: str, bars: int
) -> None:
    make.only("7203", calendar="XTKS")
    (row,) = coverage.grid(tokyo_at(clock), Timeframe.M15).rows
    assert row.cells[-1].expected == bars


@pytest.mark.parametrize(
    ("clock", "text", "until"),
    [
        ("02:00", "open, closes", "06:00"),
        ("02:30", "lunch until", "03:30"),
        ("03:30", "open, closes", "06:00"),
    ],
)
def test_the_status_bar_says_that_it_is_lunch(
    tokyo: sessions.Sessions, clock: str, text: str, until: str
) -> None:
    make.only("7203", calendar="XTKS")
    (market,) = (item for item in status_bar.load(tokyo_at(clock)).items if item.name == "Market")
    assert (market.text, market.until) == (text, tokyo_at(until))


# Each by the name that has a source of its own there; what the year holds besides full days.
INDEPENDENT = {
    "XNYS": "NYSE",  # summer time from March 10 to November 3, half days on July 3, November 29, December 24
    "XLON": "LSE",  # summer time from March 31 to October 27, half days on December 24 and 31
    "XTKS": "JPX",  # from November 5 on half an hour longer
    "XHKG": "HKEX",
    "XSHG": "SSE",
    "XBOM": "BSE",
    "24/7": "24/7",
}
# What the other source does not know, as the exchange announced it: half days without an afternoon and a
# day of a typhoon. From and until, in UTC.
MINUTE = np.timedelta64(1, "m")
SHUT = {
    "XHKG": [
        ("2024-02-09T04", "2024-02-10"),
        ("2024-09-06", "2024-09-07"),
        ("2024-12-24T04", "2024-12-25"),
        ("2024-12-31T04", "2025-01-01"),
    ]
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("calendar", "name"), INDEPENDENT.items())
def test_each_minute_of_a_year_is_open_as_another_source_says(calendar: str, name: str) -> None:
    sessions.refresh([calendar], datetime(2026, 7, 1, tzinfo=UTC))
    minutes = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[m]").astype("datetime64[us]")
    schedule = pandas_market_calendars.get_calendar(name).schedule("2023-12-31", "2025-01-01")
    columns = {name: schedule[name].to_numpy("datetime64[us]") for name in schedule.columns}
    theirs = _inside(minutes, columns["market_open"], columns["market_close"])
    if "break_start" in columns:
        theirs &= ~_inside(minutes, columns["break_start"], columns["break_end"])
    stored = sessions.load(calendar)
    ours = stored.cover(minutes)
    for first, until in SHUT.get(calendar, []):
        theirs[(minutes >= np.datetime64(first)) & (minutes < np.datetime64(until))] = False
    assert minutes[ours != theirs].tolist() == []
    assert 0.1 < ours.mean() <= 1
    # The bars of minutes, and those of quarters, are these minutes and no others: none over lunch or after.
    first, last = minutes[0], minutes[-1]
    assert np.array_equal(stored.grid(Timeframe.M1, first, last), minutes[:-1][theirs[:-1]])
    quarters = stored.grid(Timeframe.M15, first, last)
    opened = {quarter + n * MINUTE for quarter in quarters for n in range(15)}
    assert opened >= set(minutes[:-1][theirs[:-1]])
    assert np.isin(quarters, minutes[theirs]).all()


def _inside(minutes: Instants, begins: Instants, ends: Instants) -> Flags:
    """Return which minutes lie in one of these stretches, one at a time: no look-up of ours is used."""
    inside = np.zeros(len(minutes), dtype=np.bool_)
    for begin, end in zip(begins, ends, strict=True):
        if not (np.isnat(begin) or np.isnat(end)):
            inside |= (minutes >= begin) & (minutes < end)
    return inside
