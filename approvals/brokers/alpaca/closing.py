"""Closing beside exits: targets that are moved to a price at which they trade at once.

Alpaca holds shares for the exits that work, so that nothing else can sell them. A target that is replaced by
a limit a tick inside its stop sells at once at the best price there is, under the closing's own id, and the
stop watches until that has filled. Were the price to fall through it, the stop would sell.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from approvals.brokers.alpaca import changes, ids, rows
from approvals.brokers.alpaca.book import Book
from approvals.brokers.alpaca.values import Row
from approvals.brokers.alpaca.wire import Api
from approvals.brokers.base import BrokerAway, Close, Leg, LegState, OrderRefused, Side

CENT, FINE, ONE = Decimal("0.01"), Decimal("0.0001"), Decimal(1)
A_PART = (
    "Alpaca cannot close {wanted} shares beside exits of {guarded}: it changes the level of an exit, not its "
    "shares. Cancel the exits first, and place new ones for what is kept."
)
STILL_CANCELLING = "Alpaca still cancels the exits that hold the shares: it is tried again."
PARTS_WORK = "Parts of the closing still work at Alpaca."


class Pair(NamedTuple):
    """The exits that hold some shares."""

    target: Row
    stop: Row | None

    @property
    def shares(self) -> int:
        return int(rows.remaining(self.target))


def move_targets(api: Api, book: Book, order: Close) -> int:
    """Move the targets of the guards, each once; return how many shares no exit holds: they can be sold.

    The last one has the closing's own id, so that a closing that is known is whole. Raises OrderRefused for a
    part of what exits hold.
    """
    pairs = [pair for guard in order.guards if (pair := _pair(api, book, guard))]
    parts = book.further_parts(order.client_id)
    wanted = order.quantity - sum(rows.remaining(part) for part in parts if rows.is_live(part))
    guarded = sum(pair.shares for pair in pairs)
    if guarded > wanted:
        raise OrderRefused(A_PART.format(wanted=order.quantity, guarded=guarded))
    if not pairs and parts and not wanted:
        raise BrokerAway(PARTS_WORK)
    names = _names(order, len(parts), len(pairs), is_last=guarded == wanted)
    for pair, own_id in zip(pairs, names, strict=True):
        changes.change(api, book, pair.target, _marketable(pair, order.side), own_id)
    return int(wanted - guarded)


def _names(order: Close, known: int, wanted: int, *, is_last: bool) -> Sequence[str]:
    """Return the ids of the parts. `is_last`: nothing is sold besides, so that the last is the closing."""
    numbers = range(known + 1, known + 1 + wanted)
    names = [ids.changed(order.client_id, Leg.CLOSE, number) for number in numbers]
    return [*names[:-1], ids.own(order.client_id)] if is_last and names else names


def _pair(api: Api, book: Book, guard: UUID) -> Pair | None:
    """Return the exits of an order that hold shares; None where there are none. A lone stop is cancelled."""
    family = book.find(guard)
    live = [row for row in (family.exits() if family else ()) if rows.is_live(row)]
    by_leg = {rows.role(row): row for row in live}
    target, stop = by_leg.get(Leg.TARGET), by_leg.get(Leg.STOP)
    if target is not None and rows.state(target) is not LegState.HELD:
        return Pair(target, stop)
    if target is None and stop is not None:
        changes.cancel(api, book, stop)
        now = book.row(stop["id"])
        if now is not None and rows.is_live(now):
            raise BrokerAway(STILL_CANCELLING)
    return None


def _marketable(pair: Pair, side: Side) -> Decimal:
    """Return a price at which a target trades at once: inside the stop by a tick."""
    if pair.stop is None:
        level = Decimal(str(pair.target["limit_price"])) / (2 if side is Side.SELL else Decimal("0.5"))
        return level.quantize(CENT if level >= ONE else FINE)
    level = Decimal(str(pair.stop["stop_price"]))
    return level - side.sign * (CENT if level >= ONE else FINE)
