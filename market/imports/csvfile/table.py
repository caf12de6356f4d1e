"""The cells of a file by column: where its header is, what the columns are, and which rows are bars."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from market.imports.csvfile import presets
from market.imports.csvfile.clocks import read_clocks
from market.imports.csvfile.layout import EXAMPLE, PRICES, Layout, is_header, layout_of, read_layout
from market.imports.csvfile.leftovers import no_bars, without_prices
from market.imports.csvfile.names import DATE, STAMP, TIME, plain
from market.imports.csvfile.numbers import has_decimal_comma, is_number
from market.imports.csvfile.presets import Preset
from market.imports.csvfile.problems import BadFile, Problems
from market.imports.csvfile.stamps import reads_month_first
from market.imports.csvfile.symbols import choose
from market.imports.csvfile.text import HEAD, Rows, read_rows

MONTH = "month"
ORDERS = {True: MONTH, False: "day", None: ""}
CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
AROUND = " \t'\""  # a stamp, in files that mark it as text
WIDEST = 1_000  # columns
ONE_IN, ONE_IN_OF_SEVERAL = 100, 20  # rows may have another number of cells, and are left out then


@dataclass(frozen=True)
class Shape:
    """What a user says of a file: the preset, or the columns in their order.

    `stamps`: open or close, "" when that is not said. `outside_hours`: bars outside trading hours are meant.
    `date_order`: month or day, whichever stands first; `decimal`: the mark; `delimiter` of the columns;
    `skip`: lines before the table; `symbol_column`: the name of that of the symbols.
    """

    preset: str = ""
    columns: tuple[str, ...] = ()
    stamps: str = ""
    outside_hours: bool = False
    date_order: str = ""
    decimal: str = ""
    delimiter: str = ""
    skip: int = 0
    symbol_column: str = ""


@dataclass(frozen=True)
class Table:
    """The cells of a file by column, and the line each row stands on.

    `empty_lines` hold no price, `others` something else than a bar, as it is written. `first` is the first
    row after the header, `others_at` the rows of `others`. `left_out`: lines of another width, `left_out_at`
    their rows.
    """

    rows: Rows
    layout: Layout
    preset: Preset | None
    columns: list[tuple[str, ...]]
    lines: Sequence[int]
    empty_lines: list[int]
    others: dict[int, str]
    said: Shape
    first: int
    others_at: list[int]
    left_out: Problems
    left_out_at: list[int]

    def cells(self, what: str) -> tuple[str, ...]:
        return self.columns[self.layout.values[what]]

    def volumes(self) -> list[tuple[str, ...]]:
        """Return the columns whose sum is the volume: none where it is not known."""
        is_known = self.preset is None or self.preset.counts_volume
        return [self.columns[column] for column in self.layout.volume] if is_known else []

    def currencies(self) -> set[str]:
        """Return those that a column names: one, unless only a part of the file has it."""
        named = self.cells("currency") if "currency" in self.layout.values else ()
        several = {cell.strip() for cell in named} - {""}
        return several if len(several) > 1 else set()

    @cached_property
    def decimal_comma(self) -> bool:
        """Whether a comma is the decimal mark."""
        if self.said.decimal:
            return self.said.decimal == ","
        cells = [cell for price in PRICES for cell in self.cells(price)]
        return has_decimal_comma(cells, separated_by_commas=self.rows.delimiter == ",")

    def stamps(self) -> list[str]:
        """Return the stamp of each row; a date and a time of day in two columns are joined."""
        if len(self.layout.stamp) == 1:
            return [cell.strip(AROUND) for cell in self.columns[self.layout.stamp[0]]]
        dates, times = (self.columns[column] for column in self.layout.stamp)
        clocks = read_clocks(times)
        return [f"{date.strip(AROUND)} {clock}".strip() for date, clock in zip(dates, clocks, strict=True)]

    @cached_property
    def month_first(self) -> bool | None:
        """Whether 03/04/2024 is in March: as is said, as the preset has it, or as other dates show."""
        if self.said.date_order:
            return self.said.date_order == MONTH
        if self.preset and self.said.preset and self.preset.month_first is not None:
            return self.preset.month_first
        return reads_month_first(self.stamps())

    def problems(self) -> Problems:
        return self.rows.problems()


def read_table(content: bytes, shape: Shape) -> Table:
    """Split a file of one symbol into its cells. Raises BadFile."""
    table = read_cells(content, shape)
    _of_one_symbol(table)
    return table


def read_cells(content: bytes, shape: Shape) -> Table:
    """Split a file of any symbols into its cells. Raises BadFile."""
    rows = read_rows(content, shape.delimiter, shape.skip)
    layout, preset, first = find_layout(rows, shape)
    if layout.width > WIDEST:
        raise BadFile(f"the file has {layout.width:,} columns, more than {WIDEST:,}: is it a table of bars?")
    cells, lines = _cut_to(layout.width, rows.cells[first:]), rows.lines[first:]
    others = no_bars(cells, layout)
    empty = {*without_prices(cells, layout)} - others.keys()
    kept = [i for i in range(len(cells)) if i not in empty and i not in others]
    if not kept:
        raise BadFile("the file has a header and no bars")
    odd = {i for i in kept if len(cells[i]) != layout.width}
    left_out = _of_other_width(rows, first, odd, layout)
    kept = [i for i in kept if i not in odd]
    return Table(
        rows=rows,
        layout=layout,
        preset=preset,
        columns=list(zip(*(cells[i] for i in kept), strict=True)),
        lines=[lines[i] for i in kept],
        empty_lines=[lines[i] for i in sorted(empty)],
        others={lines[i]: text for i, text in others.items()},
        said=shape,
        first=first,
        others_at=[first + i for i in others],
        left_out=left_out,
        left_out_at=[first + i for i in sorted(odd)],
    )


def with_order(shape: Shape, table: Table) -> Shape:
    """Return a shape that says which of day and month stands first, where a table shows it."""
    return shape if table.month_first is None else replace(shape, date_order=ORDERS[table.month_first])


def find_layout(rows: Rows, shape: Shape) -> tuple[Layout, Preset | None, int]:
    """Return the layout, the preset when it is one's, and the first row after the header."""
    layout, preset, first = _find_columns(rows, shape)
    if shape.symbol_column:
        layout = replace(layout, values=layout.values | {"symbol": _symbol_column(rows, shape, first)})
    elif layout.symbols and not shape.columns:
        layout = replace(layout, values=_with_symbols(rows.cells[first:], layout))
    return layout, preset, first


