"""Alpaca's statement: the activities of the account, with its positions and cash. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from approvals.brokers.alpaca import money, wire
from approvals.brokers.alpaca.activities import read_activities
from approvals.brokers.alpaca.book import stamp
from approvals.brokers.alpaca.values import Row, instrument
from approvals.brokers.answers import Charge, Execution
from approvals.brokers.base import BrokerAway, BrokerError, InstrumentKind, Leg
from approvals.brokers.statements import NoStatement, NotYet, Statement

ACCOUNT, POSITIONS = "/v2/account", "/v2/positions"
MOVED = "Money moved at Alpaca while its statement was read."


def read(values: Mapping[str, Any], since: datetime, until: datetime) -> Statement:
    """Return what happened in the account, with its shares and cash as they are now."""
    names = ("ALPACA_TRADING_URL", "ALPACA_API_KEY", "ALPACA_API_SECRET")
    api = wire.api(*(values[name] for name in names))
    try:
        before = api.read(ACCOUNT)
        positions = api.rows(POSITIONS)
        activities = read_activities(api, "", {"after": stamp(since)})
        after = api.read(ACCOUNT)
    except BrokerError as error:
        raise (NotYet if isinstance(error, BrokerAway) else NoStatement)(str(error)) from error
    if before.get("cash") != after.get("cash"):
        raise NotYet(MOVED)
    return statement(after, positions, activities, since, until)


def statement(
    account: Row, positions: Sequence[Row], activities: Sequence[Row], since: datetime, until: datetime
) -> Statement:
    executions, charges, unread = list[Execution](), list[Charge](), list[str]()
    for row in activities:
        if row.get("status") == "canceled":
            continue
        is_fill = row.get("activity_type") == "FILL"
        if is_fill and instrument(row).kind is InstrumentKind.STOCK:
            part: Execution | Charge = money.execution(row, None, Leg.ENTRY)
        else:
            part = _traded(row) if is_fill else money.charge(row)
        if problem := _problem(part):
            unread.append(f"{row.get('activity_type')} {row.get('id')}: {problem}")
        elif isinstance(part, Execution):
            executions.append(part)
        elif part.amount:
            charges.append(part)
    corrected = {execution.corrects for execution in executions if execution.corrects}
    currency = account.get("currency") or "USD"
    return Statement(
        account_id=str(account.get("account_number") or ""),
        source="Alpaca's account activities",
        since=since,
        until=until,
        executions=tuple(execution for execution in executions if execution.execution_id not in corrected),
        charges=tuple(charges),
        holdings=dict(_holdings(positions)),
        cash={currency: Decimal(str(account["cash"]))},
        unread=tuple(unread),
    )


def _traded(row: Row) -> Charge:
    """Return the money of a trade in something that is no share: Jax has no book of these."""
    execution = money.execution(row, None, Leg.ENTRY)
    what = f"{execution.side} {row.get('qty')} {row.get('symbol')}, no share"
    amount = -execution.side.sign * Decimal(str(row.get("qty"))) * execution.price
    return Charge(execution.execution_id, execution.executed_at, amount, "USD", what)


def _problem(part: Execution | Charge) -> str:
    """Return what of a row could not be read; empty when all was."""
    numbers: tuple[Any, ...] = (part.quantity, part.price) if isinstance(part, Execution) else (part.amount,)
    at: Any = part.executed_at if isinstance(part, Execution) else part.at
    if not isinstance(at, datetime):
        return f"its time is {str(at)[:40]!r}"
    odd = next((number for number in numbers if not isinstance(number, int | Decimal)), None)
    return "" if odd is None else f"a figure is {str(odd)[:40]!r}"


def _holdings(positions: Sequence[Row]) -> Iterator[tuple[str, Decimal]]:
    for row in positions:
        if instrument(row).kind is InstrumentKind.STOCK:
            yield str(row["symbol"]), Decimal(str(row["qty"]))
