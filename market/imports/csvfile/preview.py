"""The first rows of a file as they are read, and what its columns seem to be."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from market.imports.csvfile.layout import PRICES, Layout
from market.imports.csvfile.numbers import is_empty, may_be_number
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.stamps import read_stamp
from market.imports.csvfile.table import Shape, Table, find_layout, read_cells
from market.imports.csvfile.text import Rows, read_rows

SHOWN = 12  # rows
WIDEST = 60  # columns
LONGEST = 40  # letters of a cell
NOT_NEEDED = "-"
CHOICES = (NOT_NEEDED, "date", "time", *PRICES, "volume", "vwap", "symbol")
CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?(\.\d+)?(\s*[AaPp]\.?[Mm]\.?)?")
IN_ORDER = (*PRICES, "volume")


@dataclass(frozen=True)
class Preview:
    """What the beginning of a file shows.

    `rows`: the line and the cells of the first ones; `columns`: what each column is, "-" for none, a guess
    where they were not recognized; `table` is None where the rows do not fit them, and `refused` says why.
    """

    rows: list[tuple[int, list[str]]]
    columns: list[str]
    is_recognized: bool = False
    table: Table | None = None
    refused: str = ""


def preview(content: bytes, shape: Shape) -> Preview:
    """Return the first rows of a text. Raises BadFile for what is no table at all."""
    rows = read_rows(content, shape.delimiter, shape.skip)
    width = max(map(len, rows.cells[:SHOWN]))
    if width > WIDEST:
        raise BadFile(f"the file has {width:,} columns: at most {WIDEST} can be mapped. Is it separated so?")
    shown = [(line, [_cut(cell) for cell in row]) for line, row in zip(rows.lines, rows.cells, strict=True)]
    seen = Preview(shown[:SHOWN], _guess(rows, width))
    try:
        layout, _, _ = find_layout(rows, shape)
        seen = replace(seen, columns=_columns(layout, width), is_recognized=True)
        return replace(seen, table=read_cells(content, shape))
    except BadFile as reason:
        return replace(seen, refused=str(reason))


def _cut(cell: str) -> str:
    return cell if len(cell) <= LONGEST else cell[:LONGEST] + "…"


def _columns(layout: Layout, width: int) -> list[str]:
    """Return what each column is by its number."""
    names = {column: what for what, column in layout.values.items()}
    names |= dict.fromkeys(layout.volume, "volume")
    names |= dict(zip(layout.stamp, ("date", "time"), strict=False))
    mapped = {column: name for column, name in names.items() if name in CHOICES}
    return [mapped.get(column, NOT_NEEDED) for column in range(max(width, layout.width))]


def _guess(rows: Rows, width: int) -> list[str]:
    """Guess the columns by a row in the middle: times, then prices and volume in their usual order."""
    row = rows.cells[len(rows.cells) // 2]
    names = list(_names(row))
    return [*names, *[NOT_NEEDED] * (width - len(names))][:width]


def _names(row: Sequence[str]) -> Iterator[str]:
    numbers, stamps = iter(IN_ORDER), iter(("date", "time"))
    for cell in map(str.strip, row):
        if CLOCK.fullmatch(cell) or (_is_stamp(cell) and not _is_price(cell)):
            yield next(stamps, NOT_NEEDED)
        elif may_be_number(cell) or is_empty(cell):
            yield next(numbers, NOT_NEEDED)
        else:
            yield "symbol" if cell.isalpha() and cell.isupper() else NOT_NEEDED


def _is_price(cell: str) -> bool:
    return may_be_number(cell) and len(cell.partition(".")[0]) < len("20240102")


def _is_stamp(cell: str) -> bool:
    try:
        read_stamp(cell, month_first=True)
    except ValueError:
        return False
    return True
