"""Alpaca's corporate actions: one answer holds lists by kind."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal

from core.http import Answer
from market.providers import wire
from market.providers.actions import Action, Kind, amount
from market.providers.facts import day

PATH = "/v1/corporate-actions"
TYPES = (
    "cash_dividend,forward_split,reverse_split,name_change,"
    "cash_merger,stock_merger,stock_and_cash_merger,worthless_removal"
)
MOST_ROWS = "1000"
CURRENCY = "USD"  # it says none: what it lists is paid in dollars
SPLITS = ("forward_splits", "reverse_splits")
MERGERS = ("cash_mergers", "stock_mergers", "stock_and_cash_mergers")


def query(since: date, until: date) -> dict[str, str]:
    return {
        "types": TYPES,
        "start": since.isoformat(),
        "end": until.isoformat(),
        "limit": MOST_ROWS,
        "sort": "asc",
    }


def read(pages: Sequence[Answer], symbols: Collection[str]) -> Iterator[Action | str]:
    """Yield the actions of these symbols, and why a row is none."""
    for page in pages:
        listed = wire.part(page.body, "corporate_actions")
        for name in ("cash_dividends", *SPLITS, "name_changes", *MERGERS, "worthless_removals"):
            for row in wire.rows_of(listed.get(name)):
                symbol = str(row.get("symbol") or row.get("old_symbol") or row.get("acquiree_symbol") or "")
                if symbol in symbols:
                    yield _action(name, symbol, row)


def _action(name: str, symbol: str, row: wire.Row) -> Action | str:
    ex_date = day(row.get("ex_date") or row.get("effective_date") or row.get("process_date"))
    if ex_date is None:
        return f"{symbol}: one of {name} without a date"
    kind = _kind(name)
    return Action(
        symbol=symbol,
        kind=kind,
        ex_date=ex_date,
        amount=_cash(name, row),
        currency=CURRENCY if _cash(name, row) else "",
        ratio=_ratio(name, row),
        new_symbol=str(row.get("new_symbol") or row.get("acquirer_symbol") or "")[:16],
        pay_date=day(row.get("payable_date")),
        record_date=day(row.get("record_date")),
        reference=str(row.get("id") or "")[:80],
    )


def _kind(name: str) -> Kind:
    if name in SPLITS:
        return Kind.SPLIT
    if name in MERGERS:
        return Kind.MERGER
    return {"cash_dividends": Kind.DIVIDEND, "name_changes": Kind.SYMBOL_CHANGE}.get(name, Kind.DELISTING)


def _cash(name: str, row: wire.Row) -> Decimal:
    if name in ("cash_dividends", "cash_mergers"):
        return amount(row.get("rate"))
    return amount(row.get("cash_rate"))


def _ratio(name: str, row: wire.Row) -> Decimal:
    """Return the new shares for one old one; in a merger those of the acquirer."""
    new, old = (row.get(key) for key in _rates(name))
    return amount(amount(new) / amount(old)) if amount(new) and amount(old) else Decimal(0)


def _rates(name: str) -> tuple[str, str]:
    return ("acquirer_rate", "acquiree_rate") if name in MERGERS else ("new_rate", "old_rate")
