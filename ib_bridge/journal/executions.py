"""Executions from the journal: of each the newest correction counts, with its commission. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ib_bridge.journal.entries import Entry, Kind
from ib_bridge.numbers import decimal

SIDES: Mapping[object, str] = {"BOT": "BUY", "SLD": "SELL"}


@dataclass(frozen=True, slots=True)
class Executed:
    """`commission` is None until IB has told it. `corrects`: the execution that this one replaces."""

    execution_id: str
    corrects: str
    client_id: str
    leg: str
    perm_id: int
    account: str
    contract: Mapping[str, Any]
    side: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    commission: Decimal | None = None
    commission_currency: str = ""


def stem(execution_id: str) -> str:
    """Return what an execution and its corrections have in common: all but the last part."""
    return execution_id.rpartition(".")[0] or execution_id


def suffix(execution_id: str) -> int:
    last = execution_id.rpartition(".")[2]
    return int(last) if last.isdecimal() else 0


def executed(entries: Iterable[Entry]) -> list[Executed]:
    """Return every execution and correction, in the order of the journal."""
    entries = list(entries)
    commissions = {entry.execution_id: entry.body for entry in entries if entry.kind is Kind.COMMISSION}
    told = [entry for entry in entries if entry.kind is Kind.EXECUTION]
    return [_executed(entry, commissions.get(entry.execution_id), told) for entry in told]


def standing(executions: Iterable[Executed]) -> list[Executed]:
    """Return those that count: of each stem the one with the highest suffix."""
    newest: dict[str, Executed] = {}
    for execution in executions:
        known = newest.get(stem(execution.execution_id))
        if known is None or suffix(execution.execution_id) >= suffix(known.execution_id):
            newest[stem(execution.execution_id)] = execution
    return list(newest.values())


def shares(executions: Iterable[Executed]) -> Decimal:
    return sum((execution.quantity for execution in standing(executions)), Decimal(0))


def average(executions: Iterable[Executed]) -> Decimal | None:
    """Return the average price of what was executed; None when nothing was."""
    counted = standing(executions)
    total = shares(counted)
    return sum((each.quantity * each.price for each in counted), Decimal(0)) / total if total else None


def _executed(entry: Entry, commission: Mapping[str, Any] | None, told: Iterable[Entry]) -> Executed:
    body = entry.body["execution"]
    charged = commission or {}
    return Executed(
        execution_id=entry.execution_id,
        corrects=_corrected(entry.execution_id, told),
        client_id=entry.client_id,
        leg=entry.leg,
        perm_id=entry.perm_id,
        account=str(body.get("acctNumber", "")),
        contract=entry.body["contract"],
        side=SIDES.get(body.get("side"), str(body.get("side"))),
        quantity=decimal(body.get("shares")) or Decimal(0),
        price=decimal(body.get("price")) or Decimal(0),
        executed_at=_moment(body.get("time"), entry.at),
        commission=decimal(charged.get("commission")),
        commission_currency=str(charged.get("currency") or ""),
    )


def _corrected(execution_id: str, told: Iterable[Entry]) -> str:
    older = [
        other.execution_id
        for other in told
        if stem(other.execution_id) == stem(execution_id)
        and suffix(other.execution_id) < suffix(execution_id)
    ]
    return max(older, key=suffix, default="")


def _moment(text: object, otherwise: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return otherwise
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
