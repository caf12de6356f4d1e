"""The shapes in which vendors, programs and people keep candles: read to the same bars, or refused."""

import gzip
import io
import zipfile
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from openpyxl import Workbook

from market.imports.csvfile import text as texts
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.reader import CandleFile, read
from market.imports.csvfile.table import Shape
from market.prices import Timeframe

NEW_YORK = ZoneInfo("America/New_York")
UNTIL = np.datetime64("2026-01-01", "us")
DAYS = [
    ("2024-11-26", 1242.09, 1243.66, 1241.83, 1243.6, 25_569_008),
    ("2024-11-27", 1243.6, 1244.25, 1243.28, 1244.09, 35_658_919),
    ("2024-11-29", 1244.09, 1246.04, 1243.92, 1245.97, 29_776_177),
]
BARS = [(datetime.fromisoformat(f"{day}T00:00:00Z"), *values) for day, *values in DAYS]
PLAIN = "Date,Open,High,Low,Close,Volume\n" + "".join(",".join(map(str, day)) + "\n" for day in DAYS)


def load(
    content: str | bytes,
    timeframe: str = "1d",
    zone: ZoneInfo | None = None,
    *,
    preset: str = "",
    columns: str = "",
    stamps: str = "",
) -> CandleFile:
    encoded = content.encode() if isinstance(content, str) else content
    shape = Shape(preset, tuple(columns.split(",")) if columns else (), stamps)
    return read(encoded, Timeframe(timeframe), zone, UNTIL, shape)


def refusal(content: str | bytes, timeframe: str = "1d", **said: str) -> str:
    with pytest.raises(BadFile) as refused:
        load(content, timeframe, NEW_YORK, **said)
    return str(refused.value)


def table(header: str, row: str, **more: str) -> str:
    """Return the days as a table: `row` names the columns day, o, h, l, c and v, and their German forms."""
    lines = [header]
    for day, *values in DAYS:
        at = date.fromisoformat(day)
        names = dict(zip("ohlcv", values, strict=True))
        german = {name.upper(): _german(value) for name, value in names.items()}
        lines.append(row.format(at=at, month=f"{at:%b}", millions=values[-1] / 1e6, **names, **german))
    return "\n".join(lines) + "\n"


def _german(value: float) -> str:
    return f"{value:,.2f}".translate({ord(","): ".", ord("."): ","})