def _with_symbols(cells: Sequence[list[str]], layout: Layout) -> dict[str, int]:
    """Return the columns of the values with that of the symbols, if a column holds any."""
    cells_of = {
        column: {row[column].strip() for row in cells if len(row) == layout.width} - {""}
        for column in layout.symbols
    }
    column, others = choose(cells_of), {**layout.values}
    others.pop("symbol", None)
    return others if column is None else others | {"symbol": column}


def _symbol_column(rows: Rows, shape: Shape, first: int) -> int:
    for row in reversed(rows.cells[:first]):
        names = [plain(name) for name in row]
        if plain(shape.symbol_column) in names:
            return names.index(plain(shape.symbol_column))
    raise BadFile(f"no column is named {shape.symbol_column}, whose cells would be the symbols")


def _find_columns(rows: Rows, shape: Shape) -> tuple[Layout, Preset | None, int]:
    if shape.preset and shape.columns:
        raise BadFile("a preset says what the columns are: give it or the columns, not both")
    if shape.preset:
        preset = presets.named(shape.preset)
        return layout_of(preset.columns), preset, 0
    if shape.columns:
        layout = layout_of(shape.columns)
        return layout, None, _first_bar(rows.cells, layout)
    header = next((i for i, row in enumerate(rows.cells[:HEAD]) if is_header(row)), None)
    if header is None:
        preset = _recognized(rows)
        return layout_of(preset.columns), preset, 0
    names, first = _header(rows.cells, header)
    return read_layout(names, rows.lines[header]), None, first


