"""The symbols of a file: each one's rows as a file of its own, with every line at its number."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from market.imports.csvfile.problems import BadFile, Problems
from market.imports.csvfile.table import ORDERS, Shape, Table, find_layout, read_cells
from market.imports.csvfile.text import UTF_16, read_rows

BEGINNING = 1 << 16  # bytes among which the header is
MOST = 2_000  # symbols


@dataclass(frozen=True)
class Part:
    """The lines of one symbol, as the file writes it; "" when no column says whose they are.

    `shape` is what is said of the whole file, with what only the whole file shows. `left_out`: lines that are
    nobody's, in a part without content.
    """

    symbol: str
    content: bytes
    shape: Shape
    left_out: Problems | None = None


def parts(content: bytes, shape: Shape) -> Iterator[Part]:
    """Yield each symbol's part of a text: the text itself without a column of symbols. Raises BadFile."""
    if not has_symbols(content[:BEGINNING], shape):
        yield Part("", content, shape)
        return
    table = read_cells(content, shape)
    if "symbol" not in table.layout.values:
        yield Part("", content, shape)
        return
    rows_of = _rows_of(table)
    if len(rows_of) == 1:
        yield Part(next(iter(rows_of)), content, shape)
        return
    if len(rows_of) > MOST:
        raise BadFile(f"the column of symbols holds {len(rows_of):,} of them, more than {MOST:,}: is it one?")
    said = replace(
        shape,
        delimiter=table.rows.delimiter,
        date_order=ORDERS[table.month_first],
        decimal="," if table.decimal_comma else ".",
    )
    common = [*range(table.first), *table.others_at]
    for symbol, rows in sorted(rows_of.items()):
        yield Part(symbol, _text(table, sorted([*common, *rows])), said)
    if table.left_out.reasons:
        yield Part("", b"", said, table.left_out)


def has_symbols(beginning: bytes, shape: Shape) -> bool:
    """Whether a column of symbols may be in a file: not when its header has none. Raises BadFile."""
    if beginning.startswith(UTF_16):
        return True
    rows = read_rows(beginning.rpartition(b"\n")[0] or beginning, shape.delimiter, shape.skip)
    return "symbol" in find_layout(rows, shape)[0].values


def _rows_of(table: Table) -> dict[str, list[int]]:
    """Return the rows of each symbol, with those that hold no price. Raises BadFile where one names none."""
    column = table.layout.values["symbol"]
    others, problems = {*table.others_at, *table.left_out_at}, table.problems()
    rows_of: dict[str, list[int]] = defaultdict(list)
    for i in range(table.first, len(table.rows.cells)):
        if i in others:
            continue
        symbol = table.rows.cells[i][column].strip()
        if not symbol:
            problems.add(table.rows.lines[i], "no symbol in the column of symbols")
        rows_of[symbol].append(i)
    problems.refuse()
    return rows_of


def _text(table: Table, rows: Sequence[int]) -> bytes:
    """Return these rows as a text in which each stands on its line: the lines between are empty."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=table.rows.delimiter, lineterminator="\n")
    written = 0
    for i in rows:
        line = table.rows.lines[i]
        text.write("\n" * (line - written - 1))
        writer.writerow(" ".join(cell.splitlines()) for cell in table.rows.cells[i])
        written = line
    return text.getvalue().encode()
