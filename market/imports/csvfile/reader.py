"""Read the bars of one symbol and timeframe from a CSV file, all of them or none."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from market.imports.csvfile.archives import unpack
from market.imports.csvfile.checks import (
    check_prices,
    check_spacing,
    check_times,
    check_volume,
    each_once,
)
from market.imports.csvfile.layout import PRICES
from market.imports.csvfile.numbers import read_numbers, read_volume
from market.imports.csvfile.problems import BadFile, Problems
from market.imports.csvfile.stamps import (
    Unreadable,
    read_stamps,
    to_utc,
)
from market.imports.csvfile.table import Shape, Table, read_table
from market.prices import INSTANT, Bars, Floats, Instants, Timeframe

AS_IT_IS = Shape()
CLOSE = "close"
SHOWN = 3  # lines that are no bars
MIDNIGHT = time(0)
LONGEST_DATE = len("2024-01-02")


@dataclass(frozen=True)
class CandleFile:
    """What a file holds: its bars, oldest first, and the lines without any price, which are no bars.

    `stamped`: whether its stamps are said to be the open or the close, "" when nothing says so; `zone`: that
    in which they were read, None when they say their own; `notes` tell how the file was read; `left_out` are
    lines that are no rows of the table.
    """

    bars: Bars
    empty_lines: list[int]
    stamped: str = ""
    zone: tzinfo | None = None
    notes: list[str] = field(default_factory=list)
    left_out: Problems = field(default_factory=Problems)


def read(
    content: bytes,
    timeframe: Timeframe,
    timezone: tzinfo | None,
    until: np.datetime64,
    shape: Shape = AS_IT_IS,
) -> CandleFile:
    """Return the bars in `content`, opened before `until`.

    A text with a header, or in the shape that `shape` or the rows themselves tell; packed or not. `timezone`
    is that of stamps without one. A daily bar is the date that is written; where a time of day is written
    too, and its zone, it is the date of that instant in `timezone`. Raises BadFile, which names the lines
    that cannot be taken and why.
    """
    return bars_of(read_table(unpack(content), shape), timeframe, timezone, until, shape)


def bars_of(
    table: Table,
    timeframe: Timeframe,
    timezone: tzinfo | None,
    until: np.datetime64,
    shape: Shape = AS_IT_IS,
) -> CandleFile:
    """Return the bars of a table, as `read` does."""
    candle_file = _candle_file(table, timeframe, timezone, until, shape)
    check_spacing(candle_file.bars.opened_at, timeframe)
    return candle_file


def _candle_file(
    table: Table, timeframe: Timeframe, timezone: tzinfo | None, until: np.datetime64, shape: Shape
) -> CandleFile:
    problems = table.problems()
    stamped = shape.stamps or _stamped(table)
    zone = timezone or zone_of(table, shape)
    stamps = read_stamps(table.stamps(), table.lines, month_first=table.month_first, problems=problems)
    opened_at = _opened_at(table, stamps, timeframe, zone, problems)
    if stamped == CLOSE and timeframe.is_intraday:
        opened_at = opened_at - np.timedelta64(timeframe.length)
    bars = _bars(table, opened_at, problems)
    check_times(opened_at, timeframe, until, table.lines, problems)
    rows = each_once(bars, timeframe, table.lines, problems)
    problems.refuse()
    say_their_zone = all(stamp is not None and stamp.tzinfo is not None for stamp in stamps)
    notes = _notes(table, stamped, timeframe)
    zone = None if say_their_zone else zone
    return CandleFile(bars[rows], table.empty_lines, stamped, zone, notes, table.left_out)


def _stamped(table: Table) -> str:
    """Return what the stamps are by the shape of the file: TradeStation's `Up` and `Down` stand at closes."""
    if table.preset:
        return table.preset.stamps
    return CLOSE if len(table.layout.volume) > 1 else table.layout.stamped


def zone_of(table: Table, shape: Shape) -> tzinfo | None:
    """Return the zone of the times of a preset that the user has named."""
    return ZoneInfo(table.preset.zone) if table.preset and shape.preset and table.preset.zone else None


def _notes(table: Table, stamped: str, timeframe: Timeframe) -> list[str]:
    notes = []
    if table.preset:
        columns = ",".join(table.preset.columns)
        notes.append(f"It has the shape of {table.preset.title}: {columns}. {table.preset.note}".strip())
    if stamped == CLOSE and timeframe.is_intraday:
        notes.append("Its stamps are the closes of the bars: each bar opens one length earlier.")
    if table.others:
        told = [f"{line} ({text[:60]})" for line, text in list(table.others.items())[:SHOWN]]
        more = f" and {len(table.others) - SHOWN} more" if len(table.others) > SHOWN else ""
        notes.append(f"No bars: lines {', '.join(told)}{more}.")
    if table.left_out.reasons:
        notes.append(f"Left out, for they are no rows of the table: {len(table.left_out.reasons):,}.")
        notes += str(table.left_out).splitlines()
    return notes


def _opened_at(
    table: Table,
    stamps: list[datetime | None],
    timeframe: Timeframe,
    timezone: tzinfo | None,
    problems: Problems,
) -> Instants:
    opened: list[datetime | None] = []
    if timeframe.is_intraday and all(stamp is not None and stamp.tzinfo is UTC for stamp in stamps):
        return np.array([stamp and stamp.replace(tzinfo=None) for stamp in stamps], dtype=INSTANT)
    for stamp, cell, line in zip(stamps, table.stamps(), table.lines, strict=True):
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
    currencies: set[str] = {*table.currencies()}
    prices = {price: _column(table, price, problems, currencies) for price in PRICES}
    if len(currencies) > 1:
        raise BadFile(
            f"the prices are of several currencies ({', '.join(sorted(currencies))}): part the file by them"
        )
    if table.preset:
        prices = {what: price / table.preset.divisor for what, price in prices.items()}
    check_prices(prices, table.lines, problems)
    volume = _volume(table, problems)
    check_volume(volume, table.lines, problems)
    vwap = _vwap(table, prices) if "vwap" in table.layout.values else None
    return Bars.of(opened_at, prices["open"], prices["high"], prices["low"], prices["close"], volume, vwap)


def _volume(table: Table, problems: Problems) -> Floats:
    """Return the volume of each row, NaN where it is not known.

    MetaTrader writes zeros beside the changes of the price where it knows no shares: then it is those.
    """
    columns = [
        read_volume(cells, table.lines, comma=table.decimal_comma, problems=problems)
        for cells in table.volumes()
    ]
    if (not columns or not np.any(columns)) and "ticks" in table.layout.values:
        return read_volume(table.cells("ticks"), table.lines, comma=table.decimal_comma, problems=problems)
    return np.sum(columns, axis=0) * table.layout.unit if columns else np.full(len(table.lines), np.nan)


def _column(table: Table, what: str, problems: Problems, currencies: set[str] | None = None) -> Floats:
    cells, comma = table.cells(what), table.decimal_comma
    return read_numbers(cells, what, table.lines, comma=comma, problems=problems, currencies=currencies)


def _vwap(table: Table, prices: dict[str, Floats]) -> Floats:
    """Return the bar's average price.

    Charts export the session's under this name: outside the bar it is dropped.
    """
    vwap = _column(table, "vwap", Problems())
    inside = (vwap >= prices["low"]) & (vwap <= prices["high"])
    return np.where(inside, vwap, np.nan)
