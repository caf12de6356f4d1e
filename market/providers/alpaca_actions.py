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
    "cash_dividend,stock_dividend,forward_split,reverse_split,unit_split,name_change,spin_off,"
    "rights_distribution,cash_merger,stock_merger,stock_and_cash_merger,redemption,worthless_removal"
)
MOST_ROWS = "1000"
CURRENCY = "USD"  # it says none: what it lists is paid in dollars
# Under the name of each list; a redemption is the end of a share, for cash.
KINDS = {
    "cash_dividends": Kind.DIVIDEND,
    "stock_dividends": Kind.SPLIT,
    "forward_splits": Kind.SPLIT,
    "reverse_splits": Kind.SPLIT,
    "unit_splits": Kind.UNIT_SPLIT,
    "name_changes": Kind.SYMBOL_CHANGE,
    "spin_offs": Kind.SPIN_OFF,
    "rights_distributions": Kind.RIGHTS,
    "cash_mergers": Kind.MERGER,
    "stock_mergers": Kind.MERGER,
    "stock_and_cash_mergers": Kind.MERGER,
    "redemptions": Kind.DELISTING,
    "worthless_removals": Kind.WORTHLESS,
}
SYMBOLS = ("symbol", "old_symbol", "acquiree_symbol", "source_symbol")


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
        for name, kind in KINDS.items():
            for row in wire.rows_of(listed.get(name)):
                symbol = str(next((row[key] for key in SYMBOLS if row.get(key)), ""))
                if symbol in symbols:
                    yield _action(name, kind, symbol, row)


def _action(name: str, kind: Kind, symbol: str, row: wire.Row) -> Action | str:
    ex_date = day(row.get("ex_date") or row.get("effective_date") or row.get("process_date"))
    if ex_date is None:
        return f"{symbol}: one of {name} without a date"
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


def _cash(name: str, row: wire.Row) -> Decimal:
    if name in ("cash_dividends", "cash_mergers", "redemptions"):
        return amount(row.get("rate"))
    return amount(row.get("cash_rate"))


def _ratio(name: str, row: wire.Row) -> Decimal:
    """Return the new shares for one old one; in a merger those of the acquirer."""
    if name == "stock_dividends":
        return 1 + amount(row.get("rate")) if amount(row.get("rate")) else Decimal(0)
    if name == "rights_distributions":
        return amount(row.get("rate"))
    new, old = (row.get(key) for key in _rates(name))
    return amount(amount(new) / amount(old)) if amount(new) and amount(old) else Decimal(0)


def _rates(name: str) -> tuple[str, str]:
    if name.endswith("mergers"):
        return "acquirer_rate", "acquiree_rate"
    return "new_rate", "source_rate" if name == "spin_offs" else "old_rate"
