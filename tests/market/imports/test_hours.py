"""Times of a file beside the hours of its exchange: zone and stamps are asked for when they do not fit."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from market.imports import hours
from market.imports.csvfile.reader import CandleFile
from market.imports.csvfile.table import Shape
from market.prices import Bars, Instants, Timeframe
from market.sessions import Sessions

NEW_YORK, UTC, EASTERN = ZoneInfo("America/New_York"), ZoneInfo("UTC"), ZoneInfo("Etc/GMT+5")
DAYS = np.array(["2024-11-25", "2024-11-26", "2024-11-27"], dtype="datetime64[D]")
MINUTE = np.timedelta64(1, "m")
OPEN, CLOSE = np.timedelta64(14 * 60 + 30, "m"), np.timedelta64(21 * 60, "m")
SESSIONS = Sessions(
    "XNYS", DAYS, (DAYS + OPEN).astype("datetime64[us]"), (DAYS + CLOSE).astype("datetime64[us]")
)


def minutes(first: str, count: int = 390, days: int = 1) -> Instants:
    """Return the openings of so many minutes from a time of day in UTC on, on each of the first days."""
    start = np.datetime64(f"2024-11-25T{first}", "us")
    each = start + np.arange(count) * MINUTE
    return np.concatenate([each + np.timedelta64(24 * 60 * day, "m") for day in range(days)])


def file(opened_at: Instants, zone: ZoneInfo | None = None, stamped: str = "") -> CandleFile:
    price = np.full(len(opened_at), 10.0)
    bars = Bars.of(opened_at, price, price, price, price, np.zeros(len(opened_at), dtype=np.int64))
    return CandleFile(bars, [], stamped, zone)


def question(candle_file: CandleFile, shape: Shape | None = None) -> str:
    return str(hours.doubt(candle_file, Timeframe.M1, SESSIONS, shape or Shape()) or "")


def test_a_wrong_zone_is_asked_for() -> None:
    """New York's minutes, said to be of UTC."""
    wrong = file(minutes("09:30"), UTC)
    assert question(wrong) == (
        "300 of 390 bars lie outside trading hours: is the zone New York? Say --timezone America/New_York,"
        " or --outside-hours when they are meant to lie there."
    )
    assert question(wrong, Shape(outside_hours=True, stamps="open")) == ""


@pytest.mark.parametrize(
    "fine",
    [
        file(minutes("14:30"), NEW_YORK),
        file(minutes("09:00", 960), UTC),  # the early and late hours, too
        file(minutes("09:30"), None),  # each time says its zone
        file(minutes("09:30", 45), UTC),  # too few to tell
        file(minutes("09:30"), EASTERN),  # would lie outside in New York, too
    ],
    ids=["right", "extended hours", "with zones", "few bars", "no better elsewhere"],
)
def test_what_fits_or_would_fit_nowhere_else_is_not_asked_about(fine: CandleFile) -> None:
    assert question(fine) == ""


def test_stamps_at_the_end_of_the_bar_are_asked_about() -> None:
    ends = file(minutes("14:31", days=3), NEW_YORK)
    assert (
        question(ends) == "stamps look like the end of the bar: say --stamps close, or --stamps open if not."
    )
    assert question(ends, Shape(stamps="open")) == ""


def test_opens_that_a_preset_took_for_closes_are_asked_about() -> None:
    shifted = minutes("14:29", days=3)
    assert "stamps look like the beginning of the bar" in question(file(shifted, NEW_YORK, "close"))
    assert question(file(minutes("14:30", days=3), NEW_YORK, "close")) == ""


def test_bars_that_do_not_trade_at_the_open_or_the_close_are_not_asked_about() -> None:
    assert question(file(minutes("14:35", 300, days=3), NEW_YORK)) == ""


def test_bars_outside_the_sessions_are_told() -> None:
    assert hours.note(minutes("09:00", 960), Timeframe.M1, SESSIONS) == [
        "570 of 960 bars lie outside trading hours: they are kept apart."
    ]
    days = np.array(["2024-11-24", "2024-11-25", "2024-11-28"], dtype="datetime64[us]")
    assert hours.note(days[1:], Timeframe.D1, SESSIONS) == [
        "XNYS has no session on 2024-11-28: strategies see no bars of these days."
    ]
    assert hours.note(days[1:2], Timeframe.D1, SESSIONS) == []
