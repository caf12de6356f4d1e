"""The orders of which something may still happen, and what has happened to orders."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db.models.query import RawQuerySet

from approvals.models import Fill, Order
from core.queries import fetch_all

LIVE_ORDERS = """
SELECT orders.*,
    coalesce(
        (SELECT sum(quantity) FROM fills WHERE order_id = orders.id AND leg = 'entry'), 0
    )::int AS recorded,
    EXISTS (
        SELECT FROM splits WHERE splits.symbol = orders.symbol AND date > orders.created_at
    ) AS is_of_old_shares,
    (
        SELECT strategy_id FROM trade_approvals JOIN strategy_signals ON strategy_signals.id = signal_id
        WHERE trade_approvals.id = approval_id
    ) AS strategy_id,
    CASE WHEN kind = 'entry' THEN filled_quantity ELSE quantity END - coalesce(
        (SELECT sum(quantity) FROM fills WHERE order_id = orders.id AND leg IN ('stop', 'target', 'flat')), 0
    )::int AS guarded
FROM orders
WHERE status = ANY(%(working)s) OR exits_working
ORDER BY created_at, id
"""


def live_orders() -> "RawQuerySet[Order]":
    """Return the orders of which something may still happen, oldest first.

    `recorded`: how many shares of an entry are among the fills. `is_of_old_shares`: there was a split since.
    `strategy_id`: whose signal it came of; None for a closing by hand. `guarded`: the shares of its exits
    that these have not sold yet.
    """
    return Order.objects.raw(LIVE_ORDERS, {"working": [str(status) for status in Order.WORKING]})


# Of the newest entry of each that was filled.
STRATEGIES = """
SELECT DISTINCT ON (orders.symbol) orders.symbol, strategy_id FROM orders
JOIN trade_approvals ON trade_approvals.id = approval_id
JOIN strategy_signals ON strategy_signals.id = signal_id
WHERE kind = 'entry' AND filled_quantity > 0 AND orders.symbol = ANY(%(symbols)s)
ORDER BY orders.symbol, orders.created_at DESC
"""


class StrategyRow(NamedTuple):
    """Whose signal the shares of a symbol came of."""

    symbol: str
    strategy_id: str


def strategies(symbols: Collection[str]) -> list[StrategyRow]:
    """Return whose signals the newest shares of these symbols came of. No query without symbols."""
    return fetch_all(StrategyRow, STRATEGIES, {"symbols": list(symbols)}) if symbols else []


ORDER_EVENTS = """
SELECT order_id, executed_at AS at, true AS is_fill, id, leg AS name, '' AS by, '' AS notes,
    side, quantity::int, price, commission, commission_unknown
FROM fills WHERE order_id = ANY(%(orders)s)
UNION ALL
SELECT order_id, decided_at, false, order_decisions.id, action, username, notes, '', 0, 0, 0, ''
FROM order_decisions JOIN auth_user ON auth_user.id = decided_by_id WHERE order_id = ANY(%(orders)s)
ORDER BY at, is_fill DESC, id
"""


class OrderEvent(NamedTuple):
    """A fill of an order, or a decision of a person on it.

    `name`: the leg of a fill, the action of a decision. `by`, `notes`: of a decision; what follows, of a fill
    (zero for a decision).
    """

    order_id: UUID
    at: datetime
    is_fill: bool
    id: int
    name: str
    by: str
    notes: str
    side: str
    quantity: int
    price: Decimal
    commission: Decimal
    commission_unknown: str

    @property
    def title(self) -> str:
        return str(Fill.Leg(self.name).label) if self.is_fill else self.name


def order_events(orders: Collection[UUID]) -> list[OrderEvent]:
    """Return the fills of these orders and the decisions on them, oldest first. One query."""
    return fetch_all(OrderEvent, ORDER_EVENTS, {"orders": list(orders)})
