"""Read the bars of one symbol and timeframe from a CSV file, all of them or none."""

from collections.abc import Sequence
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
from market.imports.csvfile.chunks import Irregular, tables
from market.imports.csvfile.instants import clocks_to_utc, iso_clocks
from market.imports.csvfile.layout import PRICES
from market.imports.csvfile.numbers import read_numbers, read_volume
from market.imports.csvfile.problems import BadFile, Problems
from market.imports.csvfile.stamps import Unreadable, read_stamps, to_utc
from market.imports.csvfile.table import Shape, Table, read_table
from market.prices import INSTANT, Bars, Floats, Instants, Timeframe, to_datetime

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
    text = unpack(content)
    candle_file = in_chunks(text, timeframe, timezone, until, shape)
    return candle_file or bars_of(read_table(text, shape), timeframe, timezone, until, shape)


def in_chunks(
    text: bytes, timeframe: Timeframe, timezone: tzinfo | None, until: np.datetime64, shape: Shape = AS_IT_IS
) -> CandleFile | None:
    """Return the bars of a long text as `read` does; None when that needs all of its rows or refuses some."""
    parts: list[Bars] = []
    say_their_zone, currencies = True, set[str]()
    table: Table | None = None
    try:
        for table in tables(text, shape):
            zone = timezone or zone_of(table, shape)
            part = _part(table, timeframe, zone, until, shape, currencies)
            parts.append(part.bars)
            say_their_zone = say_their_zone and part.say_their_zone
        if table is None:
            return None
        bars = _in_order(parts, timeframe)
    except (Irregular, BadFile):
        return None
    stamped, zone = shape.stamps or _stamped(table), timezone or zone_of(table, shape)
    notes = _notes(table, stamped, timeframe)
    return CandleFile(bars, [], stamped, None if say_their_zone else zone, notes)


def _in_order(parts: list[Bars], timeframe: Timeframe) -> Bars:
    """Return the bars of all parts by time, each once; the parts go. Raises BadFile."""
    bars, problems = Bars.join(parts), Problems()
    parts.clear()
    rows = each_once(bars, timeframe, range(len(bars)), problems)
    problems.refuse()
    if len(rows) < len(bars) or np.any(np.diff(rows) != 1):
        bars = bars[rows]
    check_spacing(bars.opened_at, timeframe)
    return bars


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
    zone = timezone or zone_of(table, shape)
    part = _part(table, timeframe, zone, until, shape, set(), problems)
    rows = each_once(part.bars, timeframe, table.lines, problems)
    problems.refuse()
    stamped = shape.stamps or _stamped(table)
    zone = None if part.say_their_zone else zone
    notes = _notes(table, stamped, timeframe)
    return CandleFile(part.bars[rows], table.empty_lines, stamped, zone, notes, table.left_out)


@dataclass(frozen=True)
class _Part:
    """The bars of a table in the order of its rows."""

    bars: Bars
    say_their_zone: bool


def _part(
    table: Table,
    timeframe: Timeframe,
    zone: tzinfo | None,
    until: np.datetime64,
    shape: Shape,
    currencies: set[str],
    problems: Problems | None = None,
) -> _Part:
    """Return the bars of a table. `problems` takes what is wrong; without it BadFile is raised."""
    found = Problems() if problems is None else problems
    opened_at, say_their_zone = _opened_at(table, timeframe, zone, found)
    if (shape.stamps or _stamped(table)) == CLOSE and timeframe.is_intraday:
        opened_at = opened_at - np.timedelta64(timeframe.length)
    bars = _bars(table, opened_at, found, currencies)
    check_times(opened_at, timeframe, until, table.lines, found)
    if problems is None:
        found.refuse()
    return _Part(bars, say_their_zone)


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
    table: Table, timeframe: Timeframe, zone: tzinfo | None, problems: Problems
) -> tuple[Instants, bool]:
    """Return when the bars opened, and whether all stamps say their zone."""
    cells = table.stamps()
    clocks = iso_clocks(cells)
    if clocks is None:
        stamps = read_stamps(cells, table.lines, month_first=table.month_first, problems=problems)
        if any(stamp is None or stamp.tzinfo is not None for stamp in stamps):
            say_their_zone = all(stamp is not None and stamp.tzinfo is not None for stamp in stamps)
            return _each_opening(table, stamps, cells, timeframe, zone, problems), say_their_zone
        clocks = np.array(stamps, dtype=INSTANT)
    if not timeframe.is_intraday:
        return clocks.astype("datetime64[D]").astype(INSTANT), False
    if zone is not None and min(map(len, cells)) > LONGEST_DATE:
        try:
            return clocks_to_utc(clocks, zone), False
        except Unreadable:
            pass  # some never were, or were twice: look at each
    stamps = [to_datetime(clock).replace(tzinfo=None) for clock in clocks]
    return _each_opening(table, stamps, cells, timeframe, zone, problems), False


def _each_opening(
    table: Table,
    stamps: Sequence[datetime | None],
    cells: Sequence[str],
    timeframe: Timeframe,
    timezone: tzinfo | None,
    problems: Problems,
) -> Instants:
    opened: list[datetime | None] = []
    if timeframe.is_intraday and all(stamp is not None and stamp.tzinfo is UTC for stamp in stamps):
        return np.array([stamp and stamp.replace(tzinfo=None) for stamp in stamps], dtype=INSTANT)
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


def _bars(table: Table, opened_at: Instants, problems: Problems, currencies: set[str]) -> Bars:
    currencies |= table.currencies()
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
