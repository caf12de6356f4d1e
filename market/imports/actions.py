"""Corporate actions out of a CSV file: our own columns, or a vendor's list of dividends or splits. Pure."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from market.imports import spelling
from market.imports.csvfile.splits import ratio_of
from market.providers.actions import Action, Kind, amount, day

LARGEST = 5 * 2**20
SHOWN = 20  # problems
# What a column may be called, in lower case without spaces and underscores.
COLUMNS: Mapping[str, Sequence[str]] = {
    "symbol": ("symbol", "ticker"),
    "kind": ("kind", "type", "action"),
    "ex_date": ("exdate", "exdividenddate", "date", "executiondate", "effectivedate"),
    "amount": ("amount", "dividend", "dividends", "cashamount", "rate"),
    "currency": ("currency",),
    "pay_date": ("paydate", "payabledate", "paymentdate"),
    "record_date": ("recorddate",),
    "declared_date": ("declareddate", "declarationdate"),
    "ratio": ("ratio", "stocksplits", "split"),
    "new_symbol": ("newsymbol", "newticker"),
}
KINDS = {
    "cash dividend": Kind.DIVIDEND,
    "name change": Kind.SYMBOL_CHANGE,
    **{kind.value: kind for kind in Kind},
}


class BadActions(ValueError):
    """The file cannot be read. The message quotes the lines that are wrong and says what to do."""


def read(content: bytes, symbol: str = "", currency: str = "USD") -> list[Action]:
    """Return the actions of a file. `symbol`, `currency`: of rows that name none. Raises BadActions."""
    text = _decoded(content)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    names = _names(rows.fieldnames or [])
    if "ex_date" not in names or ("symbol" not in names and not symbol):
        raise BadActions(
            "The first line must name the columns: symbol (or say which symbol it is) and ex_date, then"
            " amount, ratio or new_symbol. See the page on importing."
        )
    actions, problems = [], []
    for row in rows:
        try:
            actions.append(_action(row, names, symbol, currency))
        except ValueError as reason:
            problems.append(f"line {rows.line_num}: {reason}")
    if problems:
        more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
        raise BadActions("; ".join(problems[:SHOWN]) + more)
    if not actions:
        raise BadActions("There is nothing in it below the first line.")
    return actions


def _decoded(content: bytes) -> str:
    if len(content) > LARGEST:
        raise BadActions("The file is larger than 5 MB. Load it in parts.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _names(header: Sequence[str]) -> dict[str, str]:
    """Return the file's name of each column of ours that it has."""
    plain = {name.lower().replace(" ", "").replace("_", "").replace("-", ""): name for name in header if name}
    found = (
        (ours, next((plain[name] for name in names if name in plain), "")) for ours, names in COLUMNS.items()
    )
    return {ours: name for ours, name in found if name}


def _action(row: Mapping[str, str | None], names: Mapping[str, str], symbol: str, currency: str) -> Action:
    cells = {ours: (row.get(name) or "").strip() for ours, name in names.items()}
    ratio = _ratio(cells.get("ratio", ""))
    cash = _amount(cells.get("amount", ""))
    action = Action(
        symbol=spelling.ours(cells.get("symbol") or symbol),
        kind=_kind(cells),
        ex_date=_needed(cells["ex_date"]),
        amount=cash,
        currency=(cells.get("currency") or currency).upper()[:3] if cash else "",
        ratio=ratio,
        new_symbol=spelling.ours(cells["new_symbol"]) if cells.get("new_symbol") else "",
        pay_date=_day(cells, "pay_date"),
        record_date=_day(cells, "record_date"),
        declared_date=_day(cells, "declared_date"),
    )
    if action.problem:
        raise ValueError(action.problem)
    return action


def _kind(cells: Mapping[str, str]) -> Kind:
    if written := cells.get("kind", "").lower().replace("_", " "):
        if written not in KINDS:
            raise ValueError(f"{written!r} is no kind: write one of {', '.join(KINDS)}")
        return KINDS[written]
    if cells.get("amount"):
        return Kind.DIVIDEND
    return Kind.SPLIT if cells.get("ratio") else Kind.SYMBOL_CHANGE


def _amount(cell: str) -> Decimal:
    try:
        Decimal(cell or 0)
    except InvalidOperation as error:
        raise ValueError(f"{cell!r} is no amount: write it as 0.24") from error
    return amount(cell)


def _ratio(cell: str) -> Decimal:
    try:
        return amount(ratio_of(cell)) if cell else Decimal(0)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{cell!r} is no ratio: write 4, 3:2 or 1/10") from error


def _day(cells: Mapping[str, str], name: str) -> date | None:
    return _needed(cells[name]) if cells.get(name) else None


def _needed(cell: str) -> date:
    if (read := day(cell)) is None:
        raise ValueError(f"{cell!r} is no date: write it as 2024-01-31")
    return read
