"""All that figures about the account are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.models import Order
from approvals.positions.account import Account, account
from approvals.positions.actionable import actionable
from approvals.positions.holdings import Position, open_positions
from approvals.positions.protection import Protected, protect
from approvals.queries.orders import live_orders
from signals.models.signals import SignalQuerySet


@dataclass(frozen=True)
class Book:
    """The account, what it holds, and the orders of which something may still happen."""

    account: Account | None
    held: Sequence[Position]
    orders: Sequence[Order]

    @classmethod
    def load(cls, at: datetime) -> "Book":
        """Three queries; one more after a split, and one where a round was long."""
        return cls(account(at), open_positions(), list(live_orders()))

    def protected(self) -> list[Protected]:
        """Return what is held with its exits. No query, one where there was a split since."""
        return protect(self.held, self.orders)

    @property
    def longs(self) -> list[str]:
        """Return the symbols of which we hold shares."""
        return [position.symbol for position in self.held if position.quantity > 0]

    def actionable(self, signals: SignalQuerySet) -> SignalQuerySet:
        """Return those of the signals that can be acted on, by what is held here."""
        return actionable(signals, self.longs)
