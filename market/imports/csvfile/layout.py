"""Which column of a file is what, by the names that exports of brokers and data sites give them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from market.imports.csvfile.problems import BadFile

DELIMITERS = ",;\t|"
EXAMPLE = "time,open,high,low,close,volume"

STAMP = ("openedat", "datetime", "timestamp", "opentime", "gmttime", "windowstart", "t")
DATE = ("date", "tradedate", "day")
TIME = ("time",)
VALUES = {
    "open": ("open", "o", "openprice"),
    "high": ("high", "h", "highprice"),
    "low": ("low", "l", "lowprice"),
    "close": ("close", "c", "closeprice", "last", "closelast", "price"),
    "volume": ("volume", "v", "vol"),
}
OPTIONAL = {
    "vwap": ("vwap", "vw", "wap", "average"),
    "symbol": ("symbol", "ticker"),
}


@dataclass(frozen=True)
class Layout:
    """Which column is what, by number. `stamp` is one column, or a date and a time of day."""

    stamp: tuple[int, ...]
    values: dict[str, int]
    width: int


def plain(name: str) -> str:
    """Return a column's name in its plain form: '<DATE>' and 'Date ' are date, 'Adj Close' is adjclose."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def read_layout(header: Sequence[str], line: int) -> Layout:
    """Find the columns by name. Raises BadFile when one is missing or given twice."""
    names = [plain(name) for name in header]
    if not any(name in VALUES["open"] for name in names):
        raise BadFile(
            f"line {line}: no column for open. The first line must name the columns, as in {EXAMPLE}"
        )
    stamp = _stamp(names, line)
    values = {what: _only(names, accepted, what, line) for what, accepted in VALUES.items()}
    missing = [what for what, column in values.items() if column is None]
    if missing:
        raise BadFile(
            f"line {line}: no column for {', '.join(missing)}. The columns are named as in {EXAMPLE}"
        )
    values |= {what: _only(names, accepted, what, line) for what, accepted in OPTIONAL.items()}
    columns = {what: column for what, column in values.items() if column is not None}
    return Layout(stamp=stamp, values=columns, width=len(header))


def _stamp(names: Sequence[str], line: int) -> tuple[int, ...]:
    column = _only(names, STAMP, "time", line)
    if column is not None:
        return (column,)
    parts = [_only(names, DATE, "date", line), _only(names, TIME, "time", line)]
    columns = tuple(part for part in parts if part is not None)
    if not columns:
        raise BadFile(f"line {line}: no column for time or date. The columns are named as in {EXAMPLE}")
    return columns


def _only(names: Sequence[str], accepted: Sequence[str], what: str, line: int) -> int | None:
    """Return the column with the first of the known names that is there."""
    for name in accepted:
        if names.count(name) > 1:
            raise BadFile(
                f"line {line}: {names.count(name)} columns are named {name}, so {what} is not clear"
            )
        if name in names:
            return names.index(name)
    return None
