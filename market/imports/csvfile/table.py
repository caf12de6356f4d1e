"""The cells of a CSV file by column: encoding, delimiter and header."""

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from market.imports.csvfile.layout import Layout, delimiter, plain, read_layout
from market.imports.csvfile.numbers import has_decimal_comma, is_empty
from market.imports.csvfile.problems import BadFile, Problems

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Table:
    """The cells of a file by column, the line each row stands on, and the lines without any price."""

    layout: Layout
    delimiter: str
    columns: list[tuple[str, ...]]
    lines: list[int]
    empty_lines: list[int]

    def cells(self, what: str) -> tuple[str, ...]:
        return self.columns[self.layout.values[what]]

    @cached_property
    def decimal_comma(self) -> bool:
        """Whether a comma is the decimal mark; where it separates the columns it is not."""
        cells = [cell for price in PRICES for cell in self.cells(price)]
        return self.delimiter != "," and has_decimal_comma(cells)

    def stamps(self) -> list[str]:
        """Return the stamp of each row; a date and a time of day in two columns are joined."""
        if len(self.layout.stamp) == 1:
            return [cell.strip() for cell in self.columns[self.layout.stamp[0]]]
        dates, times = (self.columns[column] for column in self.layout.stamp)
        return [f"{date.strip()} {_clock(clock)}".strip() for date, clock in zip(dates, times, strict=True)]


def read_table(content: bytes) -> Table:
    """Split a file into its cells. Raises BadFile."""
    text = _decode(content)
    mark, text, skipped = _delimiter(text)
    rows, lines = _rows(text, mark, skipped)
    header, first = _header(rows)
    layout = read_layout(header, lines[0])
    rows, lines = rows[first:], lines[first:]
    _same_width(rows, lines, layout.width)
    empty = {i for i, row in enumerate(rows) if _is_empty(row, layout)}
    kept = [row for i, row in enumerate(rows) if i not in empty] if empty else rows
    if not kept:
        raise BadFile("the file has a header and no bars")
    table = Table(
        layout=layout,
        delimiter=mark,
        columns=list(zip(*kept, strict=True)),
        lines=[line for i, line in enumerate(lines) if i not in empty] if empty else lines,
        empty_lines=[lines[i] for i in sorted(empty)],
    )
    _of_one_symbol(table)
    return table


def _decode(content: bytes) -> str:
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(
            "the file is not text: save it as CSV in UTF-8, not as a workbook or an archive"
        ) from error


def _delimiter(text: str) -> tuple[str, str, int]:
    """Return the delimiter, the text from its header on, and the lines before.

    Spreadsheets may add `sep=;`.
    """
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep=") and len(first.rstrip()) == len("sep=;"):
        return first[4], rest, 1
    return delimiter(first), text, 0


def _rows(text: str, mark: str, skipped: int) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    lines: list[int] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, skipinitialspace=True)
    try:
        for cells in reader:
            if any(cells):
                rows.append(cells)
                lines.append(reader.line_num + skipped)
    except csv.Error as error:
        raise BadFile(f"line {reader.line_num + skipped}: {error}") from error
    if not rows:
        raise BadFile("the file is empty")
    return rows, lines


def _header(rows: Sequence[list[str]]) -> tuple[list[str], int]:
    """Return the header and how many rows it takes: yfinance writes three (Price.., Ticker.., Date)."""
    if len(rows) > 2 and plain(rows[1][0]) == "ticker" and plain(rows[2][0]) in ("date", "datetime"):
        return [rows[2][0], *rows[0][1:]], 3
    return rows[0], 1


def _same_width(rows: Sequence[list[str]], lines: Sequence[int], width: int) -> None:
    problems = Problems()
    for cells, line in zip(rows, lines, strict=True):
        if len(cells) != width:
            problems.add(line, f"{len(cells)} cells where the header has {width}")
    problems.refuse()


def _is_empty(row: Sequence[str], layout: Layout) -> bool:
    return all(is_empty(row[layout.values[price]]) for price in PRICES)


def _clock(cell: str) -> str:
    """Return a time of day; some daily files have a column of zeros for it."""
    return "" if set(cell) <= set("0 ") else cell.strip()


def _of_one_symbol(table: Table) -> None:
    if "symbol" in table.layout.values:
        symbols = sorted(set(table.cells("symbol")))
        if len(symbols) > 1:
            raise BadFile(
                f"the file holds {len(symbols)} symbols ({', '.join(symbols[:5])}): give each its own file"
            )
