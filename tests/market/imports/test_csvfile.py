"""Candles in a CSV file: what is read from the exports people have, and what is said of a bad line."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import CandleFile, read
from market.prices import Bars, Timeframe

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = np.datetime64("2026-01-01", "us")
HEADER = "time,open,high,low,close,volume\n"


def read_text(text: str, timeframe: str = "1m", zone: ZoneInfo | None = None) -> CandleFile:
    return read(text.encode(), Timeframe(timeframe), zone, UNTIL)


def bars(text: str, timeframe: str = "1m", zone: ZoneInfo | None = None) -> Bars:
    return read_text(text, timeframe, zone).bars


def problem(text: str, timeframe: str = "1m", zone: ZoneInfo | None = None) -> str:
    """Return why a file is refused, without the texts of its lines."""
    with pytest.raises(BadFile) as refusal:
        read_text(text, timeframe, zone)
    return "\n".join(line.partition("  |  ")[0] for line in str(refusal.value).splitlines())


EXPORTS = {
    "jax": (
        "1d",
        "opened_at,open,high,low,close,volume,vwap,provider,feed,session,is_final,suspect,revisions\n"
        "2024-01-02T00:00:00Z,10.0,12.0,9.0,11.0,1000,,alpaca,live,regular,True,False,0\n",
    ),
    "yahoo": (
        "1d",
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,10,12,9,11,10.5,1000\n",
    ),
    "yfinance": (
        "1d",
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n2024-01-02,11,12,9,10,1000\n",
    ),
    "stooq": (
        "1d",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "AAPL.US,D,20240102,000000,10,12,9,11,1000,0\n",
    ),
    "alpaca": (
        "1d",
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap\n"
        "AAPL,2024-01-02 05:00:00+00:00,10,12,9,11,1000.0,7,10.5\n",
    ),
    "ib": ("1d", "date,open,high,low,close,volume,average,barCount\n20240102,10,12,9,11,1000,10.5,7\n"),
    "tradingview": ("1d", "time,open,high,low,close,Volume,Volume MA\n1704205800,10,12,9,11,1000,900\n"),
    "nasdaq": (
        "1d",
        "Date,Close/Last,Volume,Open,High,Low\n01/02/2024,$11.00,1000,$10.00,$12.00,$9.00\n"
        "01/31/2024,$11.00,1000,$10.00,$12.00,$9.00\n",
    ),
    "spreadsheet": (
        "1d",
        "sep=;\nDate;Open;High;Low;Close;Volume\n02.01.2024;10,0;12,0;9,0;11,0;1000\n",
    ),
}


@pytest.mark.parametrize(("timeframe", "text"), EXPORTS.values(), ids=EXPORTS)
def test_an_export_is_read_as_it_is(timeframe: str, text: str) -> None:
    first = next(bars(text, timeframe, NEW_YORK).rows())
    assert first == (datetime(2024, 1, 2, tzinfo=UTC), 10.0, 12.0, 9.0, 11.0, 1000)


STAMPS = {
    "2024-01-02T14:30:00Z": None,
    "2024-01-02T09:30:00-05:00": None,
    "2024-01-02 14:30:00+00:00": None,
    "2024-01-02 14:30:00 UTC": None,
    "1704205800": None,
    "1704205800.0": None,
    "1704205800000": None,
    "1704205800000000": None,
    "1704205800000000000": None,
    "20240102-14:30:00": None,
    "20240102 09:30:00 US/Eastern": None,
    "20240102  09:30:00": NEW_YORK,
    "2024-01-02 09:30": NEW_YORK,
    "2024-01-02 9:30:00": NEW_YORK,
    "2024/01/02 09:30": NEW_YORK,
    "02.01.2024 09:30": NEW_YORK,
    "Jan 2, 2024 9:30 AM": NEW_YORK,
    "2-Jan-2024 09:30": NEW_YORK,
}


@pytest.mark.parametrize(("stamp", "zone"), STAMPS.items())
def test_a_stamp_is_read_to_the_instant(stamp: str, zone: ZoneInfo | None) -> None:
    [opened_at] = bars(f'{HEADER}"{stamp}",10,12,9,11,1000\n', zone=zone).opened_at
    assert opened_at == np.datetime64("2024-01-02T14:30", "us")


def test_a_date_and_a_time_may_stand_in_two_columns() -> None:
    text = "<DATE>;<TIME>;<OPEN>;<HIGH>;<LOW>;<CLOSE>;<VOL>\n20240102;093000;10;12;9;11;1000\n"
    [opened_at] = bars(text, zone=NEW_YORK).opened_at
    assert opened_at == np.datetime64("2024-01-02T14:30", "us")


def test_letters_as_names_thousands_marks_and_a_byte_order_mark_are_understood() -> None:
    text = 't,o,h,l,c,v,vw\n2024-01-02T14:30:00Z,"1,010.5","1,012","1,009","1,011","1,234,567",1010.75\n'
    bar = read(text.encode("utf-8-sig"), Timeframe.M1, None, UNTIL).bars
    assert (bar.open[0], bar.volume[0], bar.vwap[0]) == (1010.5, 1_234_567, 1010.75)


def test_utf_16_and_tabs_are_understood() -> None:
    text = f"{HEADER}2024-01-02T14:30:00Z,10,12,9,11,1000\n".replace(",", "\t")
    assert len(read(text.encode("utf-16"), Timeframe.M1, None, UNTIL).bars) == 1


def test_the_newest_first_is_turned_round() -> None:
    text = f"{HEADER}2024-01-03,10,12,9,11,2\n2024-01-02,10,12,9,11,1\n"
    assert list(bars(text, "1d").volume) == [1, 2]


def test_month_and_day_are_told_apart_by_any_line_that_can_be_read_in_one_way() -> None:
    text = f"{HEADER}02/01/2024,10,12,9,11,1\n31/01/2024,10,12,9,11,1\n"
    assert list(bars(text, "1d").opened_at.astype("datetime64[D]").astype(str)) == [
        "2024-01-02",
        "2024-01-31",
    ]


def test_a_line_without_any_price_is_no_bar() -> None:
    file = read_text(f"{HEADER}2024-01-02,null,null,null,null,null\n2024-01-03,10,12,9,11,1\n", "1d")
    assert (len(file.bars), file.empty_lines) == (1, [2])


def test_the_same_bar_twice_is_one() -> None:
    assert len(bars(f"{HEADER}2024-01-02,10,12,9,11,1\n2024-01-02,10,12,9,11,1\n", "1d")) == 1


def test_an_average_outside_its_bar_is_the_sessions_and_is_left_out() -> None:
    bar = bars("time,open,high,low,close,volume,VWAP\n2024-01-02,10,12,9,11,1,15\n", "1d")
    assert np.isnan(bar.vwap[0])


BAD_LINES = {
    "14:31:00Z,10,9.5,10.1,10,1": "high 9.5 is below low 10.1",
    "14:31:00Z,10,12,9,13,1": "close 13 is above high 12",
    "14:31:00Z,8,12,9,11,1": "open 8 is below low 9",
    "14:31:00Z,10,12,0,11,1": "low is 0, not a price above zero",
    "14:31:00Z,nan,12,9,11,1": "open is nan, not a price above zero",
    "14:31:00Z,10,inf,9,11,1": "high is inf, not a price above zero",
    "14:31:00Z,10,12,9,eleven,1": "close 'eleven' is not a number",
    "14:31:00Z,10,12,9,11,many": "volume 'many' is not a number",
    "14:31:00Z,10,12,9,e7,1": "close 'e7' is not a number",
    "14:31:00Z,10,12,9,11,1e30": "volume is 1e+30, not a number of shares",
    "14:31:00Z,10,12,9,11,-5": "volume is -5, not a number of shares",
    "14:31:00Z,10,12,9,11": "5 cells where the header has 6",
    "14:31:30Z,10,12,9,11,1": "2024-01-02 14:31:30 UTC is not where a bar of 1m opens",
    "14:30:00Z,10,12,9,12,1": "the bar of 2024-01-02 14:30:00 UTC is on line 2 too, with other numbers",
    "25:31:00Z,10,12,9,11,1": (
        "'2024-01-02T25:31:00Z' is no date or time that is known: write 2024-01-31 or 2024-01-31T14:30:00Z"
    ),
    "14:31,10,12,9,11,1": (
        "2024-01-02 14:31:00 has no time zone: give one, as in --timezone America/New_York"
    ),
    "14:31 IST,10,12,9,11,1": (
        "'2024-01-02T14:31 IST': IST is not the name of a time zone; write America/New_York or an offset"
    ),
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.items())
def test_a_bad_line_is_named_with_its_reason(line: str, reason: str) -> None:
    text = f"{HEADER}2024-01-02T14:30:00Z,10,12,9,11,1\n2024-01-02T{line}\n"
    assert problem(text) == f"line 3: {reason}"


BAD_STAMPS = {
    "2026-01-01T00:00:00Z": "2026-01-01 00:00:00 UTC lies in the future",
    "2024-01-02": "'2024-01-02' has no time of day, and a bar of 1m needs one",
    "12345678901": "'12345678901' is no time: seconds since 1970 have 10 digits, milliseconds 13",
    "2024-01-02-05:00": (
        "'2024-01-02-05:00' is no date or time that is known: write 2024-01-31 or 2024-01-31T14:30:00Z"
    ),
}


@pytest.mark.parametrize(("stamp", "reason"), BAD_STAMPS.items())
def test_a_bad_stamp_is_named_with_its_reason(stamp: str, reason: str) -> None:
    assert problem(f"{HEADER}{stamp},10,12,9,11,1\n") == f"line 2: {reason}"


def test_a_time_that_the_clocks_repeated_is_refused() -> None:
    text = f"{HEADER}2024-11-03 01:30,10,12,9,11,1\n"
    assert problem(text, zone=NEW_YORK) == (
        "line 2: 2024-11-03 01:30:00 happened twice in America/New_York (clocks went back):"
        " write it in UTC or with its offset"
    )


def test_a_time_that_the_clocks_skipped_is_refused() -> None:
    text = f"{HEADER}2024-03-10 02:30,10,12,9,11,1\n"
    assert problem(text, zone=NEW_YORK) == (
        "line 2: 2024-03-10 02:30:00 never was in America/New_York (clocks went forward)"
    )


def test_a_date_that_can_be_read_in_two_ways_is_refused() -> None:
    assert problem(f"{HEADER}01/02/2024,10,12,9,11,1\n", "1d") == (
        "line 2: '01/02/2024' can be read in two ways, and no line tells which: write dates as 2024-01-31,"
        " or say --dates month or --dates day"
    )


def test_a_daily_bar_with_an_instant_needs_the_exchanges_zone() -> None:
    text = f"{HEADER}2024-01-03T01:00:00Z,10,12,9,11,1\n"
    assert "has another date in another time zone" in problem(text, "1d")
    assert bars(text, "1d", NEW_YORK).opened_at[0] == np.datetime64("2024-01-02", "us")


def test_the_text_of_a_bad_line_is_quoted_and_cut() -> None:
    with pytest.raises(BadFile) as refusal:
        read_text(f"{HEADER}2024-01-02T14:30:00Z,10,9,12,11,1{'0' * 200}\n")
    reason, _, quoted = str(refusal.value).partition("  |  ")
    assert reason == "line 2: high 9 is below low 12"
    assert quoted.startswith("2024-01-02T14:30:00Z,10,9,12,11,1000")
    assert (len(quoted), quoted[-4:]) == (123, "0...")


def test_at_most_twenty_lines_are_listed_after_their_sum_and_the_rest_counted() -> None:
    rows = [f"2024-01-02T14:{minute:02d}:00Z,10,12,{-minute},11,1\n" for minute in range(60)]
    lines = problem(HEADER + "".join(rows)).splitlines()
    assert lines[0] == "60 lines cannot be taken: 60 as line 2 (low is 0, not a price above zero)."
    assert (len(lines), lines[20][:8], lines[21]) == (22, "line 21:", "... and 40 more lines")


LIKE = "The columns are named as in time,open,high,low,close,volume"
BAD_FILES = {
    "": "the file is empty",
    HEADER: "the file has a header and no bars",
    "2024-01-02,10,12,9,11,1\n": (
        "line 1: no column for open. The first line must name the columns, as in"
        " time,open,high,low,close,volume; of a file without a header say --preset or --columns"
    ),
    "open,high,low,close,volume\n10,12,9,11,1\n": f"line 1: no column for time or date. {LIKE}",
    "time,open,high,low,close,close,volume\n1,1,1,1,1,1,1\n": (
        "line 1: 2 columns are named close, so close is not clear"
    ),
    "symbol,date,open,high,low,close,volume\nA,2024-01-02,10,12,9,11,1\nB,2024-01-02,10,12,9,11,1\n": (
        "the file holds 2 symbols (A, B): name their column with --symbol-column, or give each its own file"
    ),
    "date;open;high;low;close;volume\n2024-01-02;10,5;12;9.25;11;1\n": (
        "'10,5' and '9.25' in one file: which is the decimal mark? Write prices with a point, and thousands"
        " without a mark"
    ),
}


@pytest.mark.parametrize(("text", "reason"), BAD_FILES.items())
def test_a_file_that_cannot_be_understood_is_refused(text: str, reason: str) -> None:
    assert problem(text, "1d") == reason


@pytest.mark.parametrize(("minutes", "looks_like"), [(5, "5m"), (15, "15m"), (60, "1h"), (1440, "1d")])
def test_a_file_of_a_coarser_timeframe_is_refused(minutes: int, looks_like: str) -> None:
    start = np.datetime64("2024-01-02T14:30")
    rows = [f"{start + i * minutes}:00Z,10,12,9,11,1\n" for i in range(30)]
    assert problem(HEADER + "".join(rows)).endswith(f"Is the timeframe {looks_like}?")


PRICE = st.floats(min_value=1e-6, max_value=1e9)
ROW = st.tuples(
    st.integers(min_value=0, max_value=29_000_000),
    st.lists(PRICE, min_size=4, max_size=4).map(sorted),
    st.integers(min_value=0, max_value=2**50 - 1),
)


@given(st.lists(ROW, min_size=1, max_size=15, unique_by=lambda row: row[0]))
def test_what_is_written_is_what_is_read(rows: list[tuple[int, list[float], int]]) -> None:
    lines = [
        f"{np.datetime64(minute, 'm')}:00Z,{open_!r},{high!r},{low!r},{close!r},{volume}\n"
        for minute, (low, open_, close, high), volume in rows
    ]
    read_back = bars(HEADER + "".join(lines))
    expected = sorted(rows)
    assert list(read_back.opened_at.astype("datetime64[m]").astype(int)) == [row[0] for row in expected]
    assert list(read_back.open) == [row[1][1] for row in expected]
    assert list(read_back.high) == [row[1][3] for row in expected]
    assert list(read_back.volume) == [row[2] for row in expected]


CELLS = st.text(alphabet="0123456789.,;:-/+TZAPMeEnaif$ '\"\u00b2\u0660", max_size=12)


@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=4), st.sampled_from(Timeframe))
def test_any_cells_are_read_or_refused_in_words(rows: list[list[str]], timeframe: Timeframe) -> None:
    text = HEADER + "".join(",".join(row) + "\n" for row in rows) + "\n2024,no,number,at,all,1\n"
    assert problem(text, timeframe, NEW_YORK)
