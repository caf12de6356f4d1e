"""Tables of symbols as programs export them and people paste them: their columns and rows. Pure."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from market.imports import codes
from market.imports.exchanges import EXCHANGES

SYMBOL = (
    *("symbol", "ticker", "symbols", "tickers", "instrument", "financial instrument", "ticker symbol"),
    *("stock symbol", "symbol/cusip", "chart symbol", "trading symbol", "act symbol", "stock", "code", "ric"),
    *(
        "financial instrument description",
        "symbol/isin",
        "underlying",
        "security id",
        "bloomberg ticker",
        "kürzel",
        "symbole",
    ),
)
NAME = (
    "name",
    "description",
    "company",
    "company name",
    "security",
    "long name",
    "security name",
    "investment name",
)
EXCHANGE = ("exchange", "primary exchange", "listing exchange", "listingexchange", "market", "börse")
GROUP = ("group", "section", "watchlist", "list")
NOTE = ("note", "notes", "comment", "comments")
KIND = (
    "asset category",
    "security type",
    "asset class",
    "assetclass",
    "asset type",
    "sec type",
    "sectype",
    "instrument type",
)
NO_SHARES = {
    **dict.fromkeys(["opt", "option", "options", "equity and index options", "equity option"], "an option"),
    **dict.fromkeys(["fut", "future", "futures", "fop", "future option", "futures option"], "a future"),
    **dict.fromkeys(["ind", "index"], "an index"),
    **dict.fromkeys(["bond", "bonds", "fixed income", "bill"], "a bond"),
    **dict.fromkeys(["cash and money market", "money market", "cash and cash investments"], "cash"),
    **dict.fromkeys(["mutual fund", "mutual funds"], "a mutual fund"),
    **dict.fromkeys(["cfd"], "a CFD"),
}
DELIMITERS = ",;\t|"
ABOVE = 10  # lines that may stand above a header
NUMBER = re.compile(r"[-+(]?\s*[$€£]?\s*[-+]?\d[\d.,']*\s*[%KMBT]?\)?|--|N/A|-", re.IGNORECASE)
PROSE = re.compile(r"(?=.*[a-z])(?=.*[A-Z]).*|.*[^\W\d_]{2,}[^\w]+[^\W\d_]{2,}.*")
CODE = re.compile(r"[$^.]?[A-Za-z0-9][A-Za-z0-9.:/^=!-]{0,30}|[A-Z]{1,6} [A-C]")


@dataclass(frozen=True)
class Row:
    symbol: str
    name: str = ""
    exchange: str = ""
    group: str = ""
    note: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """`above`: the lines above its header, which hold no rows."""

    rows: Sequence[Row]
    above: Sequence[str] = ()


@dataclass(frozen=True)
class _Columns:
    symbol: int
    name: int | None = None
    exchange: int | None = None
    group: int | None = None
    note: int | None = None
    kind: int | None = None

    def row(self, cells: Sequence[str]) -> Row:
        numbers = (self.symbol, self.name, self.exchange, self.group, self.note, self.kind)
        return Row(*(_cell(cells, number) for number in numbers))


def read(lines: Sequence[str]) -> Table | None:
    """Return the table that the lines are: with a header, or with numbers and names beside the symbols.

    None when they are a plain list.
    """
    for number, line in enumerate(lines[:ABOVE]):
        for delimiter in sorted(DELIMITERS, key=line.count, reverse=True)[:2]:
            if columns := _header(_split(line, delimiter)):
                rows = [columns.row(cells) for cells in _rows(lines[number + 1 :], delimiter)]
                return Table(rows, lines[:number])
    in_columns = [re.sub(r" {2,}", "\t", line) for line in lines]
    return _without_header(lines) or _without_header(in_columns) or _below_unknown_titles(lines)


def no_share(kind: str) -> str:
    """Return what a list's type of an instrument says it is, when it is no share or fund; else empty."""
    return NO_SHARES.get(" ".join(kind.lower().split()), "")


def _header(cells: Sequence[str]) -> _Columns | None:
    titles = [" ".join(cell.strip(' *"').lower().replace("_", " ").split()) for cell in cells]
    symbol = _position(titles, SYMBOL)
    if symbol is None or (symbol and not titles[symbol]):
        return None
    return _Columns(symbol, *(_position(titles, wanted) for wanted in (NAME, EXCHANGE, GROUP, NOTE, KIND)))


def _without_header(lines: Sequence[str]) -> Table | None:
    delimiter = max("\t,;|", key=lambda mark: sum(mark in line for line in lines))
    rows = [cells for cells in _rows(lines, delimiter) if any(cells)]
    width = min((len(cells) for cells in rows), default=0)
    if width < 2 or (len(rows) < 2 and delimiter != "\t") or not all(CODE.fullmatch(row[0]) for row in rows):
        return None
    beside = {number: [row[number] for row in rows] for number in range(1, width)}
    name = next((n for n, cells in beside.items() if all(_is_name(cell) for cell in cells)), None)
    place = next((n for n, cells in beside.items() if all(_is_exchange(cell) for cell in cells)), None)
    numbers = [n for n, cells in beside.items() if all(NUMBER.fullmatch(cell) for cell in cells)]
    if name is None and place is None and not numbers:
        return None
    return Table([_Columns(0, name, place).row(cells) for cells in rows])


def _below_unknown_titles(lines: Sequence[str]) -> Table | None:
    """Return the table below a first line of titles of which none is known."""
    table = _without_header(lines[1:]) if len(lines) > 2 else None
    return table and Table(table.rows, lines[:1])


def _is_name(cell: str) -> bool:
    return bool(PROSE.fullmatch(cell)) and ":" not in cell


def _is_exchange(cell: str) -> bool:
    return codes.known_exchange(cell) in EXCHANGES


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each row; a quoted one may go over several lines."""
    for cells in csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, skipinitialspace=True):
        yield [cell.strip() for cell in cells]


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def _position(titles: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((titles.index(title) for title in wanted if title in titles), None)


def _cell(cells: Sequence[str], position: int | None) -> str:
    return cells[position].strip() if position is not None and position < len(cells) else ""
