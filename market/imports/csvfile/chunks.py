"""A long file in parts of some thousand rows, so that its cells are never all in memory.

Only where every row is alike: what needs the whole file to be understood is read at once, as any other.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

from market.imports.csvfile.layout import Layout
from market.imports.csvfile.table import Shape, Table, find_layout, with_order
from market.imports.csvfile.text import MOST, PDF, UTF_16, Rows, read_rows

LARGE = 1 << 20  # bytes
HEAD = 1 << 16  # bytes in which the header is
ROWS = 50_000


class Irregular(ValueError):
    """Some rows are not like the others: the file is to be read at once."""


def tables(text: bytes, shape: Shape) -> Iterator[Table]:
    """Yield the rows of a long text as tables, each of one part. Raises Irregular and BadFile."""
    if len(text) < LARGE or text.startswith((*UTF_16, PDF)):
        raise Irregular
    head = read_rows(text[:HEAD].rpartition(b"\n")[0], shape.delimiter, shape.skip)
    layout, preset, first = find_layout(head, shape)
    if "ticks" in layout.values or first >= len(head.cells):
        raise Irregular
    of_all = _OfAll(layout)
    for line, cells in _chunks(text, head, first):
        columns = _columns(cells, layout)
        table = Table(
            rows=Rows("", head.delimiter, [], []),
            layout=layout,
            preset=preset,
            columns=columns,
            lines=range(line, line + len(cells)),
            empty_lines=[],
            others={},
            said=shape,
            first=first,
            others_at=[],
            left_out=head.problems(),
            left_out_at=[],
        )
        of_all.check(table)
        shape = with_order(shape, table)
        yield table


def _chunks(text: bytes, head: Rows, first: int) -> Iterator[tuple[int, list[list[str]]]]:
    """Yield the rows after the header, each part with the line of its first row."""
    file = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8-sig", newline="")
    reader = csv.reader(file, delimiter=head.delimiter, skipinitialspace=True)
    try:
        while first and reader.line_num < head.lines[first - 1]:
            next(reader)
        rows = filter(None, reader)
        line = head.lines[first]
        while cells := list(islice(rows, ROWS)):
            yield line, cells
            line += len(cells)
            if line > MOST:
                raise Irregular
    except (csv.Error, UnicodeDecodeError) as error:
        raise Irregular from error


def _columns(cells: Sequence[Sequence[str]], layout: Layout) -> list[tuple[str, ...]]:
    try:
        columns = list(zip(*cells, strict=True))
    except ValueError as error:
        raise Irregular from error
    if len(columns) != layout.width:
        raise Irregular
    return columns


class _OfAll:
    """What must be the same in all parts of a file, or needs all of them."""

    def __init__(self, layout: Layout) -> None:
        named = {column for name, column in layout.values.items() if name in ("symbol", "currency")}
        self.cells: dict[int, set[str]] = {column: set() for column in named.union(layout.symbols)}
        self.has_decimal_comma: bool | None = None

    def check(self, table: Table) -> None:
        """Raise Irregular where a part differs from those before."""
        for column, cells in self.cells.items():
            cells.update(table.columns[column])
        if any(len(cells) > 1 for cells in self.cells.values()):
            raise Irregular
        if self.has_decimal_comma not in (None, table.decimal_comma):
            raise Irregular
        self.has_decimal_comma = table.decimal_comma
        if len(table.layout.stamp) > 1 and not all(
            ":" in clock for clock in table.columns[table.layout.stamp[1]]
        ):
            raise Irregular
