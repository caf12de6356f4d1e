"""What the bridge's rows say, in our words. Pure. What cannot be read is passed on as it came."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals.brokers.base import (
    Account,
    AnswerLost,
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
    converted,
)

Row = Mapping[str, Any]

KINDS: Mapping[object, InstrumentKind] = {
    "STK": InstrumentKind.STOCK,
    "OPT": InstrumentKind.OPTION,
    "FOP": InstrumentKind.OPTION,
    "FUT": InstrumentKind.FUTURE,
    "CASH": InstrumentKind.CURRENCY,
    "CRYPTO": InstrumentKind.CRYPTO,
    "BOND": InstrumentKind.BOND,
}


def knows_since(health: Row) -> datetime:
    """Return since when the bridge knows of every order. Raises AnswerLost when it does not say it."""
    try:
        since = datetime.fromisoformat(str(health.get("knows_since")))
    except ValueError:
        raise AnswerLost("IB Bridge does not say what its journal reaches back to.") from None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


def report(row: Row) -> Report:
    return Report(
        client_id=_ours(row),
        broker_id=row.get("broker_id", ""),
        instrument=instrument(row),
        side=converted(Side, row.get("side")),
        state=converted(State, row.get("state")),
        quantity=whole(row.get("quantity")),
        filled=whole(row.get("filled")),
        reason=row.get("reason", ""),
        exits_working=bool(row.get("exits_working")),
        legs=tuple(map(leg, row.get("legs") or ())),
    )


def leg(row: Row) -> LegReport:
    return LegReport(
        leg=converted(Leg, row.get("leg")),
        state=converted(LegState, row.get("state")),
        broker_id=row.get("broker_id", ""),
        quantity=whole(row.get("quantity")),
        filled=whole(row.get("filled")),
        level=_known(row.get("level")),
        broker_state=row.get("broker_state", ""),
    )


def execution(row: Row) -> Execution:
    return Execution(
        execution_id=row.get("execution_id", ""),
        client_id=_ours(row),
        leg=converted(Leg, row.get("leg")),
        instrument=instrument(row),
        side=converted(Side, row.get("side")),
        quantity=whole(row.get("quantity")),
        price=number(row.get("price")),
        commission=_known(row.get("commission")),
        executed_at=converted(datetime.fromisoformat, row.get("executed_at")),
        corrects=row.get("corrects", ""),
        commission_currency=row.get("commission_currency", ""),
        broker_order_id=row.get("broker_order_id", ""),
    )


def holding(row: Row) -> Holding:
    return Holding(instrument(row), number(row.get("quantity")), number(row.get("average_cost")))


def account(row: Row) -> Account:
    return Account(
        currency=row.get("currency", ""),
        equity=number(row.get("equity")),
        cash=number(row.get("cash")),
        buying_power=number(row.get("buying_power_exact")),
        account_id=row.get("account_id", ""),
        cash_by_currency={name: number(value) for name, value in (row.get("cash_by_currency") or {}).items()},
        is_blocked=row.get("blocked", ""),
    )


def whatif(row: Row) -> WhatIf:
    names = ("initial_margin", "maintenance_margin", "equity_after", "commission")
    return WhatIf(row.get("currency", ""), *(_known(row.get(name)) for name in names))


def instrument(row: Row) -> Instrument:
    told = row.get("instrument") or {}
    return Instrument(
        symbol=told.get("symbol", ""),
        currency=told.get("currency", ""),
        exchange=told.get("exchange", ""),
        kind=KINDS.get(told.get("kind"), InstrumentKind.OTHER),
        broker_id=told.get("broker_id", ""),
    )


def number(value: Any) -> Decimal:
    return converted(lambda text: Decimal(str(text)), value)


def whole(value: Any) -> Any:
    """Return whole shares as an integer; a part of one as it is, which Jax never trades."""
    amount = number(value)
    return int(amount) if isinstance(amount, Decimal) and amount == amount.to_integral_value() else amount


def _known(value: Any) -> Decimal | None:
    return None if value is None else number(value)


def _ours(row: Row) -> UUID | None:
    return converted(UUID, row["client_id"]) if row.get("client_id") else None
