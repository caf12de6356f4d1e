"""The stops and targets that work for what is held, and how far a position has come in units of its risk."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from approvals.models import Order
from approvals.positions.holdings import Position, open_positions
from approvals.queries.orders import live_orders
from market.models import Split

ZERO = Decimal(0)


@dataclass(frozen=True)
class Protected:
    """A position with the entries whose exits work for it."""

    position: Position
    exits: Sequence[Order]

    @property
    def r(self) -> Decimal | None:
        """What it makes now over what its stops were to lose, from what was really paid.

        None where a part of it has no stop, or was filled beyond its stop so that nothing was to be lost.
        """
        risk, covered = ZERO, 0
        for order in self.exits:
            shares = min(guarded(order), abs(self.position.quantity) - covered)
            cost = self.position.average_cost - (order.stop_loss or ZERO)
            risk += shares * self.position.sign * cost
            covered += shares
        if self.position.unrealised is None or covered < abs(self.position.quantity) or risk <= 0:
            return None
        return self.position.unrealised / risk

    @property
    def unprotected(self) -> int:
        """Return how many of our shares have no stop; negative where stops cover more than is held."""
        return abs(self.position.quantity) - sum(map(guarded, self.exits))

    @property
    def at_risk(self) -> Decimal:
        """What our shares lose when every stop is hit at its price; what has no stop counts in full."""
        price, left, risk = self.position.newest_price, abs(self.position.quantity), ZERO
        distances = [(self._distance(order, price), guarded(order)) for order in self.exits]
        for distance, shares in sorted(distances, reverse=True):
            risk += distance * min(shares, left)
            left -= min(shares, left)
        return risk + left * price

    def _distance(self, order: Order, price: Decimal) -> Decimal:
        return max(self.position.sign * (price - (order.stop_now or ZERO)), ZERO)


def guarded(order: Order) -> int:
    """Return how many shares the exits of a live order guard, by our fills."""
    return max(int(order.guarded), 0)  # type: ignore[attr-defined]  # annotated


def protected() -> list[Protected]:
    """Return what is open, with its exits."""
    return protect(open_positions(), list(live_orders()))


def protect(positions: Iterable[Position], orders: Iterable[Order]) -> list[Protected]:
    """These positions, each with those of the orders whose exits work for it, on the basis of today."""
    exits: dict[tuple[str, int], list[Order]] = defaultdict(list)
    for order in _restated([order for order in orders if order.exits_working]):
        exits[order.symbol, order.sign].append(order)
    return [Protected(position, exits.get((position.symbol, position.sign), [])) for position in positions]


def _restated(orders: Sequence[Order]) -> list[Order]:
    """The orders, old shares as they are now: the broker restates what works there. At most one query."""
    old = {order.symbol for order in orders if order.is_of_old_shares}  # type: ignore[attr-defined]  # annotated
    splits = list(Split.objects.filter(symbol__in=old)) if old else []
    return [_restate(order, splits) if order.symbol in old else order for order in orders]


def _restate(order: Order, splits: Iterable[Split]) -> Order:
    later = (
        split for split in splits if split.symbol == order.symbol and split.date > order.created_at.date()
    )
    ratio = prod((Decimal(str(split.ratio)) for split in later), start=Decimal(1))
    now = copy(order)
    now.filled_quantity = int(order.filled_quantity * ratio)
    now.guarded = int(guarded(order) * ratio)  # type: ignore[attr-defined]  # annotated
    for level in ("stop_loss", "take_profit", "stop_level", "target_level"):
        price = getattr(order, level)
        setattr(now, level, None if price is None else price / ratio)
    return now


def live_entries(orders: Iterable[Order]) -> list[Order]:
    """The entries among them that take room in the account. One that is held needs a decision first."""
    return [
        order
        for order in orders
        if order.kind == Order.Kind.ENTRY and (order.status != Order.Status.HELD or order.exits_working)
    ]
