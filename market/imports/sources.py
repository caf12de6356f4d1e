"""Each symbol's bars in a file: by a column of symbols, by the files in a zip, or the whole of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from market.imports import naming, spelling
from market.imports.csvfile.archives import members
from market.imports.csvfile.parts import parts
from market.imports.csvfile.problems import Problems
from market.imports.csvfile.table import Shape


@dataclass(frozen=True)
class Source:
    """The bars of one symbol in a file.

    `written`: the symbol as a column has it, "" without one; `symbol`: ours, "" where it is not clear;
    `file_name`: that in a zip of several, otherwise that of the file. `left_out`: lines that are nobody's
    bars, in place of bars.
    """

    written: str
    symbol: str
    file_name: str
    content: bytes
    shape: Shape
    left_out: Problems | None = None


def sources(content: bytes, file_name: str, shape: Shape) -> Iterator[Source]:
    """Yield what a file holds by symbol. Raises BadFile."""
    for name, text in members(content).items():
        for part in parts(text, shape):
            symbol = _ours(part.symbol) if part.symbol else naming.in_name(name or file_name)[0]
            yield Source(part.symbol, symbol, name or file_name, part.content, part.shape, part.left_out)


def _ours(written: str) -> str:
    try:
        return naming.symbol_in(written)
    except spelling.NoSymbol:
        return ""
