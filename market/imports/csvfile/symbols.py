"""Which column of a file says whose bars they are: one whose cells look like symbols, not like names."""

import re
from collections.abc import Collection, Mapping, Sequence

from market.imports.csvfile.names import OPTIONAL, plain

MOST = 0.9  # of the cells that differ look like symbols
# AAPL, brk-b, ^GSPC, EURUSD=X, NASDAQ:AAPL, 0700.HK, BRK B, AAPL US Equity
SYMBOL = re.compile(r"([A-Z]{2,10}:)?[$^]?[A-Z0-9][A-Z0-9.\-/=^_]{0,14}( [A-Z]{1,3}( EQUITY)?)?")


def columns_of_symbols(header: Sequence[str]) -> tuple[int, ...]:
    """Return the columns that may hold symbols, the likeliest name first."""
    names = [plain(name) for name in header]
    return tuple(names.index(name) for name in OPTIONAL["symbol"] if names.count(name) == 1)


def look_like_symbols(cells: Collection[str]) -> bool:
    """Whether these are symbols: Tesla and Apple Inc. are names."""
    like = sum(map(_looks_like_symbol, cells))
    return bool(cells) and like >= MOST * len(cells)


def choose(cells_of: Mapping[int, Collection[str]]) -> int | None:
    """Return the column of symbols among these, each with the cells that differ in it; None when none is.

    Several names are of several shares, whatever they look like: one alone says nothing.
    """
    for column, cells in cells_of.items():
        if look_like_symbols(cells):
            return column
    return next((column for column, cells in cells_of.items() if len(cells) > 1), None)


def _looks_like_symbol(cell: str) -> bool:
    is_in_one_case = cell in (cell.upper(), cell.lower())
    return is_in_one_case and bool(SYMBOL.fullmatch(cell.upper()))
