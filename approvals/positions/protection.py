"""The stops and targets that work for what is held, and how far a position has come in units of its risk."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from approvals.models import Fill, Order
from approvals.positions.holdings import Position, open_positions
from market.models import Split
from signals.models import Signal

ZERO = Decimal(0)


@dataclass(frozen=True)
class Protected:
    """A position with the entries whose exits work for it."""

    position: Position
    exits: Sequence[Order]

    @property
    def r(self) -> Decimal | None:
        """What it makes now over what its stops were to lose; None where a part of it has no stop."""
        planned, covered = ZERO, 0
        for order in self.exits:
            shares = min(order.filled_quantity, abs(self.position.quantity) - covered)
            planned += shares * abs(self.position.average_cost - (order.stop_loss or ZERO))
            covered += shares
        if self.position.unrealised is None or covered < abs(self.position.quantity) or planned == 0:
            return None
        return self.position.unrealised / planned

    @property
    def at_risk(self) -> Decimal:
        """What our shares lose when every stop is hit at its price; what has no stop counts in full."""
        price, left, risk = self.position.newest_price, abs(self.position.quantity), ZERO
        distances = [(self._distance(order, price), order.filled_quantity) for order in self.exits]
        for distance, filled in sorted(distances, reverse=True):
            risk += distance * min(filled, left)
            left -= min(filled, left)
        return risk + left * price

    def _distance(self, order: Order, price: Decimal) -> Decimal:
        return max(self.position.sign * (price - (order.stop_loss or ZERO)), ZERO)


def protected() -> list[Protected]:
    """What is open, with its exits: always six queries."""
    return protect(open_positions(), live_entries())


def protect(positions: Iterable[Position], entries: Iterable[Order]) -> list[Protected]:
    """These positions, each with those of the entries whose exits work for it, on the basis of today."""
    exits: dict[tuple[str, int], list[Order]] = defaultdict(list)
    for order in entries:
        if order.exits_working:
            exits[order.symbol, 1 if order.side == Signal.Type.BUY else -1].append(order)
    _restate([order for mine in exits.values() for order in mine])
    return [Protected(one, exits.get((one.symbol, one.sign), [])) for one in positions]


def _restate(orders: Collection[Order]) -> None:
    """Say of old shares what they are now: the broker restates what works there. At most one query."""
    old = [order for order in orders if order.is_of_old_shares]  # type: ignore[attr-defined]  # annotated
    if not old:
        return
    splits = list(Split.objects.filter(symbol__in={order.symbol for order in old}))
    for order in old:
        later = (one for one in splits if one.symbol == order.symbol and one.date > order.created_at.date())
        ratio = prod((Decimal(str(one.ratio)) for one in later), start=Decimal(1))
        order.filled_quantity = int(order.filled_quantity * ratio)
        for level in ("stop_loss", "take_profit"):
            price = getattr(order, level)
            setattr(order, level, None if price is None else price / ratio)


def live_entries() -> list[Order]:
    """The entries of which something may still happen, oldest first. One that is held needs a decision first.

    `recorded`: how many shares of theirs are among the fills. `is_of_old_shares`: there was a split since.
    """
    works = Q(status__in=Order.WORKING) & ~Q(status=Order.Status.HELD)
    recorded = Coalesce(Sum("fills__quantity", filter=Q(fills__leg=Fill.Leg.ENTRY)), 0)
    split = Split.objects.filter(symbol=OuterRef("symbol"), date__gt=OuterRef("created_at"))
    orders = Order.objects.entries().filter(works | Q(exits_working=True))
    annotated = orders.annotate(recorded=recorded, is_of_old_shares=Exists(split))
    return list(annotated.order_by("created_at", "pk"))
