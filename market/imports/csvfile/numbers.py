"""Numbers as people and programs write them: 1234.5, $1,234.50, 1.234,50 in a file with semicolons."""

import re
from collections.abc import Sequence

import numpy as np

from market.imports.csvfile.problems import BadFile, Problems
from market.prices import Floats

POINT = re.compile(r"-?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
COMMA = re.compile(r"-?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)")
EMPTY = frozenset({"", "null", "nan", "na", "n/a", "none", "-"})


def is_empty(cell: str) -> bool:
    return cell.strip().lower() in EMPTY


def has_decimal_comma(cells: Sequence[str]) -> bool:
    """Return whether a comma is the decimal mark in these cells. Raises BadFile when a point is it too."""
    commas = [cell for cell in cells if "," in cell and "." not in cell.partition(",")[2]]
    points = [cell for cell in cells if "." in cell and "," not in cell]
    if commas and points:
        raise BadFile(
            f"{commas[0].strip()!r} and {points[0].strip()!r} in one file: which is the decimal mark?"
            " Write prices with a point, and thousands without a mark"
        )
    return bool(commas)


def read_numbers(
    cells: Sequence[str], what: str, lines: Sequence[int], *, comma: bool, problems: Problems
) -> Floats:
    """Return the column `what` as float64; a cell that is no number is a problem and NaN.

    `comma`: a comma is the decimal mark and a point groups thousands.
    """
    if not comma:
        try:
            return np.array(list(map(float, cells)), dtype=np.float64)
        except ValueError:
            pass  # some cell is written in another way: look at each
    numbers = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        number = _number(cell, comma=comma)
        if number is None:
            problems.add(lines[i], f"{what} {cell.strip()!r} is not a number")
        else:
            numbers[i] = number
    return numbers


def _number(cell: str, *, comma: bool) -> float | None:
    text = re.sub(r"[\s$\u20ac\u00a3_']", "", cell)
    if not (COMMA if comma else POINT).fullmatch(text):
        return None
    text = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    return float(text)
