"""Files of earnings dates: our own columns, and the calendars that vendors give."""

from datetime import date

import pytest

from market.imports.earnings import read
from market.imports.facts import BadFile
from market.providers.earnings import ReportTime


def test_all_columns() -> None:
    (report,) = read(b"symbol,date,time,status,fiscal_period\nbrk-b,2026-12-04,after,confirmed,Q4 2026\n")
    assert (report.symbol, report.date) == ("BRK.B", date(2026, 12, 4))
    assert (report.time, report.is_confirmed, report.fiscal_period) == (ReportTime.AFTER, True, "Q4 2026")


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("BMO", ReportTime.BEFORE),
        ("bmo", ReportTime.BEFORE),
        ("Before Market Open", ReportTime.BEFORE),
        ("before the open", ReportTime.BEFORE),
        ("time-pre-market", ReportTime.BEFORE),
        ("Pre-Market", ReportTime.BEFORE),
        ("07:00", ReportTime.BEFORE),
        ("6:45 AM ET", ReportTime.BEFORE),
        ("AMC", ReportTime.AFTER),
        ("After Close", ReportTime.AFTER),
        ("After Market Close", ReportTime.AFTER),
        ("time-after-hours", ReportTime.AFTER),
        ("post-market", ReportTime.AFTER),
        ("afterhours", ReportTime.AFTER),
        ("4:05 PM EST", ReportTime.AFTER),
        ("16:30:00", ReportTime.AFTER),
        ("DMH", ReportTime.DURING),
        ("During Market Hours", ReportTime.DURING),
        ("11:00", ReportTime.DURING),
        ("time-not-supplied", ReportTime.UNKNOWN),
        ("Time Not Supplied", ReportTime.UNKNOWN),
        ("TAS", ReportTime.UNKNOWN),
        ("N/A", ReportTime.UNKNOWN),
        ("-", ReportTime.UNKNOWN),
        ("", ReportTime.UNKNOWN),
        ("00:00:00", ReportTime.UNKNOWN),
    ],
)
def test_the_time_as_calendars_write_it(written: str, time: ReportTime) -> None:
    (report,) = read(f"Ticker;Earnings Date;Time\nAAPL;2026-12-04;{written}\n".encode())
    assert report.time is time


@pytest.mark.parametrize("written", ["2026-12-04", "2026-12-04T21:00:00Z", '"Dec 4, 2026"', "04-Dec-2026"])
def test_the_day_as_calendars_write_it(written: str) -> None:
    (report,) = read(f"Report Date,EPS Estimate\n{written},1.2\n".encode(), "AAPL")
    assert report.date == date(2026, 12, 4)
    assert not report.is_confirmed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "name the columns"),
        ("date\n2026-12-04\n", "name the columns"),
        ("symbol,date\n", "nothing in it"),
        ("symbol,date\nAAPL,04/12/2026\n", "line 2: '04/12/2026' is no date"),
        ("symbol,date,time\nAAPL,2026-12-04,teatime\n", "'teatime' is no time"),
        ("symbol,date,time\nAAPL,2026-12-04,25:00\n", "line 2"),
        ("symbol,date,status\nAAPL,2026-12-04,perhaps\n", "'perhaps' is no status"),
        ("symbol,date\n???,2026-12-04\n", "no symbol"),
    ],
)
def test_what_is_wrong_is_quoted(text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        read(text.encode())
