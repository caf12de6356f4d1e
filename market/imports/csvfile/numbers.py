"""Numbers as people and programs write them: 1234.5, $1,234.50, 1.234,50 in German, a volume of 29.78M."""

import re
from collections.abc import Sequence

import numpy as np

from market.imports.csvfile.problems import BadFile, Problems
from market.prices import Floats

CURRENCIES = "USD|EUR|GBP|GBX|GBp|CHF|JPY|CAD|AUD|HKD|INR|CNY|SEK|NOK|DKK|PLN|ZAR|BRL|SGD|KRW|USDT"
CURRENCY = re.compile(rf"[$\u20ac\u00a3\u00a5\u20b9]|(?<![A-Za-z])(?:{CURRENCIES})(?![A-Za-z])")
POINT = re.compile(
    r"[-+]?((\d{1,3}(,\d{3})+|\d{1,2}(,\d\d)+,\d{3}|\d+)(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE
)
COMMA = re.compile(r"-?((\d{1,3}(\.\d{3})+|\d+)(,\d*)?|,\d+)")
PLAIN = re.compile(r"\s*-?(\d+\.?\d*|\.\d+)\s*")
EMPTY = frozenset({"", "null", "nan", "na", "n/a", "#n/a", "none", "nil", "-", "--", "\u2013", "\u2014"})
MARKS = re.compile(rf"[\s_'\u2019]|{CURRENCY.pattern}")
# A mark is certainly the decimal one when other than three digits follow it, or when the other groups them.
DECIMAL_COMMA = re.compile(r"-?[\d.]*,(\d{1,2}|\d{4,})|-?\d{1,3}(\.\d{3})+,\d+")
DECIMAL_POINT = re.compile(r"-?[\d,]*\.(\d{1,2}|\d{4,})|-?\d{1,3}(,\d{3})+\.\d+")
# As Investing.com and German spreadsheets shorten a volume.
MULTIPLES = {"k": 1e3, "m": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "mrd": 1e9, "t": 1e12}
SHORTENED = re.compile(r"(?P<number>.*\d)\s*(?P<multiple>k|m|mio|b|bn|mrd|t)\.?", re.IGNORECASE)


def is_empty(cell: str) -> bool:
    return cell.strip().lower() in EMPTY


def is_number(cell: str) -> bool:
    """Whether a cell is a number as programs write it."""
    return bool(PLAIN.fullmatch(cell))


def may_be_number(cell: str) -> bool:
    """Whether a cell is a number in some country."""
    text = MARKS.sub("", cell)
    return bool(POINT.fullmatch(text) or COMMA.fullmatch(text) or SHORTENED.fullmatch(text))


def has_decimal_comma(cells: Sequence[str], *, separated_by_commas: bool) -> bool:
    """Return whether a comma is the decimal mark in these prices. Raises BadFile when a point is it too.

    Where commas separate the columns too, as in "4.919,40", it is one only when it can be nothing else.
    """
    if not any("," in cell for cell in cells):
        return False
    bare = [MARKS.sub("", cell) for cell in cells if "," in cell or "." in cell]
    if separated_by_commas:
        commas = [cell for cell in bare if DECIMAL_COMMA.fullmatch(cell)]
        points = [cell for cell in bare if DECIMAL_POINT.fullmatch(cell)] if commas else []
    else:
        commas = [cell for cell in bare if "," in cell and "." not in cell.partition(",")[2]]
        points = [cell for cell in bare if "." in cell and "," not in cell]
        if commas and not any(DECIMAL_POINT.fullmatch(cell) for cell in points):
            points = [cell for cell in points if not COMMA.fullmatch(cell)]
    if commas and points:
        raise BadFile(
            f"{commas[0]!r} and {points[0]!r} in one file: which is the decimal mark?"
            " Write prices with a point, and thousands without a mark"
        )
    return bool(commas)


def read_numbers(
    cells: Sequence[str],
    what: str,
    lines: Sequence[int],
    *,
    comma: bool,
    problems: Problems,
    currencies: set[str] | None = None,
) -> Floats:
    """Return the column `what` as float64; a cell that is no number is a problem and NaN.

    `comma`: a comma is the decimal mark and a point groups thousands. `currencies` takes those that stand
    beside the numbers.
    """
    if not comma and (plain := _plain(cells)) is not None:
        return plain
    numbers = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        number = _number(cell, comma=comma)
        if currencies is not None and (mark := CURRENCY.search(cell)):
            currencies.add(mark[0])
        if number is None:
            problems.add(lines[i], f"{what} {cell.strip()!r} is not a number")
        else:
            numbers[i] = number
    return numbers


def read_volume(cells: Sequence[str], lines: Sequence[int], *, comma: bool, problems: Problems) -> Floats:
    """Return a column of volumes; NaN where the cell is empty or says that there is none known."""
    if not comma and (plain := _plain(cells)) is not None:
        return plain
    lengthened = [_lengthened(cell, comma=comma) for cell in cells]
    return read_numbers(lengthened, "volume", lines, comma=False, problems=problems)


def _plain(cells: Sequence[str]) -> Floats | None:
    """Return the cells as numbers when all are written as programs do; otherwise each needs a look."""
    try:
        return np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        return None


def _lengthened(cell: str, *, comma: bool) -> str:
    """Return a volume as a plain number: 29.78M is 29780000, N/A is nan, 1.234 in a German file 1234."""
    if is_empty(cell):
        return "nan"
    match = SHORTENED.fullmatch(cell.strip())
    number = _number(match["number"] if match else cell, comma=comma)
    if number is None:
        return cell
    return repr(number * MULTIPLES[match["multiple"].lower()] if match else number)


def _number(cell: str, *, comma: bool) -> float | None:
    text = MARKS.sub("", cell)
    if not (COMMA if comma else POINT).fullmatch(text):
        return None
    text = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    return float(text)
