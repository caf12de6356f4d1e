"""What Alpaca's rows say of an order, in our words. Pure.

A value that cannot be read is passed on as it came: its row goes into quarantine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from approvals.brokers.alpaca import ids
from approvals.brokers.alpaca.values import Row, instrument, number, side, whole
from approvals.brokers.base import Leg, LegReport, LegState, Report, State, converted

STATES: Mapping[object, LegState] = {
    "held": LegState.HELD,
    "filled": LegState.FILLED,
    "canceled": LegState.CANCELLED,
    "rejected": LegState.REJECTED,
    "expired": LegState.EXPIRED,
    "replaced": LegState.REPLACED,
    "pending_cancel": LegState.PENDING_CANCEL,
    "pending_replace": LegState.PENDING_REPLACE,
}  # all others can still fill, new ones of Alpaca's included
GROUPS = ("bracket", "oco", "oto")
BY_TYPE: Mapping[object, Leg] = {"market": Leg.CLOSE, "stop": Leg.STOP, "limit": Leg.TARGET}
ENDS = {
    LegState.FILLED: State.FILLED,
    LegState.CANCELLED: State.CANCELLED,
    LegState.EXPIRED: State.CANCELLED,
    LegState.REPLACED: State.CANCELLED,
    LegState.REJECTED: State.REJECTED,
}
REASONS = {
    LegState.EXPIRED: "It expired at Alpaca.",
    LegState.REJECTED: "Alpaca rejected it after accepting it; its own page says why.",
    LegState.REPLACED: "Another order took its place at Alpaca.",
}


@dataclass(frozen=True, slots=True)
class Family:
    """An order, its attached exits, and the orders that it was before it was replaced.

    Of a closing, `legs` are the further orders that it consists of.
    """

    head: Row
    legs: Sequence[Row] = ()
    before: Sequence[Row] = ()

    @property
    def role(self) -> Leg:
        return role(self.head)

    @property
    def client_id(self) -> Any:
        own = ids.read(self.head.get("client_order_id"))
        return own.client_id if own else None

    def exits(self) -> list[Row]:
        """Return its stop and its target, the newest of each, as far as there are any."""
        members = [*self.legs, self.head] if self.role in (Leg.STOP, Leg.TARGET) else self.legs
        by_leg = {leg: [row for row in members if role(row) is leg] for leg in (Leg.STOP, Leg.TARGET)}
        return [newest(rows) for rows in by_leg.values() if rows]


def is_bare(family: Family) -> bool:
    """Return whether an order was traded, in part at least, and none of its exits lives."""
    traded = [row for row in (family.head, *family.before) if number(row.get("filled_qty") or 0) != 0]
    exits = family.exits()
    if family.role is Leg.ENTRY:
        return bool(traded) and not any(map(is_live, exits))
    return family.role in (Leg.STOP, Leg.TARGET) and {state(row) for row in exits} <= {LegState.CANCELLED}


def role(row: Row) -> Leg:
    """Return which part of an order of ours a row is."""
    own = ids.read(row.get("client_order_id"))
    if own is not None and own.leg is not None:
        return own.leg
    is_grouped = row.get("order_class") in GROUPS
    if own is not None and row.get("replaces"):
        return Leg.CLOSE  # it took the place of a target
    if is_grouped and row.get("order_class") != "oco" and row.get("legs"):
        return Leg.ENTRY
    if own is None and not is_grouped:
        return Leg.ENTRY
    return BY_TYPE.get(row.get("type"), Leg.CLOSE)


def state(row: Row) -> LegState:
    return STATES.get(row.get("status"), LegState.WORKING)


def is_live(row: Row) -> bool:
    return state(row).is_live


def newest(rows: Sequence[Row]) -> Row:
    """Return the row of a leg that counts: what lives, else what was not replaced, else the last."""
    lasting = [row for row in rows if is_live(row)] or [
        row for row in rows if state(row) != LegState.REPLACED
    ]
    return (lasting or list(rows))[-1]


def report(family: Family) -> Report:
    """Return how an order stands."""
    head, kind = family.head, family.role
    exits = family.exits() if kind is not Leg.CLOSE else []
    is_protection = kind in (Leg.STOP, Leg.TARGET)
    rows = exits if is_protection else [head, *(family.legs if kind is Leg.CLOSE else ())]
    first = (_state_of_exits if is_protection else _state_of_parts)(rows)
    if first is LegState.REJECTED and kind is Leg.CLOSE and head.get("replaces"):
        first = LegState.REPLACED  # what it was to take the place of had traded before
    legs = [] if is_protection else [_leg(head, kind, family)]
    return Report(
        client_id=family.client_id,
        broker_id=head.get("id", ""),
        instrument=instrument(head),
        side=side(head.get("side")),
        state=ENDS.get(first, State.WORKING),
        quantity=_quantity(family),
        filled=_sum([*rows, *family.before], "filled_qty"),
        reason=REASONS.get(first, ""),
        exits_working=any(map(is_live, exits)),
        legs=(*legs, *(_leg(row, role(row), family) for row in exits)),
    )


def _state_of_exits(exits: Sequence[Row]) -> LegState:
    """Return the state of a protection as a whole: filled by one of its exits, else as long as one lives."""
    states = [state(row) for row in exits]
    if LegState.FILLED in states:
        return LegState.FILLED
    return next((state for state in states if state.is_live), states[0])


def _state_of_parts(parts: Sequence[Row]) -> LegState:
    """Return the state of an order that may consist of several: it works while one lives."""
    states = [state(row) for row in parts]
    lasting = [state for state in states if state.is_live or state is not LegState.FILLED]
    return next((state for state in lasting if state.is_live), (lasting or states)[0])


def _quantity(family: Family) -> Any:
    parts = family.legs if family.role is Leg.CLOSE else ()
    return _sum([family.head, *parts], "qty", extra=_sum(family.before, "filled_qty"))


def _leg(row: Row, leg: Leg, family: Family) -> LegReport:
    standing = state(row)
    is_first = row is family.head
    if standing is LegState.HELD and (is_first or family.role is not Leg.ENTRY or _is_filled(family.head)):
        standing = LegState.WORKING  # Alpaca's word for a stop that watches beside its target
    if standing is LegState.REPLACED and not is_first:
        standing = LegState.CANCELLED  # by nothing of this order: by a closing, or by the stop that filled
    return LegReport(
        leg=leg,
        state=standing,
        broker_id=row.get("id", ""),
        quantity=whole(row.get("qty")),
        filled=whole(row.get("filled_qty")),
        level=_level(row),
        broker_state=row.get("status", ""),
    )


def _is_filled(row: Row) -> bool:
    return state(row) is LegState.FILLED


def _level(row: Row) -> Decimal | None:
    level = row.get("stop_price") or row.get("limit_price")
    return None if level is None else number(level)


def remaining(row: Row) -> Any:
    """Return the shares that a row's order has still to trade."""
    return whole(Decimal(str(row["qty"])) - Decimal(str(row.get("filled_qty") or 0)))


def _sum(rows: Sequence[Row], column: str, *, extra: Any = 0) -> Any:
    values = [whole(row.get(column)) for row in rows]
    if len(values) == 1 and not extra:
        return values[0]
    return converted(lambda numbers: sum(numbers, extra), values)