def _recognized(rows: Rows) -> Preset:
    preset = presets.recognize(rows.cells, rows.delimiter)
    if preset is None:
        raise BadFile(
            f"line {rows.lines[0]}: no column for open. The first line must name the columns, as in"
            f" {EXAMPLE}; of a file without a header say --preset or --columns"
            f"  |  {rows.text_of(rows.lines[0])}"
        )
    return preset


def _first_bar(cells: Sequence[list[str]], layout: Layout) -> int:
    """Return the first row with a price where the user says that the open is."""
    column = layout.values["open"]
    prices = (i for i, row in enumerate(cells[:HEAD]) if column < len(row) and row[column][-1:].isdecimal())
    return next(prices, 0)


def _header(cells: Sequence[list[str]], row: int) -> tuple[list[str], int]:
    """Return the names of the columns and the first row after them.

    pandas writes headers of several rows: yfinance's Price, Ticker and Date, or the name of the index alone.
    """
    names, after, index = list(cells[row]), row + 1, ""
    while after < len(cells) and _goes_on(cells[after]):
        if plain(cells[after][0]) in (*DATE, *STAMP):
            index = cells[after][0]
        after += 1
    if after < len(cells) and len(cells[after]) == len(names) + 1:
        if all(map(is_number, cells[after][1:])):
            return [index, *names], after  # R leaves the column of the row names without one
        if CLOCK.fullmatch(cells[after][1]) and plain(names[0]) in (*DATE, *STAMP, *TIME):
            return ["date", "time", *names[1:]], after  # a stamp that its own space has parted
    return ([index, *names[1:]] if index else names), after


def _goes_on(row: Sequence[str]) -> bool:
    """Whether a row goes on with the header: the tickers, or the name of the index and nothing beside it."""
    is_index = plain(row[0]) in (*DATE, *STAMP) and not any(row[1:])
    return is_index or plain(row[0]) in ("ticker", "symbols")


def _cut_to(width: int, rows: list[list[str]]) -> list[list[str]]:
    """Return the rows without the empty cells that a delimiter at the end of a line makes."""
    return [row[:width] if len(row) > width and not any(row[width:]) else row for row in rows]


def _of_other_width(rows: Rows, first: int, odd: Collection[int], layout: Layout) -> Problems:
    """Return the lines with more or fewer cells than the header, which are left out.

    Raises BadFile when they are many, or the last is cut off: then the rest may be missing too.
    """
    problems, cells = rows.problems(), rows.cells[first:]
    for i in sorted(odd):
        problems.add(rows.lines[first + i], f"{len(cells[i])} cells where the header has {layout.width}")
    last = len(cells) - 1
    is_cut_off = last in odd and len(cells[last]) < layout.width and not rows.text.endswith(("\n", "\r"))
    if is_cut_off or len(odd) > _tolerated(cells, layout):
        problems.refuse()
    return problems


def _tolerated(cells: Sequence[list[str]], layout: Layout) -> int:
    """Return how many rows of another width are left out: one at least where it would stop other symbols."""
    column = layout.values.get("symbol")
    symbols = {row[column] for row in cells if column is not None and len(row) == layout.width}
    return max(1, len(cells) // ONE_IN_OF_SEVERAL) if len(symbols) > 1 else len(cells) // ONE_IN


def _of_one_symbol(table: Table) -> None:
    if "symbol" in table.layout.values:
        symbols = sorted(set(table.cells("symbol")))
        if len(symbols) > 1:
            raise BadFile(
                f"the file holds {len(symbols)} symbols ({', '.join(symbols[:5])}): name their column with"
                " --symbol-column, or give each its own file"
            )
