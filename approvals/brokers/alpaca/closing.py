"""Closing beside exits: targets that are moved to a price at which they trade at once.

Alpaca holds shares for the exits that work, so that nothing else can sell them. A target that is replaced by
a limit a tick inside its stop sells at once at the best price there is, under the closing's own id, and the
stop watches until that has filled. Were the price to fall through it, the stop would sell.

Of a part of the shares that is not possible: Alpaca changes the level of an exit, not its shares. Exits of
more than is left to close are cancelled, and at once placed again for what is kept.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import quote
from uuid import UUID

from approvals.brokers.alpaca import changes, ids, rows
from approvals.brokers.alpaca.book import Book
from approvals.brokers.alpaca.rows import Family
from approvals.brokers.alpaca.values import Row
from approvals.brokers.alpaca.wire import Api
from approvals.brokers.base import BrokerAway, Close, Leg, LegState, Side

CENT, FINE, ONE = Decimal("0.01"), Decimal("0.0001"), Decimal(1)
POSITIONS = "/v2/positions"
PARTS_WORK = "Parts of the closing still work at Alpaca."


class Pair(NamedTuple):
    """The exits that hold some shares."""

    family: Family
    target: Row
    stop: Row | None

    @property
    def shares(self) -> int:
        return int(rows.remaining(self.target))


def move_targets(api: Api, book: Book, order: Close) -> int:
    """Move the targets of the guards, each once; return how many shares no exit holds: they can be sold.

    The last one has the closing's own id, so that a closing that is known is whole.
    """
    pairs = [pair for guard in order.guards if (pair := _pair(api, book, guard))]
    parts = book.further_parts(order.client_id)
    wanted = order.quantity - sum(rows.remaining(part) for part in parts if rows.is_live(part))
    if not pairs and parts and not wanted:
        raise BrokerAway(PARTS_WORK)
    pairs = _fitting(api, book, pairs, wanted)
    guarded = sum(pair.shares for pair in pairs)
    names = _names(order, len(parts), len(pairs), is_last=guarded == wanted)
    for pair, own_id in zip(pairs, names, strict=True):
        changes.change(api, book, pair.target, _marketable(pair, order.side), own_id)
    return int(wanted - guarded)


def move_back(api: Api, book: Book, row: Row) -> None:
    """Have a target that is a closing be a target again: were it cancelled, its stop would go, too."""
    target = book.row(row["replaces"])
    owner = book.owners([row["replaces"]])[row["replaces"]]
    if target is None or owner.client_id is None:
        changes.cancel(api, book, row)
        return
    own_id = ids.changed(owner.client_id, Leg.TARGET, row["id"])
    changes.change(api, book, row, Decimal(str(target["limit_price"])), own_id)


def _fitting(api: Api, book: Book, pairs: Sequence[Pair], wanted: int) -> list[Pair]:
    """Return the pairs that are closed whole; of what holds more, exits are placed anew for the rest."""
    whole, left = list[Pair](), wanted
    for pair in pairs:
        if pair.shares <= left:
            whole.append(pair)
            left -= pair.shares
        elif left:
            kept = min(pair.shares - left, _held(api, pair) - wanted)
            exits = changes.end_exits(api, book, pair.family)
            if kept > 0:
                changes.guard_again(api, book, pair.family.client_id, exits, kept)
            left = 0
    return whole


def _held(api: Api, pair: Pair) -> int:
    """Return the whole shares that are held of what a pair guards: a person may have sold some."""
    position = api.find(f"{POSITIONS}/{quote(str(pair.target['symbol']), safe='')}")
    return 0 if position is None else int(abs(Decimal(str(position["qty"]))))


def _names(order: Close, known: int, wanted: int, *, is_last: bool) -> Sequence[str]:
    """Return the ids of the parts. `is_last`: nothing is sold besides, so that the last is the closing."""
    numbers = range(known + 1, known + 1 + wanted)
    names = [ids.changed(order.client_id, Leg.CLOSE, number) for number in numbers]
    return [*names[:-1], ids.own(order.client_id)] if is_last and names else names


def _pair(api: Api, book: Book, guard: UUID) -> Pair | None:
    """Return the exits of an order that hold shares; None where there are none. A lone stop is cancelled."""
    family = book.find(guard)
    by_leg = {rows.role(row): row for row in (family.exits() if family else ()) if rows.is_live(row)}
    target, stop = by_leg.get(Leg.TARGET), by_leg.get(Leg.STOP)
    if family is None or (target is None and stop is None):
        return None
    if target is None:
        changes.end_exits(api, book, family)
        return None
    return None if rows.state(target) is LegState.HELD else Pair(family, target, stop)


def _marketable(pair: Pair, side: Side) -> Decimal:
    """Return a price at which a target trades at once: inside the stop by a tick."""
    if pair.stop is None:
        level = Decimal(str(pair.target["limit_price"])) / (2 if side is Side.SELL else Decimal("0.5"))
        return level.quantize(CENT if level >= ONE else FINE)
    level = Decimal(str(pair.stop["stop_price"]))
    return level - side.sign * (CENT if level >= ONE else FINE)
