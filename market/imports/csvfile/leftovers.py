"""Rows among the bars that are none: dividends, repeated headers, comments, notes after the last bar."""

import re
from collections.abc import Sequence

from market.imports.csvfile.layout import PRICES, Layout, is_header
from market.imports.csvfile.numbers import is_empty, is_number
from market.imports.csvfile.stamps import begins_with_month, read_stamp

Row = Sequence[str]

# As the tables of Yahoo say it between the prices: 0.25 Dividend, 4:1 Stock Splits.
EVENT = re.compile(r"[\d.,:/\s]*(cash\s+)?(dividend|stock split|capital gain)s?\b.*", re.IGNORECASE)
PRICED = re.compile(
    r"[\s$\u20ac\u00a3\u00a5\u20b9\-]*\d[\d.,'\s\u2019]*(e[+-]?\d+)?\s*|[\s-]*\.\d+", re.IGNORECASE
)
COUNTED = re.compile(r"\W*\d[\d,.]*\s(rows?|records?|results?|lines?|bars?)\b.*", re.IGNORECASE | re.DOTALL)
TOTALS = {
    *("total", "totals", "sum", "summe", "gesamt", "average", "avg", "mean", "durchschnitt", "mittelwert"),
    *("count", "std", "min", "max", "minimum", "maximum", "median", "high", "low", "change"),
}
WORDS = re.compile(r"[^\W\d_]{2,}.*\s.*\w|https?://\S+", re.DOTALL)


def without_prices(rows: Sequence[Row], layout: Layout) -> list[int]:
    """Return the rows that hold no price where their prices should be."""
    return [
        i
        for i, row in enumerate(rows)
        if len(row) == layout.width and all(is_empty(row[layout.values[price]]) for price in PRICES)
    ]


def no_bars(rows: Sequence[Row], layout: Layout) -> dict[int, str]:
    """Return the rows that are something else than a bar, each with what it says."""
    odd = {i for i, row in enumerate(rows) if _is_odd(row, layout)}
    last_bar = len(rows) - 1
    while last_bar >= 0 and _ends_no_bar(rows[last_bar], layout, is_odd=last_bar in odd):
        last_bar -= 1
    after = range(last_bar + 1, len(rows))
    others = [i for i in sorted(odd.union(after)) if i > last_bar or _is_other(rows[i])]
    return {i: " ".join(cell.strip() for cell in rows[i] if cell.strip()) for i in others}


def _ends_no_bar(row: Row, layout: Layout, *, is_odd: bool) -> bool:
    """Whether a row at the end is none: a note, or a total of the columns."""
    stamp = row[layout.stamp[0]] if layout.stamp[0] < len(row) else row[0]
    if stamp.strip(" :*").lower() in TOTALS:
        return True
    return is_odd and (_is_note(row) or _is_other(row))


def _is_odd(row: Row, layout: Layout) -> bool:
    return len(row) != layout.width or not PRICED.fullmatch(row[layout.values["open"]])


def _is_other(row: Row) -> bool:
    """Whether a row says by itself that it is no bar, wherever it stands."""
    numbers = sum(map(is_number, row))
    is_event = numbers < len(PRICES) - 1 and any(EVENT.fullmatch(cell.strip()) for cell in row)
    return is_event or row[0].lstrip().startswith("#") or is_header(row)


def _is_note(row: Row) -> bool:
    """Whether a row is a sentence: words, no number in a cell of its own, and no date at its beginning."""
    text = " ".join(row).strip()
    if COUNTED.fullmatch(text):
        return True
    return bool(WORDS.search(text)) and not any(map(is_number, row)) and not _is_stamp(row[0])


def _is_stamp(cell: str) -> bool:
    """Whether a cell is a date, or the beginning of one in a file that was cut off."""
    if begins_with_month(cell):
        return True
    try:
        read_stamp(cell.strip(), month_first=True)
    except ValueError:
        return False
    return True
