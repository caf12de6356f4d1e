"""Dates and times as people and programs write them: the day, the instant, or what the user must say."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from market.imports.csvfile.clocks import read_clocks
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import read
from market.imports.csvfile.table import Shape
from market.prices import Timeframe

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = np.datetime64("2026-01-01", "us")
BAR = ",10,12,9,11,5000\n"


def opened(
    *stamps: str, timeframe: str = "1m", zone: ZoneInfo | None = NEW_YORK, order: str = ""
) -> list[str]:
    rows = "".join(f'"{stamp}"{BAR}' for stamp in stamps)
    text = f"time,open,high,low,close,volume\n{rows}".encode()
    bars = read(text, Timeframe(timeframe), zone, UNTIL, Shape(date_order=order)).bars
    return [str(at)[:16] for at in bars.opened_at]


DAYS = [
    *(
        "45566",
        "45566.0",
        "241001 241015",
        "20241001.0",
        "2024.10.01",
        "01-Oct-2024",
        "Oct 1, 2024",
        "1.10.2024",
    ),
    *(
        "1st October 2024",
        "Oct-01-2024",
        "2024-Oct-01",
        "01OCT2024",
        "01/Oct/2024",
        "2024 10 01",
        "2024-W40-2",
    ),
    *("'2024-10-01'", "10/1/2024 10/14/2024", "1/10/2024 14/10/2024", "1727740800", "1727740800000"),
    *("1727740800000000", "1727740800000000000", "Tuesday, October 1, 2024", "01.10.24", "20241001"),
]


@pytest.mark.parametrize("written", DAYS)
def test_a_day_is_read_however_it_is_written(written: str) -> None:
    stamps = [written] if "," in written or written.count(" ") == 2 else written.split(" ")
    assert opened(*stamps, timeframe="1d", zone=ZoneInfo("UTC"))[0] == "2024-10-01T00:00"


INSTANTS = [
    *("45566.395833333", "202410010930", "20241001093000", "2024-10-01_09:30", "2024-10-01-09-30-00"),
    *("2024-10-01 09:30:00 EDT", "2024-10-01 09:30 ET", "2024-10-01 15:30:00 CEST", "2024-10-01T09:30-0400"),
    *("Tue Oct  1 09:30:00 2024", "Tue Oct 01 09:30:00 EDT 2024", "2024-10-01 22:30 JST"),
    *(
        "Tue Oct 01 2024 09:30:00 GMT-0400 (Eastern Daylight Time)",
        "1 Oct 2024, 9:30 AM",
        "01.10.2024, 09:30",
    ),
]


@pytest.mark.parametrize("written", INSTANTS)
def test_an_instant_is_read_however_it_is_written(written: str) -> None:
    assert opened(written) == ["2024-10-01T13:30"]


def test_a_zone_whose_name_contradicts_the_season_is_asked_for() -> None:
    assert opened("2024-01-02 09:30:00.000 EST", zone=None) == ["2024-01-02T14:30"]
    with pytest.raises(BadFile, match="has no time zone: give one, as in --timezone America/New_York"):
        opened("2024-10-01 09:30 EST", zone=None)
    assert opened("2024-10-01 09:30 EST") == ["2024-10-01T13:30"]
    assert opened("2024-10-01 09:30 EST", zone=ZoneInfo("Etc/GMT+5")) == ["2024-10-01T14:30"]


@pytest.mark.parametrize("zone", ["IST", "CST"])
def test_a_name_of_several_zones_is_refused(zone: str) -> None:
    with pytest.raises(BadFile, match=f"{zone} is not the name of a time zone"):
        opened(f"2024-10-01 09:30 {zone}")


CLOCKS = {
    ("930", "1600"): ["09:30", "16:00"],
    ("93000", "160000"): ["09:30:00", "16:00:00"],
    ("9.30", "16.00"): ["09:30", "16:00"],
    ("9h30", "16h00"): ["09:30", "16:00"],
    ("34200", "34260"): ["09:30:00", "09:31:00"],
    ("0.395833333", "0.5"): ["09:30:00", "12:00:00"],
    ("0", "000000"): ["", ""],
    ("9:30 AM", "09:30:00.000"): ["9:30 AM", "09:30:00.000"],
}


@pytest.mark.parametrize(("written", "read_as"), CLOCKS.items())
def test_a_time_of_day_in_a_column_of_its_own_is_read(written: tuple[str, ...], read_as: list[str]) -> None:
    assert read_clocks(written) == read_as


def test_six_digits_are_read_when_the_column_shows_the_year() -> None:
    assert opened("241001", "241002", "241115", timeframe="1d")[2] == "2024-11-15T00:00"
    with pytest.raises(BadFile, match="can be read in two ways"):
        opened("011024", "021024", timeframe="1d")
    assert opened("011024", "021024", timeframe="1d", order="day") == ["2024-10-01T00:00", "2024-10-02T00:00"]


def test_a_point_in_a_time_is_no_part_of_an_hour() -> None:
    with pytest.raises(BadFile, match="is no date or time"):
        opened("2024-10-01 09.30")
