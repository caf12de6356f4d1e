"""Which column of a file is what, by the names in its header."""

from collections.abc import Sequence
from dataclasses import dataclass

from market.imports.csvfile.names import (
    DATE,
    ENDS,
    OPTIONAL,
    PER_COIN,
    STAMP,
    TIME,
    UNNAMED,
    UP_DOWN,
    VALUES,
    counted_in,
    plain,
    undecorated,
)
from market.imports.csvfile.problems import BadFile
from market.imports.csvfile.symbols import columns_of_symbols

EXAMPLE = "time,open,high,low,close,volume"
PRICES = ("open", "high", "low", "close")
NAMED_PRICES = 3  # with so many a row is a header
SKIPPED = ("", "-", "_")


@dataclass(frozen=True)
class Layout:
    """Which column is what, by number.

    `stamp` is one column, or a date and a time of day. `volume` are the columns whose sum it is: none when
    the file has no volume. `unit`: how many shares one of it is. `stamped`: close where the name of the
    stamp says so. `symbols`: the columns that may be that of the symbols by their names.
    """

    stamp: tuple[int, ...]
    values: dict[str, int]
    volume: tuple[int, ...]
    width: int
    unit: float = 1.0
    stamped: str = ""
    symbols: tuple[int, ...] = ()


def is_header(row: Sequence[str]) -> bool:
    """Whether a row names the prices."""
    names = {*map(plain, row), *undecorated(row)}
    return sum(bool(names.intersection(VALUES[price])) for price in PRICES) >= NAMED_PRICES


def read_layout(header: Sequence[str], line: int) -> Layout:
    """Find the columns by name. Raises BadFile when one is missing or given twice."""
    header = list(header)
    while header and not header[-1].strip():
        header.pop()
    levels = [[plain(name) for name in header], undecorated(header)]
    prices = {price: _only(levels, VALUES[price], price, line) for price in PRICES}
    missing = [what for what, column in prices.items() if column is None]
    stamped, stamp = _stamp(levels, line)
    volume = _volume(levels, line)
    if missing:
        raise BadFile(
            f"line {line}: no column for {', '.join(missing)}. The columns are named as in {EXAMPLE}"
        )
    values = prices | {what: _only(levels, names, what, line) for what, names in OPTIONAL.items()}
    return Layout(
        stamp=stamp,
        values={what: column for what, column in values.items() if column is not None},
        volume=volume,
        width=len(header),
        unit=counted_in(header[volume[0]]) if volume else 1.0,
        stamped=stamped,
        symbols=columns_of_symbols(header),
    )


def layout_of(columns: Sequence[str]) -> Layout:
    """Return the layout that a user or a preset gives by naming the columns in their order."""
    names = [plain(name) if name not in SKIPPED else "" for name in columns]
    names_of_columns = {*STAMP, *DATE, *TIME, *sum((*VALUES.values(), *OPTIONAL.values()), ())}
    if strangers := [
        name for name, short in zip(columns, names, strict=True) if short not in {"", *names_of_columns}
    ]:
        raise BadFile(
            f"{', '.join(strangers)}: no such column. Name the columns in their order, as in"
            f" date,time,open,high,low,close,volume, with - for each that is not needed"
        )
    missing = [price for price in PRICES if not {*names}.intersection(VALUES[price])]
    if missing:
        raise BadFile(f"no column is named {', '.join(missing)}: {','.join(columns)}")
    return read_layout([name or f"column {number}" for number, name in enumerate(names)], 1)


def _stamp(levels: Sequence[Sequence[str]], line: int) -> tuple[str, tuple[int, ...]]:
    """Return close where the name of the stamp says that, and its columns."""
    column = _only(levels, STAMP, "time", line)
    if column is not None:
        return "", (column,)
    parts = [_only(levels, DATE, "date", line), _only(levels, TIME, "time", line)]
    columns = tuple(part for part in parts if part is not None)
    if not columns and levels[0] and levels[0][0] in UNNAMED:
        return "", (0,)
    if not columns and (end := _only(levels, ENDS, "time", line)) is not None:
        return "close", (end,)
    if not columns:
        raise BadFile(f"line {line}: no column for time or date. The columns are named as in {EXAMPLE}")
    return "", columns


def _volume(levels: Sequence[Sequence[str]], line: int) -> tuple[int, ...]:
    names = levels[0]
    # CryptoDataDownload names a volume in each coin of a pair, first that of the coin which is traded.
    in_coins = [i for i, name in enumerate(names) if PER_COIN.fullmatch(name)]
    if len(in_coins) > 1 and "volume" not in names:
        return (in_coins[0],)
    column = _only(levels, VALUES["volume"], "volume", line)
    if column is not None:
        return (column,)
    if all(names.count(name) == 1 for name in UP_DOWN):
        return tuple(names.index(name) for name in UP_DOWN)
    return ()


def _only(levels: Sequence[Sequence[str]], accepted: Sequence[str], what: str, line: int) -> int | None:
    """Return the column with the first of the known names that is there, as it stands or undecorated."""
    for names in levels:
        for name in accepted:
            if names.count(name) > 1:
                raise BadFile(
                    f"line {line}: {names.count(name)} columns are named {name}, so {what} is not clear"
                )
            if name in names:
                return names.index(name)
    return None
