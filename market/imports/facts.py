"""Facts out of a CSV file, whatever their columns are called. Pure."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from market.providers.facts import day

LARGEST = 5 * 2**20
SHOWN = 20  # problems
T = TypeVar("T")
Columns = Mapping[str, Sequence[str]]
Cells = Mapping[str, str]


class BadFile(ValueError):
    """The file cannot be read. The message quotes the lines that are wrong and says what to do."""


def read(
    content: bytes, columns: Columns, needed: Sequence[str], advice: str, fact: Callable[[Cells], T]
) -> list[T]:
    """Return the facts of a file, one a line. Raises BadFile.

    `columns`: what each column may be called, in lower case without spaces, underscores and hyphens. `fact`
    makes one of a line's cells by column, and raises ValueError for what is none.
    """
    text = _decoded(content)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    names = _names(rows.fieldnames or [], columns)
    if not names.keys() >= set(needed):
        raise BadFile(f"The first line must name the columns: {advice}. See the page on importing.")
    facts, problems = [], []
    for row in rows:
        try:
            facts.append(fact({ours: (row.get(name) or "").strip() for ours, name in names.items()}))
        except ValueError as reason:
            problems.append(f"line {rows.line_num}: {reason}")
    if problems:
        more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
        raise BadFile("; ".join(problems[:SHOWN]) + more)
    if not facts:
        raise BadFile("There is nothing in it below the first line.")
    return facts


def date_of(cell: str) -> date:
    if (read := day(cell)) is None:
        raise ValueError(f"{cell!r} is no date: write it as 2024-01-31")
    return read


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise BadFile("The file is larger than 5 MB. Load it in parts.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _names(header: Sequence[str], columns: Columns) -> dict[str, str]:
    """Return the file's name of each column of ours that it has."""
    plain = {name.lower().replace(" ", "").replace("_", "").replace("-", ""): name for name in header if name}
    found = (
        (ours, next((plain[name] for name in names if name in plain), "")) for ours, names in columns.items()
    )
    return {ours: name for ours, name in found if name}
