"""Whether a broker's row fits our tables. A broker's module may pass on what it could not read: nothing here
trusts a type.

A row that fits comes back with its figures as the columns want them; one that does not says why.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import models

from approvals.brokers.base import (
    Account,
    Charge,
    ChargeKind,
    Execution,
    Holding,
    Instrument,
    InstrumentKind,
    Leg,
    LegReport,
    LegState,
    Report,
    Side,
    State,
    WhatIf,
)
from approvals.models import AccountSnapshot, BrokerPosition, Fill, Order
from core import sanitize

Row = TypeVar("Row", Execution, Report, LegReport, Charge, Holding, Account, WhatIf)
Check = Callable[[Any], Any]

LARGEST = 2**31 - 1  # of an integer column
SHOWN = 60  # characters of a value in a reason
FINEST_PART = Decimal("1e-12")  # of a share
LONGEST_ID = 64  # characters of an id of the broker's


class DoesNotFit(ValueError):
    """A broker's row cannot be recorded. The message says what of it does not fit."""


def execution(row: Any) -> Execution:
    """Return the execution as it is recorded. Raises DoesNotFit."""
    is_settlement = getattr(row, "is_settlement", False) is True
    checks = SETTLEMENT if is_settlement else EXECUTION
    is_ours = getattr(row, "client_id", None) is not None
    return _fitted(row, Execution, {**checks, "quantity": shares if is_ours else parts_of_shares})


def report(row: Any) -> Report:
    """Return how an order stands. Raises DoesNotFit. Number and reason are cut to fit."""
    return _fitted(row, Report, REPORT)


def foreign_order(row: Any) -> Report:
    """Return how an order that is not ours stands, as far as its shares go. Raises DoesNotFit."""
    return _fitted(row, Report, FOREIGN_ORDER)


def symbol(row: Any) -> str:
    """Return the symbol of an order that is not ours, whatever is traded. Raises DoesNotFit."""
    instrument = getattr(row, "instrument", None)
    if not isinstance(instrument, Instrument) or not isinstance(instrument.symbol, str):
        raise DoesNotFit("no instrument")
    return instrument.symbol


def holding(row: Any) -> Holding:
    """Return what is held of a symbol, as it is recorded. Raises DoesNotFit."""
    return _fitted(row, Holding, HOLDING)


def account(row: Any) -> Account:
    """Return what the account is worth, as it is recorded. Raises DoesNotFit."""
    return _fitted(row, Account, ACCOUNT)


def charge(row: Any) -> Charge:
    """Return what was charged, as it is recorded. Raises DoesNotFit."""
    return _fitted(row, Charge, CHARGE)


def whatif(row: Any) -> WhatIf:
    """Return what an order would do. Raises DoesNotFit."""
    return _fitted(row, WhatIf, WHAT_IF)


def whole_shares(row: Any) -> int:
    """Return the whole shares that are held, a part of one left out. Raises DoesNotFit."""
    number = _number(getattr(row, "quantity", None))
    if number.copy_abs() > LARGEST:
        raise DoesNotFit("too large")
    return int(number)


def shares(value: Any) -> int:
    """Return a number of shares that changed hands: whole, and one at least. Raises DoesNotFit."""
    number = integer(value)
    if number < 1:
        raise DoesNotFit("not above 0")
    return number


def parts_of_shares(value: Any) -> Decimal:
    """Return a number of shares that the account's owner traded, above 0. Raises DoesNotFit."""
    number = _held(value)
    if number <= 0:
        raise DoesNotFit("not above 0")
    return number


def _held(value: Any) -> Decimal:
    """Return a number of shares, exactly. Raises DoesNotFit."""
    number = _number(value)
    if number.copy_abs() > LARGEST:
        raise DoesNotFit("too large")
    if number != number.quantize(FINEST_PART):
        raise DoesNotFit("finer than any broker counts")
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def integer(value: Any) -> int:
    """Return a whole number that a column takes. Raises DoesNotFit."""
    number = _number(value)
    if number.copy_abs() > LARGEST:
        raise DoesNotFit("too large")
    if number != number.to_integral_value():
        raise DoesNotFit("not a whole number")
    return int(number)


def cut(value: Any, longest: int) -> str:
    """Return outside text as it can be stored."""
    return sanitize.plain(value, longest) if isinstance(value, str) else ""


def name(value: Any) -> str:
    """Return what names a row, as text: an id or a symbol as it came, another value as a reason says it."""
    return str(value) if isinstance(value, str | UUID) else shown(value)


