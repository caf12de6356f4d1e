"""Read the bars of one symbol and timeframe from a CSV file, all of them or none."""

import codecs
from dataclasses import dataclass
from datetime import datetime, time, tzinfo

import numpy as np

from market.imports.csvfile.checks import (
    MOST_VOLUME,
    check_prices,
    check_spacing,
    check_times,
    check_volume,
    each_once,
)
from market.imports.csvfile.numbers import read_numbers
from market.imports.csvfile.problems import Problems
from market.imports.csvfile.stamps import (
    Unreadable,
    is_day_unclear,
    read_stamps,
    reads_month_first,
    to_utc,
)
from market.imports.csvfile.table import PRICES, Table, read_table
from market.prices import INSTANT, Bars, Floats, Instants, Timeframe

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MIDNIGHT = time(0)
LONGEST_DATE = len("2024-01-02")


@dataclass(frozen=True)
class CandleFile:
    """What a file holds: its bars, oldest first, and the lines without any price, which are no bars."""

    bars: Bars
    empty_lines: list[int]


def read(content: bytes, timeframe: Timeframe, timezone: tzinfo | None, until: np.datetime64) -> CandleFile:
    """Return the bars in `content`, a CSV file with a header, opened before `until`.

    `timezone` is that of stamps without one. A daily bar is the date that is written; where a time of day is
    written too, and its zone, it is the date of that instant in `timezone`. Raises BadFile, which names the
    lines that cannot be taken and why.
    """
    table = read_table(content)
    candle_file = _candle_file(table, timeframe, timezone, until)
    check_spacing(candle_file.bars.opened_at, timeframe)
    return candle_file


def read_beginning(
    content: bytes, timeframe: Timeframe, timezone: tzinfo | None, until: np.datetime64
) -> None:
    """Check the first lines of a file. Raises BadFile for what the lines that follow cannot put right."""
    if content.startswith(UTF_16):  # its lines cannot be told apart by their bytes
        return
    table = read_table(content)
    if not is_day_unclear(table.stamps()):
        _candle_file(table, timeframe, timezone, until)


def _candle_file(
    table: Table, timeframe: Timeframe, timezone: tzinfo | None, until: np.datetime64
) -> CandleFile:
    problems = Problems()
    opened_at = _opened_at(table, timeframe, timezone, problems)
    bars = _bars(table, opened_at, problems)
    check_times(opened_at, timeframe, until, table.lines, problems)
    rows = each_once(bars, timeframe, table.lines, problems)
    problems.refuse()
    return CandleFile(bars[rows], table.empty_lines)


def _opened_at(table: Table, timeframe: Timeframe, timezone: tzinfo | None, problems: Problems) -> Instants:
    cells = table.stamps()
    stamps = read_stamps(cells, table.lines, month_first=reads_month_first(cells), problems=problems)
    opened: list[datetime | None] = []
    for stamp, cell, line in zip(stamps, cells, table.lines, strict=True):
        try:
            opened.append(None if stamp is None else _opening(stamp, cell, timeframe, timezone))
        except Unreadable as error:
            problems.add(line, str(error))
            opened.append(None)
    return np.array(opened, dtype=INSTANT)


def _opening(stamp: datetime, cell: str, timeframe: Timeframe, timezone: tzinfo | None) -> datetime:
    """Return the opening in UTC, without its zone, as numpy wants it."""
    if timeframe.is_intraday:
        if stamp.tzinfo is None and len(cell) <= LONGEST_DATE:
            raise Unreadable(f"{cell!r} has no time of day, and a bar of {timeframe} needs one")
        return to_utc(stamp, timezone).replace(tzinfo=None)
    if stamp.tzinfo is not None and stamp.time() != MIDNIGHT:
        if timezone is None:
            raise Unreadable(
                f"{cell!r} has another date in another time zone: give the exchange's,"
                " as in --timezone America/New_York"
            )
        stamp = stamp.astimezone(timezone)
    return datetime.combine(stamp.date(), MIDNIGHT)


def _bars(table: Table, opened_at: Instants, problems: Problems) -> Bars:
    prices = {price: _column(table, price, problems) for price in PRICES}
    check_prices(prices, table.lines, problems)
    volume = _column(table, "volume", problems)
    check_volume(volume, table.lines, problems)
    counted = np.where(np.abs(volume) < MOST_VOLUME, volume, 0).round().astype(np.int64)
    vwap = _vwap(table, prices) if "vwap" in table.layout.values else None
    return Bars.of(opened_at, prices["open"], prices["high"], prices["low"], prices["close"], counted, vwap)


def _column(table: Table, what: str, problems: Problems) -> Floats:
    return read_numbers(table.cells(what), what, table.lines, comma=table.decimal_comma, problems=problems)


def _vwap(table: Table, prices: dict[str, Floats]) -> Floats:
    """Return the bar's average price.

    Charts export the session's under this name: outside the bar it is dropped.
    """
    vwap = _column(table, "vwap", Problems())
    inside = (vwap >= prices["low"]) & (vwap <= prices["high"])
    return np.where(inside, vwap, np.nan)
