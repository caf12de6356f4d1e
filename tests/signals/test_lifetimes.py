"""How long a signal waits, counted on trading sessions."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.prices import INSTANT, Timeframe, to_datetime, to_instant
from market.sessions import Sessions
from signals.lifetimes import NEVER, Calendars, expires

HOURS = {
    "2024-11-25": ("14:30", "21:00"),
    "2024-11-26": ("14:30", "21:00"),
    "2024-11-27": ("14:30", "21:00"),
    # 28 November is a holiday, the 29th closes early, then a weekend.
    "2024-11-29": ("14:30", "18:00"),
    "2024-12-02": ("14:30", "21:00"),
    "2024-12-03": ("14:30", "21:00"),
    "2024-12-04": ("14:30", "21:00"),
}
KNOWN = Sessions(
    "XNYS",
    dates=np.array(list(HOURS), dtype="datetime64[D]"),
    opens=np.array([f"{day}T{opens}" for day, (opens, _) in HOURS.items()], dtype=INSTANT),
    closes=np.array([f"{day}T{closes}" for day, (_, closes) in HOURS.items()], dtype=INSTANT),
)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}:00Z").astimezone(UTC)


def after(timeframe: Timeframe, closed_at: datetime, bars: int) -> datetime | None:
    (instant,) = expires(KNOWN, timeframe, np.array([to_instant(closed_at)]), bars)
    return None if np.isnat(instant) else to_datetime(instant)


@pytest.mark.parametrize(
    ("closed_at", "expected"),
    [
        ("11-25T21:00", "11-26T21:00"),
        ("11-27T21:00", "11-29T18:00"),
        ("11-29T18:00", "12-02T21:00"),
    ],
    ids=["the next day", "over a holiday, at an early close", "over a weekend"],
)
def test_a_daily_signal_waits_until_the_close_of_the_next_session(closed_at: str, expected: str) -> None:
    assert after(Timeframe.D1, instant(closed_at), 1) == instant(expected)


@pytest.mark.parametrize(
    ("closed_at", "expected"),
    [
        ("11-25T15:00", "11-25T17:00"),
        ("11-25T19:00", "11-25T21:00"),
        ("11-25T20:30", "11-26T16:00"),
        ("11-27T21:00", "11-29T16:30"),
        ("11-29T17:30", "12-02T16:00"),
    ],
    ids=["inside", "exactly at the close", "into the next", "over a holiday", "over an early close"],
)
def test_eight_quarters_are_two_hours_of_session_time(closed_at: str, expected: str) -> None:
    assert after(Timeframe.M15, instant(closed_at), 8) == instant(expected)


def test_no_signal_waits_longer_than_a_day_while_there_is_trading() -> None:
    assert after(Timeframe.D1, instant("11-25T21:00"), 3) == instant("11-26T21:00")
    assert after(Timeframe.M15, instant("12-02T16:00"), 40) == instant("12-03T16:00")


def test_where_the_calendar_ends_nothing_is_known() -> None:
    assert after(Timeframe.D1, instant("12-04T21:00"), 1) is None
    assert after(Timeframe.M15, instant("12-04T20:00"), 8) is None


def open_time(start: datetime, end: datetime) -> timedelta:
    """How long sessions were open between the two."""
    opens, closes = KNOWN.opens.clip(to_instant(start), None), KNOWN.closes.clip(None, to_instant(end))
    return timedelta(microseconds=int((closes - opens).astype(np.int64).clip(0).sum()))


MOMENTS = st.integers(0, 6 * 24 * 60).map(lambda minutes: instant("11-25T16:00") + timedelta(minutes=minutes))


@given(closed_at=MOMENTS, bars=st.integers(1, 60))
def test_a_lifetime_is_session_time_and_at_most_a_day_while_there_is_trading(
    closed_at: datetime, bars: int
) -> None:
    end = after(Timeframe.M15, closed_at, bars)
    assert end is not None
    waited = open_time(closed_at, end)
    assert waited <= bars * timedelta(minutes=15)
    is_capped = end - closed_at == timedelta(hours=24) or to_instant(end) in KNOWN.closes
    assert waited == bars * timedelta(minutes=15) or is_capped
    rested = not KNOWN.cover(np.array([to_instant(closed_at + timedelta(hours=24))]))[0]
    assert end - closed_at <= timedelta(hours=24) or rested


@given(closed_at=MOMENTS, bars=st.integers(1, 25))
def test_one_bar_more_never_expires_earlier(closed_at: datetime, bars: int) -> None:
    sooner, later = after(Timeframe.M15, closed_at, bars), after(Timeframe.M15, closed_at, bars + 1)
    assert sooner is not None
    assert later is not None
    assert sooner <= later


@given(moment=MOMENTS, bars=st.integers(1, 25))
def test_walking_there_and_back_ends_where_it_began_or_in_the_closed_hours_around(
    moment: datetime, bars: int
) -> None:
    later = KNOWN.walk(Timeframe.M15, np.array([to_instant(moment)]), bars)
    back = to_datetime(KNOWN.walk(Timeframe.M15, later, -bars)[0])
    assert open_time(min(back, moment), max(back, moment)) < timedelta(milliseconds=1)


def test_the_longest_session_counts_its_last_short_bar() -> None:
    calendars = Calendars({"AAPL": "XNYS"}, {"XNYS": KNOWN})
    slots = [calendars.most_slots(timeframe) for timeframe in (Timeframe.M15, Timeframe.H1, Timeframe.D1)]
    assert slots == [26, 7, 1]


@pytest.mark.parametrize(
    ("timeframe", "at", "oldest"),
    [
        (Timeframe.M15, "11-26T16:00", "11-26T15:25"),
        (Timeframe.M15, "11-26T14:40", "11-25T20:35"),
        (Timeframe.M15, "12-02T14:30", "11-29T17:25"),
        (Timeframe.D1, "11-27T21:00", "11-25T20:55"),
    ],
)
def test_data_is_stale_after_two_bars_and_five_minutes_of_session_time(
    timeframe: Timeframe, at: str, oldest: str
) -> None:
    calendars = Calendars({"AAPL": "XNYS"}, {"XNYS": KNOWN})
    assert calendars.stale_before(timeframe, instant(at))["AAPL"] == to_instant(instant(oldest))


def test_before_the_calendar_begins_nothing_is_known() -> None:
    calendars = Calendars({"AAPL": "XNYS"}, {"XNYS": KNOWN})
    assert np.isnat(calendars.stale_before(Timeframe.D1, instant("11-25T16:00"))["AAPL"])
    assert np.isnat(NEVER)
