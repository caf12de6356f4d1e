"""Corporate actions out of a CSV file: our own columns, or a vendor's list of dividends or splits. Pure."""

from datetime import date
from decimal import Decimal, InvalidOperation

from market.imports import facts, spelling
from market.imports.csvfile.splits import ratio_of
from market.providers import currencies
from market.providers.actions import Action, Kind, amount

COLUMNS: facts.Columns = {
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
    "worthless removal": Kind.WORTHLESS,
    "rights distribution": Kind.RIGHTS,
    "spin off": Kind.SPIN_OFF,
    "spinoff": Kind.SPIN_OFF,
    **{kind.value: kind for kind in Kind},
}


def read(content: bytes, symbol: str = "", currency: str = "USD") -> list[Action]:
    """Return the actions of a file. `symbol`, `currency`: of rows that name none. Raises BadFile."""
    needed = ["ex_date"] if symbol else ["symbol", "ex_date"]
    advice = "symbol (or say which symbol it is) and ex_date, then amount, ratio or new_symbol"
    return facts.read(content, COLUMNS, needed, advice, lambda cells: _action(cells, symbol, currency))


def _action(cells: facts.Cells, symbol: str, currency: str) -> Action:
    ratio = _ratio(cells.get("ratio", ""))
    cash = _amount(cells.get("amount", ""))
    action = Action(
        symbol=spelling.ours(cells.get("symbol") or symbol),
        kind=_kind(cells),
        ex_date=facts.date_of(cells["ex_date"]),
        amount=cash,
        currency=currencies.code(cells.get("currency") or currency) if cash else "",
        ratio=ratio,
        new_symbol=spelling.ours(cells["new_symbol"]) if cells.get("new_symbol") else "",
        pay_date=_day(cells, "pay_date"),
        record_date=_day(cells, "record_date"),
        declared_date=_day(cells, "declared_date"),
    )
    if action.problem:
        raise ValueError(action.problem)
    return action


def _kind(cells: facts.Cells) -> Kind:
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


def _day(cells: facts.Cells, name: str) -> date | None:
    return facts.date_of(cells[name]) if cells.get(name) else None
