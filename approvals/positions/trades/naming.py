"""The lots that people name when they close: stored with the closing, and taken by what it is filled with."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from approvals.models import Fill, NamedLot, Order
from approvals.positions.accounting import Split
from approvals.positions.trades.lots import ZERO, Lot, Matched, Method, Names, Transaction, match, named
from market import models


class LotRefused(Exception):
    """These lots cannot be named. The message says which, and what is left of them."""


@dataclass(frozen=True)
class HeldLot:
    """Shares of one purchase (or sale short) that are still held, in shares of today."""

    fill: int
    opened_at: datetime
    shares: Decimal
    price: Decimal

    @property
    def words(self) -> str:
        """Return the shares without needless zeros."""
        return f"{self.shares.normalize():f}"


def transactions(fills: Iterable[Fill]) -> list[Transaction]:
    """Return fills as the matching of lots takes them."""
    return [
        Transaction(fill.pk, Decimal(fill.signed_quantity), fill.price, fill.commission, fill.executed_at)
        for fill in fills
    ]


def splits_of(symbol: str) -> list[Split]:
    rows = models.Split.objects.filter(symbol=symbol).order_by("date")
    return [Split(row.date, Decimal(str(row.ratio))) for row in rows]


def names() -> Names:
    """Return the lots that were named: of each fill of a closing, how many shares it takes of which fill.

    What was named for a closing is taken by its fills as they come. Two queries.
    """
    wanted: dict[object, dict[int, Decimal]] = defaultdict(dict)
    for row in NamedLot.objects.order_by("pk"):
        wanted[row.order_id][row.opened_id] = Decimal(row.shares)
    taken: dict[int, dict[int, Decimal]] = defaultdict(dict)
    fills = Fill.objects.filter(order__in=list(wanted)).order_by("executed_at", "pk")
    for key, order, quantity in fills.values_list("pk", "order_id", "quantity"):
        left = Decimal(quantity)
        for opened, shares in wanted[order].items():
            if part := min(shares, left):
                taken[key][opened] = part
                wanted[order][opened] -= part
                left -= part
    return taken


def held_lots(symbol: str, broker: str) -> list[HeldLot]:
    """Return the lots that are held of a symbol, the oldest first; unnamed ones went first in first out."""
    return [
        HeldLot(lot.opened.key, lot.opened.at, abs(lot.quantity), lot.value / abs(lot.quantity))
        for lot in _matched(symbol, broker).held
    ]


def _matched(symbol: str, broker: str) -> Matched:
    fills = Fill.objects.filter(symbol=symbol, broker=broker)
    return match(transactions(fills), splits_of(symbol), named(names(), Method.FIFO))


def broker_of(symbol: str) -> str:
    """Return where the symbol was traded last; empty where it never was."""
    newest = Fill.objects.filter(symbol=symbol).order_by("-executed_at", "-pk")
    return newest.values_list("broker", flat=True).first() or ""


def require_held(symbol: str, wanted: Mapping[int, int], quantity: int) -> None:
    """Raises LotRefused where these shares of these fills are not held, or are more than are closed."""
    if sum(wanted.values()) > quantity:
        raise LotRefused(f"{sum(wanted.values())} shares are named, and {quantity} are closed.")
    matched = _matched(symbol, broker_of(symbol))
    held = {lot.opened.key: lot for lot in matched.held}
    for fill, shares in wanted.items():
        if shares <= 0:
            raise LotRefused(f"Of lot {fill} {shares} shares are named: name 1 or more.")
        left = abs(held[fill].quantity) if fill in held else ZERO
        if shares > left:
            raise LotRefused(f"{_gone(fill, symbol, matched, held.get(fill))} Name others.")


def _gone(fill: int, symbol: str, matched: Matched, left: Lot | None) -> str:
    if left is not None:
        return (
            f"Of lot {fill} {abs(left.quantity).normalize():f} shares are held, the others are sold already."
        )
    sold = [lot for lot in matched.closed if lot.opened.key == fill]
    if sold:
        return f"Lot {fill} is sold already, on {sold[-1].closed_at:%Y-%m-%d}."
    return f"There is no lot {fill} of {symbol}."


def name(order: Order, wanted: Mapping[int, int]) -> None:
    """Store which lots a closing takes."""
    rows = [NamedLot(order=order, opened_id=fill, shares=shares) for fill, shares in wanted.items()]
    NamedLot.objects.bulk_create(rows)
