"""What Alpaca says no to, in its words."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

CENT, FINE, ONE = Decimal("0.01"), Decimal("0.0001"), Decimal(1)
INVALID, UNPROCESSABLE, FORBIDDEN, NOT_FOUND = 40010001, 42210000, 40310000, 40410000
LONGEST_ID = 128


class Refusal(Exception):
    """An answer of 400 or more."""

    def __init__(self, status: int, code: int, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, **more}


def unprocessable(message: str, **more: object) -> Refusal:
    return Refusal(422, UNPROCESSABLE, message, **more)


def forbidden(message: str, **more: object) -> Refusal:
    return Refusal(403, FORBIDDEN, message, **more)


def not_found(message: str) -> Refusal:
    return Refusal(404, NOT_FOUND, message)


def number(asked: Mapping[str, Any], name: str) -> Decimal | None:
    """A number that was sent as text or as a number; None when it was not."""
    if asked.get(name) is None:
        return None
    try:
        value = Decimal(str(asked[name]))
    except InvalidOperation:
        raise Refusal(422, INVALID, f"invalid {name}") from None
    if value <= 0:
        raise unprocessable(f"{name} must be > 0")
    return value


def price(asked: Mapping[str, Any], name: str) -> Decimal | None:
    value = number(asked, name)
    if value is not None and value % (CENT if value >= ONE else FINE):
        why = "sub-penny increment does not fulfill minimum pricing criteria"
        raise unprocessable(f"invalid {name} {value}. {why}")
    return value


def check_shape(asked: Mapping[str, Any]) -> None:
    """Refuse an order that makes no sense, whatever the account holds."""
    quantity = number(asked, "qty")
    if quantity is None:
        raise unprocessable("qty or notional is required")
    if asked.get("side") not in ("buy", "sell"):
        raise Refusal(422, INVALID, "invalid side")
    if asked.get("time_in_force") not in ("day", "gtc", "opg", "cls", "ioc", "fok"):
        raise Refusal(422, INVALID, "invalid time_in_force")
    if len(str(asked.get("client_order_id") or "")) > LONGEST_ID:
        raise Refusal(422, INVALID, f"client_order_id must be no more than {LONGEST_ID} characters")
    kind, group = asked.get("type"), asked.get("order_class") or "simple"
    limits = {"limit": ("limit_price",), "stop": ("stop_price",), "market": ()}
    if kind not in limits:
        raise Refusal(422, INVALID, "invalid type")
    for name in limits[kind] if group != "oco" else ():
        if price(asked, name) is None:
            raise unprocessable(f"{kind} orders require {name.replace('_', ' ')}")
    if group == "simple":
        return
    if quantity % 1:
        raise unprocessable("fractional orders must be simple orders")
    if asked["time_in_force"] not in ("day", "gtc"):
        raise unprocessable("complex orders must have day or gtc time in force")
    _check_exits(asked, group)


def _check_exits(asked: Mapping[str, Any], group: str) -> None:
    target = price(asked.get("take_profit") or {}, "limit_price")
    stop = price(asked.get("stop_loss") or {}, "stop_price")
    if group not in ("bracket", "oco", "oto"):
        raise Refusal(422, INVALID, "invalid order_class")
    if group in ("bracket", "oco") and target is None:
        raise unprocessable(f"{group} orders require take_profit.limit_price")
    if group in ("bracket", "oco") and stop is None:
        raise unprocessable(f"{group} orders require stop_loss.stop_price")
    if group == "oto" and (target is None) == (stop is None):
        raise unprocessable("oto orders must define one of take_profit or stop_loss")
    # An oco sells what is held: its side is the exit's.
    sign = (1 if asked["side"] == "buy" else -1) * (-1 if group == "oco" else 1)
    if target is not None and stop is not None and sign * (target - stop) <= 0:
        raise unprocessable(
            f"take_profit.limit_price must be {'>' if sign > 0 else '<'} stop_loss.stop_price"
        )
    base = price(asked, "limit_price") if group != "oco" else None
    if base is None:
        return
    if stop is not None and sign * (base - stop) < CENT:
        edge = "<= base_price - 0.01" if sign > 0 else ">= base_price + 0.01"
        raise unprocessable(f"stop_loss.stop_price must be {edge}", base_price=str(base))
    if target is not None and sign * (target - base) < CENT:
        edge = ">= base_price + 0.01" if sign > 0 else "<= base_price - 0.01"
        raise unprocessable(f"take_profit.limit_price must be {edge}", base_price=str(base))
