"""What the order side is asked for, read strictly from JSON. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

from ib_bridge import references
from ib_bridge.gateway.contracts import Instrument
from ib_bridge.numbers import decimal

SIDES = ("BUY", "SELL")
MOST_SHARES = 10_000_000


class Malformed(ValueError):
    """The request makes no sense; nothing was done."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """An entry with its exits. Without a limit it is at the market, or a stop at `stop_price`."""

    client_id: str
    instrument: Instrument
    side: str
    quantity: int
    limit_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    good_until: datetime | None
    flat_at: datetime | None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """Exits of what is held. `cancels`: the order whose exits these replace."""

    client_id: str
    instrument: Instrument
    side: str
    quantity: int
    stop_loss: Decimal | None
    take_profit: Decimal | None
    cancels: str


@dataclass(frozen=True, slots=True)
class Closing:
    """An exit at the market. `guards`: the orders whose exits guard the shares."""

    client_id: str
    instrument: Instrument
    side: str
    quantity: int
    guards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    leg: str
    level: Decimal | None
    quantity: int | None
    change_id: str


def bracket(client_id: str, body: Mapping[str, Any]) -> Bracket:
    order = Bracket(
        client_id=_uuid(client_id, "the order's id"),
        instrument=_instrument(body.get("instrument")),
        side=_side(body),
        quantity=_shares(body, "quantity"),
        limit_price=_price(body, "limit_price"),
        stop_loss=_price(body, "stop_loss"),
        take_profit=_price(body, "take_profit"),
        good_until=_instant(body, "good_until"),
        flat_at=_instant(body, "flat_at"),
        stop_price=_price(body, "stop_price"),
    )
    _check_levels(order)
    return order


def protection(client_id: str, body: Mapping[str, Any]) -> Protection:
    asked = Protection(
        client_id=_uuid(client_id, "the order's id"),
        instrument=_instrument(body.get("instrument")),
        side=_side(body),
        quantity=_shares(body, "quantity"),
        stop_loss=_price(body, "stop_loss"),
        take_profit=_price(body, "take_profit"),
        cancels=_uuid(body["cancels"], "cancels") if body.get("cancels") else "",
    )
    if asked.stop_loss is None and asked.take_profit is None:
        raise Malformed("a protection needs stop_loss or take_profit")
    return asked


def closing(client_id: str, body: Mapping[str, Any]) -> Closing:
    return Closing(
        client_id=_uuid(client_id, "the order's id"),
        instrument=_instrument(body.get("instrument")),
        side=_side(body),
        quantity=_shares(body, "quantity"),
        guards=tuple(_uuid(guard, "guards") for guard in _list(body, "guards")),
    )


def change(body: Mapping[str, Any]) -> Change:
    asked = Change(
        leg=_leg(body.get("leg")),
        level=_price(body, "level"),
        quantity=_shares(body, "quantity") if body.get("quantity") is not None else None,
        change_id=_uuid(body.get("change_id"), "change_id"),
    )
    if asked.level is None and asked.quantity is None:
        raise Malformed("a change needs level or quantity")
    return asked


def legs(body: Mapping[str, Any]) -> list[str]:
    return [part for leg in _list(body, "legs") for part in references.parts(_leg(leg))]


def uuid(text: str) -> str:
    return _uuid(text, "the order's id")


def instant(text: str, name: str) -> datetime:
    found = _instant({name: text}, name)
    if found is None:
        raise Malformed(f"{name} is missing")
    return found


def _check_levels(order: Bracket) -> None:
    """Refuse exits on the wrong side of the entry: they would trade at once."""
    up = 1 if order.side == "BUY" else -1
    levels = [level for level in (order.stop_loss, order.limit_price, order.take_profit) if level is not None]
    if any(up * (later - earlier) <= 0 for earlier, later in pairwise(levels)):
        raise Malformed(f"the levels of a {order.side} are in the wrong order")


def _uuid(value: object, name: str) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise Malformed(f"{name} is no UUID") from None


def _side(body: Mapping[str, Any]) -> str:
    if body.get("side") not in SIDES:
        raise Malformed("side must be BUY or SELL")
    return str(body["side"])


def _leg(value: object) -> str:
    if value not in references.LEGS:
        raise Malformed(f"leg must be one of {', '.join(references.LEGS)}")
    return str(value)


def _shares(body: Mapping[str, Any], name: str) -> int:
    number = decimal(body.get(name))
    if number is None or number != int(number) or not 0 < number <= MOST_SHARES:
        raise Malformed(f"{name} must be a whole number of shares above 0")
    return int(number)


def _price(body: Mapping[str, Any], name: str) -> Decimal | None:
    if body.get(name) is None:
        return None
    number = decimal(body[name])
    if number is None or number <= 0:
        raise Malformed(f"{name} must be a price above 0")
    return number


def _instant(body: Mapping[str, Any], name: str) -> datetime | None:
    if body.get(name) is None:
        return None
    try:
        at = datetime.fromisoformat(str(body[name]))
    except ValueError:
        raise Malformed(f"{name} is no instant") from None
    if at.tzinfo is None:
        raise Malformed(f"{name} needs an offset, as in 2026-12-01T20:00:00+00:00")
    return at


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name, [])
    if not isinstance(value, list):
        raise Malformed(f"{name} must be a list")
    return value


def _instrument(value: object) -> Instrument:
    if not isinstance(value, Mapping) or not (value.get("symbol") or value.get("broker_id")):
        raise Malformed("instrument needs a symbol or broker_id")
    broker_id = str(value.get("broker_id") or "")
    if broker_id and not broker_id.isdecimal():
        raise Malformed("broker_id is no conId")
    return Instrument(
        symbol=str(value.get("symbol") or ""),
        currency=str(value.get("currency") or "USD"),
        exchange=str(value.get("exchange") or ""),
        kind=str(value.get("kind") or "STK").upper(),
        broker_id=broker_id,
    )
