"""The brokers' own records, read past the adapters, and the hands that act there."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from approvals.brokers.base import Leg
from tests.conformance.broker.alpaca import Counter
from tests.conformance.month.books import Deal
from tests.vendors.alpaca_trading import Order
from tests.vendors.alpaca_trading.server import _moment

ZERO = Decimal(0)


class Record(Protocol):
    """A counterpart's record."""

    def deals(self) -> list[Deal]: ...

    def cash(self) -> Decimal:
        """Return what the account's cash is more than at the beginning."""
        ...

    def left(self, client_id: UUID, leg: Leg) -> int:
        """Return how many shares of a leg can fill now."""
        ...

    def mark(self, symbol: str, price: Decimal) -> None: ...

    def trade_by_hand(self, symbol: str, quantity: int, price: Decimal) -> None: ...


class AlpacaRecord:
    """Its account activities, as its own page shows them."""

    def __init__(self, counter: Counter) -> None:
        self.counter, self.account = counter, counter.account
        self.begun_with = counter.account.cash

    def deals(self) -> list[Deal]:
        rows = [row for row in self.account.activities if row["activity_type"] == "FILL"]
        corrected = {row.get("previous_id") for row in rows}
        first = {row["id"]: row for row in rows}
        return [self._deal(row, first) for row in rows if row["id"] not in corrected]

    def _deal(self, row: dict[str, Any], rows: dict[str, dict[str, Any]]) -> Deal:
        """A corrected deal keeps its time and its place."""
        sign = -1 if row["side"].startswith("sell") else 1
        original = row
        while original.get("previous_id"):
            original = rows[original["previous_id"]]
        return Deal(
            _moment(original),
            row["symbol"],
            sign * Decimal(row["qty"]),
            Decimal(row["price"]),
            ZERO,
            self._is_ours(self.account.orders[row["order_id"]]),
        )

    def _is_ours(self, order: Order) -> bool:
        family = [order, *self._before(order)]
        parents = [member.parent for member in family if member.parent]
        return any(member.client_order_id.startswith("jax-") for member in (*family, *parents))

    def _before(self, order: Order) -> Iterator[Order]:
        while order.replaces:
            order = self.account.orders[order.replaces]
            yield order

    def cash(self) -> Decimal:
        return self.account.cash - self.begun_with

    def left(self, client_id: UUID, leg: Leg) -> int:
        orders = self.counter._orders(client_id, leg)
        if not orders or not orders[-1].is_alive:
            return 0
        parent = orders[-1].parent
        waits = leg in (Leg.STOP, Leg.TARGET) and parent is not None and parent.is_entry_alive
        return 0 if waits else int(orders[-1].remaining)

    def mark(self, symbol: str, price: Decimal) -> None:
        self.account.prices[symbol] = price

    def trade_by_hand(self, symbol: str, quantity: int, price: Decimal) -> None:
        self.counter.vendor.trade_by_hand(symbol, quantity, price)