def shown(value: Any) -> str:
    """Return a value as a reason says it; an instrument by its symbol."""
    value = value.symbol if isinstance(value, Instrument) else value
    try:
        text = str(value) if isinstance(value, int | float | Decimal) else repr(value)
    except Exception as error:  # noqa: BLE001  a huge integer has no text, another's object raises anything
        text = f"of type {type(value).__name__} without a text ({type(error).__name__})"
    return sanitize.plain(text, SHOWN)


def _fitted(row: Any, kind: type[Row], checks: Mapping[str, Check]) -> Row:
    if not isinstance(row, kind):
        raise DoesNotFit(f"the row is {shown(row)}, no {kind.__name__.lower()}")
    values, problems = {}, []
    for column, check in checks.items():
        value = getattr(row, column)
        try:
            values[column] = check(value)
        except DoesNotFit as misfit:
            problems.append(f"{column} is {shown(value)}, {misfit}")
    if problems:
        raise DoesNotFit("; ".join(problems))
    return replace(row, **values)


# --- one value --------------------------------------------------------------------------------------------


def _text(value: Any, column: "models.Field[Any, Any]") -> str:
    if not isinstance(value, str):
        raise DoesNotFit("no text")
    if not value or not value.isprintable():
        raise DoesNotFit("empty" if not value else "not all of it can be read")
    if len(value) > (column.max_length or 0):
        raise DoesNotFit(f"longer than {column.max_length} characters")
    return value


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise DoesNotFit("no number")
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise DoesNotFit("no finite number")
    return number


def _amount(value: Any, column: "models.DecimalField[Any, Any]") -> Decimal:
    """Return a number that the column takes. It is rounded there."""
    number, limit = _number(value), Decimal(10) ** (column.max_digits - column.decimal_places)
    if number.copy_abs() >= limit or _rounded(number, column).copy_abs() >= limit:
        raise DoesNotFit("too large")
    return number


def _price(value: Any, column: "models.DecimalField[Any, Any]") -> Decimal:
    number = _amount(value, column)
    if _rounded(number, column) <= 0:
        raise DoesNotFit("not above 0")
    return number


def _cost(value: Any, column: "models.DecimalField[Any, Any]") -> Decimal:
    number = _amount(value, column)
    if _rounded(number, column) < 0:
        raise DoesNotFit("below 0")
    return number


def _commission(value: Any, column: "models.DecimalField[Any, Any]") -> Decimal | None:
    """Return what was paid, below zero for a rebate; None while it is not known."""
    return None if value is None else _amount(value, column)


def _rounded(number: Decimal, column: "models.DecimalField[Any, Any]") -> Decimal:
    return number.quantize(Decimal(1).scaleb(-column.decimal_places))


def _not_negative(value: Any) -> int:
    number = integer(value)
    if number < 0:
        raise DoesNotFit("below 0")
    return number


def _ceiling(value: Any) -> int:
    return math.ceil(_number(value))


def _floor(value: Any) -> int:
    return math.floor(_number(value))