CELLS = ",{o},{h},{l},{c},{v}"
ROW = "{at}" + CELLS
GERMAN_CELLS = ";{O};{H};{L};{C};{v}"
GERMAN = "{at:%d.%m.%Y}" + GERMAN_CELLS
ENGLISH = "Date,Open,High,Low,Close,Volume"
TABLES = {
    "yahoo's page": table(
        "Date,Open,High,Low,Close    Close price adjusted for splits.,Adj Close    With dividends.,Volume",
        '"{at:%b %d, %Y}",{o},{h},{l},{c},1.5,"{v:,}"',
    ),
    "yfinance by ticker": table(
        "Ticker,A,A,A,A,A\nPrice,Open,High,Low,Close,Volume\nDate,,,,,", "{at},{o},{h},{l},{c},{v}"
    ),
    "yfinance flat": table("Date,Close_A,High_A,Low_A,Open_A,Volume_A", "{at},{c},{h},{l},{o},{v}"),
    "quantmod": table('"","A.Open","A.High","A.Low","A.Close","A.Volume","A.Adjusted"', ROW + ",1"),
    "tuples of pandas": table(
        ",".join(["Date", *(f"\"('{name}', 'A')\"" for name in ENGLISH.split(",")[1:])]), ROW
    ),
    "alpha vantage as a table": table(",1. open,2. high,3. low,4. close,5. volume", ROW),
    "unnamed index": table(",Open,High,Low,Close,Volume", ROW),
    "name of the index below": table(",Open,High,Low,Close,Volume\nDate,,,,,", ROW),
    "row names of R": table("Open,High,Low,Close,Volume", ROW),
    "nasdaq": table("Date,Close/Last,Volume,Open,High,Low", "{at:%m/%d/%Y},${c},{v},${o},${h},${l}"),
    "units": table("Date,Open (USD),High (USD),Low (USD),Close (USD),Volume (shares)", ROW),
    "stars": table("Date,Open,High,Low,Close*,Adj Close**,Volume", "{at},{o},{h},{l},{c},1,{v}"),
    "bloomberg": table("Dates,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME", ROW),
    "databento": table("ts_event,open,high,low,close,volume", "{at}T00:00:00.000000000Z" + CELLS),
    "tabs": table(ENGLISH.replace(",", "\t"), "{at:%b %d, %Y}\t{o:,}\t{h:,}\t{l:,}\t{c:,}\t{v:,}"),
    "two digits for the year": table(ENGLISH, "{at:%m/%d/%y}" + CELLS),
    "name of the month": table(ENGLISH, "{at:%d-%b-%y}" + CELLS),
    "weekday": table(ENGLISH, '"{at:%a, %b %d, %Y}"' + CELLS),
    "german": table("Datum;Er\u00f6ffnung;Hoch;Tief;Schluss;Volumen", GERMAN),
    "german shares and money": table("Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen", GERMAN + ";9"),
    "german months": table(
        "Datum;Er\u00f6ffnung;H\u00f6chst;Tiefst;Schlu\u00df;St\u00fcck", "{at:%d. %b. %Y}" + GERMAN_CELLS
    ),
    "title and blank lines": "Apple Inc.\n\n" + PLAIN.replace("\n", "\n\n"),
    "address": "https://www.example.com/data\n" + PLAIN,
    "comments": "# from a program\n#" + PLAIN + "# end\n",
    "delimiter at the end": PLAIN.replace("\n", ",\n"),
    "sep": "sep=;\n" + PLAIN.replace(",", ";"),
    "mac": "\ufeff" + PLAIN.replace("\n", "\r"),
    "notes": PLAIN + '"Downloaded from a vendor as of 11-29-2024"\nPrices are adjusted, for splits.\n',
    "note with empty cells": PLAIN + "Source: a vendor,,,,,\n",
    "dividends": PLAIN.replace("2024-11-27", '"Nov 27, 2024",0.25 Dividend,,,,\n2024-11-27')
    + "2024-08-12,0.2 Dividend\n",
    "header again": PLAIN + PLAIN,
    "spaces": table(ENGLISH.replace(",", " "), ROW.replace(",", " ")),
    "columns of one width": table(
        "Date         Open     High     Low      Close    Volume", "{at}   {o:<9}{h:<9}{l:<9}{c:<9}{v}"
    ),
    "a frame of pandas": table(
        "               Open     High      Low    Close    Volume\nDate",
        "{at}  {o:>8} {h:>8} {l:>8} {c:>8} {v:>9}",
    ),
    "markdown": table(
        "| Date | Open | High | Low | Close | Volume |\n|:---|---:|---:|---:|---:|---:|",
        "| {at} | {o} | {h} | {l} | {c} | {v} |",
    ),
    "psql": table(
        " date | open | high | low | close | volume \n------+------+------+-----+-------+--------",
        " {at} | {o} | {h} | {l} | {c} | {v}",
    )
    + "(3 rows)\n\n",
    "mysql": table(
        "+------+---+---+\n| date | open | high | low | close | volume |\n+------+---+---+",
        "| {at} | {o} | {h} | {l} | {c} | {v} |",
    )
    + "+------+---+---+\n3 rows in set\n",
    "single quotes": table(ENGLISH.replace(",", ";"), "'{at}';'{o}';'{h}';'{l}';'{c}';'{v}'"),
    "codes of a currency": table(ENGLISH, "{at},USD {o},{h} USD,USD{l},{c},{v}"),
    "lakh": PLAIN.replace("25569008", '"2,55,69,008"'),
    "empty columns before": "".join(f",,{line}\n" for line in PLAIN.splitlines()),
    "totals": PLAIN + "Total,,,,,90\nAverage,1,2,1,2,30\n",
    "count of rows": PLAIN + "3 rows\n",
    "end of an old file": PLAIN + "\x1a",
    "iqfeed": table("", "{at},{h},{l},{o},{c},{v},0"),
    "crsp": table("PERMNO,date,TICKER,BIDLO,ASKHI,PRC,VOL,OPENPRC", "1,{at:%Y%m%d},A,{l},{h},{c},{v},{o}"),
    "compustat": table("gvkey,datadate,tic,cshtrd,prccd,prchd,prcld,prcod", "1,{at},A,{v},{c},{h},{l},{o}"),
    "dukascopy": table("Etc/UTC,Open,High,Low,Close,Volume", "{at:%Y.%m.%d} 00:00:00" + CELLS),
    "nse": table(
        "SYMBOL, SERIES, DATE1, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, CLOSE_PRICE, TTL_TRD_QNTY",
        "A, EQ, {at:%d-%b-%Y}, {o}, {h}, {l}, 1, {c}, {v}",
    ),
    "no header, a date": PLAIN.partition("\n")[2],
    "ninjatrader": table("", "{at:%Y%m%d};{o};{h};{l};{c};{v}"),
    "kibot": table("", "{at:%m/%d/%Y}" + CELLS),
    "lean": "".join(
        f"{day.replace('-', '')} 00:00,{','.join(str(round(10_000 * price)) for price in prices)},{volume}\n"
        for day, *prices, volume in DAYS
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", TABLES.values(), ids=TABLES)
def test_a_daily_table_is_read_to_its_bars(text: str) -> None:
    assert list(load(text, zone=NEW_YORK).bars.rows()) == BARS


@pytest.mark.parametrize("text", [TABLES["german"], TABLES["german months"]])
def test_the_letters_of_windows_are_understood(text: str) -> None:
    assert list(load(text.encode("cp1252")).bars.rows()) == BARS


VOLUMES = {
    "29.78M": 29_780_000,
    "5.6K": 5_600,
    "1.2b": 1_200_000_000,
    '"1,234,567"': 1_234_567,
    "0": 0,
    "": np.nan,
    "N/A": np.nan,
    "-": np.nan,
    "0.31": 0.31,
    "0.00012K": 0.12,
}


@pytest.mark.parametrize(("cell", "volume"), VOLUMES.items())
def test_a_volume_is_a_number_or_not_known(cell: str, volume: float) -> None:
    text = f"Date,Price,Open,High,Low,Vol.\n2024-11-27,11,10,12,9,{cell}\n2024-11-29,11,10,12,9,7\n"
    assert load(text).bars.volume == pytest.approx([volume, 7], nan_ok=True)


def test_a_file_without_volume_has_none_that_is_known() -> None:
    assert np.isnan(load("time,open,high,low,close\n2024-11-27,10,12,9,11\n").bars.volume).all()


def test_a_decimal_comma_between_commas_is_seen_by_its_digits() -> None:
    text = table(
        '"Datum","Zuletzt","Er\u00f6ffn.","Hoch","Tief","Vol.","+/- %"',
        '"{at:%d.%m.%Y}","{C}","{O}","{H}","{L}","{millions:.2f}M","1,02%"',
    )
    first = next(
        load(text.replace(".57M", ",57M").replace(".66M", ",66M").replace(".78M", ",78M")).bars.rows()
    )
    assert first == (*BARS[0][:5], 25_570_000)


def minutes(row: str) -> str:
    """Return four minutes, with {m} from 30 to 33 of half past nine in New York on 2024-11-27."""
    return "".join(row.format(m=minute) + "\n" for minute in range(30, 34))


HALF_PAST_NINE = datetime(2024, 11, 27, 14, 30, tzinfo=UTC)
EPOCH = int(HALF_PAST_NINE.timestamp())
SHAPES = {
    "Kibot": minutes("11/27/2024,09:{m},10,12,9,11,70"),
    "FirstRate Data": minutes("2024-11-27 09:{m}:00,10,12,9,11,70"),
    "MetaTrader 4": minutes("2024.11.27,09:{m},10,12,9,11,70"),
    "MetaTrader 5": minutes("2024.11.27\t09:{m}:00\t10\t12\t9\t11\t3\t70\t2"),
    "NinjaTrader": minutes("20241127 09{m}00;10;12;9;11;70").replace("0930", "0934"),
    "LEAN": minutes("20241127 09:{m},100000,120000,90000,110000,70"),
    "IQFeed": minutes("2024-11-27 09:{m}:00,12,9,10,11,900,70,3").replace("09:30", "09:34"),
    "Kraken": "".join(f"{EPOCH + 60 * i},10,12,9,11,70,3\n" for i in range(4)),
    "Binance": "".join(f"{EPOCH + 60 * i}000,10,12,9,11,70,0,1,2,3,4,0\n" for i in range(4)),
}  # fmt: skip


@pytest.mark.parametrize(("vendor", "text"), SHAPES.items())
def test_the_shape_of_a_vendor_is_recognized_without_a_header(vendor: str, text: str) -> None:
    file = load(text, "1m", NEW_YORK)
    assert next(file.bars.rows()) == (HALF_PAST_NINE, 10.0, 12.0, 9.0, 11.0, 70)
    assert file.notes[0].startswith(f"It has the shape of {vendor}:")


@pytest.mark.parametrize("day", ["20241127 09{m}00;", "2024.11.27,09:{m},"])
def test_a_volume_that_is_always_zero_is_histdatas_and_not_known(day: str) -> None:
    mark = day[-1]
    file = load(minutes(day + mark.join(["10", "12", "9", "11", "0"])), "1m", ZoneInfo("Etc/GMT+5"))
    assert np.isnan(file.bars.volume).all()
    assert (file.bars.opened_at[0], file.stamped) == (np.datetime64("2024-11-27T14:30", "us"), "open")


def test_a_named_preset_says_zone_and_month_too() -> None:
    text = minutes("11/07/2024,09:{m},10,12,9,11,70")
    assert load(text, "1m", preset="kibot").bars.opened_at[0] == np.datetime64("2024-11-07T14:30", "us")
    assert "can be read in two ways" in refusal(text, "1m")


def test_what_the_rows_leave_open_is_said_by_naming_the_columns() -> None:
    text = table("", "{at};{c};{l};{h};{o};x;{v}")
    assert "say --preset or --columns" in refusal(text)
    assert list(load(text, columns="date,close,low,high,open,-,volume").bars.rows()) == BARS


def test_named_columns_skip_a_header_of_unknown_names() -> None:
    text = table("Tag;A;B;C;D;E", "{at};{o};{h};{l};{c};{v}")
    assert list(load(text, columns="date,open,high,low,close,volume").bars.rows()) == BARS


def test_closes_are_stamps_when_the_user_or_the_shape_says_so() -> None:
    text = "time,open,high,low,close,volume\n2024-11-27 09:31,10,12,9,11,1\n"
    assert next(load(text, "1m", NEW_YORK, stamps="close").bars.rows())[0] == HALF_PAST_NINE
    up_down = '"Date","Time","Open","High","Low","Close","Up","Down"\n11/27/2024,09:31,10,12,9,11,30,40\n'
    assert next(load(up_down, "1m", NEW_YORK).bars.rows()) == (HALF_PAST_NINE, 10.0, 12.0, 9.0, 11.0, 70)


CLOCKS = {
    "Date,Time": "2024-11-27,0930",
    "date,time": "27.11.2024,9:30:00",
    "Local time": "27.11.2024 15:30:00.000 GMT+0100",
    "Date": '"Wed, Nov 27, 2024 9:30 AM"',
}


@pytest.mark.parametrize(("names", "cells"), CLOCKS.items())
def test_a_time_of_day_is_read_as_it_is_written(names: str, cells: str) -> None:
    text = f"{names},open,high,low,close,volume\n{cells},10,12,9,11,1\n"
    assert next(load(text, "1m", NEW_YORK).bars.rows())[0] == HALF_PAST_NINE


def test_two_volumes_in_coins_are_told_apart_by_their_order() -> None:
    text = (
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
        "1732752000,2024-11-28 00:00:00,BTC/USD,10,12,9,11,100,1000\n"
    )
    assert list(load(text).bars.volume) == [100]


def test_what_is_no_bar_is_told() -> None:
    assert load(TABLES["dividends"]).notes == [
        "No bars: lines 3 (Nov 27, 2024 0.25 Dividend), 6 (2024-08-12 0.2 Dividend)."
    ]


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def workbook(*sheets: list[list[object]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


HEADER: list[object] = ["Date", "Open", "High", "Low", "Close", "Volume"]
SHEET: list[list[object]] = [HEADER, *([datetime.fromisoformat(day), *values] for day, *values in DAYS)]
PACKED = {
    "gzip": gzip.compress(PLAIN.encode()),
    "zip": zipped(**{"A/A.csv": PLAIN, "__MACOSX/A/._A.csv": "x", "readme.txt": "x"}),
    "workbook": workbook(SHEET),
    "workbook with titles and notes": workbook(
        [["Apple"], [], *SHEET, [], ["Source: a vendor"]], [["words"]]
    ),
    "workbook with empty columns": workbook([[None, *row] for row in SHEET]),
    "workbook of texts": workbook([[str(cell)[:10] for cell in row] for row in SHEET]),
}


@pytest.mark.parametrize("content", PACKED.values(), ids=PACKED)
def test_what_is_packed_is_unpacked(content: bytes) -> None:
    assert list(load(content).bars.rows()) == BARS


def test_a_workbook_may_have_date_and_time_in_two_cells() -> None:
    day = datetime.fromisoformat("2024-11-27T00:00:00")
    rows: list[list[object]] = [["Date", "Time", *HEADER[1:]], [day, time(9, 30), 10, 12, 9, 11, 1]]
    assert next(load(workbook(rows), "1m", NEW_YORK).bars.rows())[0] == HALF_PAST_NINE


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "several currencies": (
        PLAIN.replace(",1242.09", ",$1242.09").replace(",1244.09,1246", ",\u20ac1244.09,1246"),
        "several currencies",
    ),
    "a column of currencies": (
        table(ENGLISH + ",Currency", ROW + ",EUR").replace("EUR", "USD", 1),
        "several currencies (EUR, USD)",
    ),
    "losses in brackets": (PLAIN.replace("1242.09", "(1242.09)"), "open '(1242.09)' is not a number"),
    "average of bid and ask": (PLAIN.replace("1243.6,25", "-1243.6,25"), "close is -1243.6, not a price"),
    "web page": ("<!DOCTYPE html>\n<html><body>Open,High,Low,Close</body></html>", "the file is a web page"),
    "pdf": (b"%PDF-1.4\n" + PLAIN.encode(), "the file is a PDF"),
    "ten thousand columns": (PLAIN.replace("Volume", "Volume" + ",x" * 10_000), "more than 1,000"),
    "cut off": (PLAIN + "2024-12-0", "line 5: 1 cells where the header has 6"),
    "cut off in a name": (PLAIN + '"Dec 0', "line 5: 1 cells where the header has 6"),
    "a note between bars": (PLAIN + "a few words\n2024-12-02,1,1,1,1,1\n", "line 5: 1 cells"),
    "year or day": (PLAIN.replace("2024-", "24-"), "can be read in two ways"),
    "too few rows": ("\n".join(PLAIN.splitlines()[1:3]), "say --preset or --columns"),
    "close before open": (table("", "{at},{c},{l},{h},{o},{v}"), "say --preset or --columns"),
    "two tickers": (
        "Price,Close,Close,High,High,Low,Low,Open,Open\nTicker,A,B,A,B,A,B,A,B\nDate,,,,,,,,\n",
        "2 columns are named open",
    ),
    "two files": (zipped(**{"A.csv": PLAIN, "B.csv": PLAIN}), "the zip holds 2 files (A.csv, B.csv)"),
    "two sheets": (workbook(SHEET, SHEET), "the workbook has 2 sheets with bars"),
    "half an archive": (PACKED["gzip"][:-20], "the archive is damaged or cut off"),
    "no archive": (b"PK\x03\x04\x14\x00\xff\xfe\xfd", "the archive is damaged or cut off"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx or as CSV"),
    "parquet": (b"PAR1PAR1", "the file is Parquet"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00\x00", "the file is not text"),
    "utf-16 without a mark": (PLAIN.encode("utf-16-le"), "UTF-16 that does not say so"),
    "answer of a vendor": ('{"Information": "the rate limit is 25"}', '|  {"Information": "the rate limit'),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_or_in_none_is_refused(content: str | bytes, reason: str) -> None:
    assert reason in refusal(content)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"preset": "kibo"}, "there is no preset kibo: it is one of binance"),
        ({"columns": "date,open,high,low,foo"}, "foo: no such column"),
        ({"columns": "date,open,high,low"}, "no column is named close"),
        ({"columns": "open,high,low,close"}, "no column for time or date"),
        ({"preset": "lean", "columns": "date"}, "give it or the columns, not both"),
    ],
)
def test_what_a_user_says_of_a_file_must_make_sense(said: dict[str, str], reason: str) -> None:
    assert reason in refusal(PLAIN, **said)


def test_a_file_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MOST", 2)
    assert "the file has more than 2 rows: split it" in refusal(PLAIN)