def _instant(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise DoesNotFit("no instant")
    if value.utcoffset() is None:
        raise DoesNotFit("without a time zone")
    if not 1970 <= value.year < 9999:
        raise DoesNotFit("out of range")
    return value


def _choice(value: Any, choices: type[StrEnum]) -> StrEnum:
    try:
        return choices(value)
    except ValueError:
        raise DoesNotFit(f"none of {', '.join(choices)}") from None


def _client_id(value: Any) -> UUID | None:
    if value is not None and not isinstance(value, UUID):
        raise DoesNotFit("no id of ours")
    return value


def _instrument(value: Any, column: "models.Field[Any, Any]") -> Instrument:
    """Return a share. What else an account may hold has no place in the tables."""
    if not isinstance(value, Instrument):
        raise DoesNotFit("no instrument")
    _text(value.symbol, column)
    if value.kind != InstrumentKind.STOCK:
        raise DoesNotFit(f"{shown(value.kind)}, no share")
    return replace(
        value,
        currency=_currency(value.currency),
        exchange=cut(value.exchange, 16),
        broker_id=_id(value.broker_id),
    )


def _currency(value: Any) -> str:
    return _text(value, AccountSnapshot._meta.get_field("currency"))


def _id(value: Any) -> str:
    """Return an id or a word of the broker's; empty where it is none."""
    return cut(value, LONGEST_ID)


def _text_or_nothing(value: Any, column: "models.Field[Any, Any]") -> str:
    return "" if value == "" else _text(value, column)


def _legs(value: Any) -> tuple[LegReport, ...]:
    """Return each leg once: of one that was replaced, its successor where that is told, too."""
    if not isinstance(value, tuple | list):
        raise DoesNotFit("no legs")
    legs = [_fitted(leg, LegReport, LEG) for leg in value]
    legs.sort(key=lambda leg: leg.state != LegState.REPLACED)
    return tuple({leg.leg: leg for leg in legs}.values())


def _level(value: Any) -> Decimal | None:
    return None if value is None else _price(value, Order._meta.get_field("limit_price"))


def _sum(value: Any) -> Decimal:
    return _amount(value, AccountSnapshot._meta.get_field("cash"))


def _sum_or_nothing(value: Any) -> Decimal | None:
    return None if value is None else _sum(value)


def _sums(value: Any) -> dict[str, Decimal]:
    if not isinstance(value, Mapping):
        raise DoesNotFit("no sums by currency")
    return {_currency(currency): _sum(amount) for currency, amount in value.items()}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise DoesNotFit("neither true nor false")
    return value


# --- which columns a row has to fit -----------------------------------------------------------------------


def _columns(model: type[models.Model], check: Callable[..., Any], *names: str) -> dict[str, Check]:
    return {field: partial(check, column=model._meta.get_field(field)) for field in names}


EXECUTION: Mapping[str, Check] = {
    **_columns(Fill, _text, "execution_id"),
    "instrument": partial(_instrument, column=Fill._meta.get_field("symbol")),
    **_columns(Fill, _price, "price"),
    "commission": partial(_commission, column=Fill._meta.get_field("commission")),
    "client_id": _client_id,
    "leg": partial(_choice, choices=Leg),
    "side": partial(_choice, choices=Side),
    "quantity": shares,
    "executed_at": _instant,
    "is_settlement": _truth,
    "corrects": partial(_text_or_nothing, column=Fill._meta.get_field("execution_id")),
    "commission_currency": lambda value: "" if value == "" else _currency(value),
    "broker_order_id": _id,
}
SETTLEMENT: Mapping[str, Check] = {**EXECUTION, **_columns(Fill, _cost, "price")}  # worthless is 0
REPORT: Mapping[str, Check] = {
    "client_id": _client_id,
    "state": partial(_choice, choices=State),
    "filled": _not_negative,
    "exits_working": _truth,
    "broker_id": partial(cut, longest=Order._meta.get_field("broker_order_id").max_length or 0),
    "reason": partial(cut, longest=sanitize.LIMIT),
    "legs": _legs,
}
FOREIGN_ORDER: Mapping[str, Check] = {
    "side": partial(_choice, choices=Side),
    "quantity": lambda value: _not_negative(_ceiling(value)),
    "filled": lambda value: _not_negative(_floor(value)),
    "exits_working": _truth,
}
LEG: Mapping[str, Check] = {
    "leg": partial(_choice, choices=Leg),
    "state": partial(_choice, choices=LegState),
    "broker_id": _id,
    "quantity": _not_negative,
    "filled": _not_negative,
    "level": _level,
    "broker_state": _id,
}
HOLDING: Mapping[str, Check] = {
    **_columns(BrokerPosition, _amount, "average_cost"),
    "instrument": partial(_instrument, column=BrokerPosition._meta.get_field("symbol")),
    "quantity": _held,
}
ACCOUNT: Mapping[str, Check] = {
    "currency": _currency,
    **_columns(AccountSnapshot, _amount, "equity", "cash", "buying_power"),
    "account_id": _id,
    "cash_by_currency": _sums,
    "is_blocked": partial(cut, longest=sanitize.LIMIT),
}
CHARGE: Mapping[str, Check] = {
    "charge_id": partial(_text, column=Fill._meta.get_field("execution_id")),
    "at": _instant,
    "amount": _sum,
    "currency": _currency,
    "what": partial(cut, longest=sanitize.LIMIT),
    "execution_id": _id,
    "symbol": partial(_text_or_nothing, column=Fill._meta.get_field("symbol")),
    "kind": partial(_choice, choices=ChargeKind),
    "is_transfer": _truth,
}
WHAT_IF: Mapping[str, Check] = {
    "currency": _currency,
    **dict.fromkeys(("initial_margin", "maintenance_margin", "equity_after", "commission"), _sum_or_nothing),
}
