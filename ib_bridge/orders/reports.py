"""What the order side answers: reports, executions, holdings and the account as JSON. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

from ib_async import AccountValue, Position, Trade
from ib_async.util import dataclassNonDefaults

from ib_bridge import references
from ib_bridge.gateway.contracts import of_contract
from ib_bridge.journal.entries import Entry, Kind
from ib_bridge.journal.executions import Executed
from ib_bridge.journal.standing import Standing, State, standings
from ib_bridge.numbers import decimal, finite, text

# Of the first leg, as the report of a whole order tells them.
COARSE: Mapping[State, str] = {
    State.HELD: "working",
    State.PENDING_CANCEL: "working",
    State.EXPIRED: "cancelled",
}
LOST_LEG = (
    "It is not among IB's orders any more, and how it ended is not known: holdings and executions decide."
)
UNREPORTABLE = (State.UNANSWERED, State.NEVER_RECEIVED, State.UNKNOWN)


class Missing(Exception):
    """There is no report of the order; `state` says why."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.state = state


def report(client_id: str, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return how an order stands. Raises Missing when that is not known."""
    legs = with_one_closing(standings(entries))
    if not legs:
        raise Missing(State.NEVER_RECEIVED)
    first = legs[0]
    if first.state in UNREPORTABLE:
        raise Missing(first.state)
    return {
        "client_id": client_id,
        "broker_id": str(first.perm_id or ""),
        "instrument": of_contract(_contract(entries)),
        "side": first.side,
        "quantity": int(first.quantity),
        "filled": int(first.filled),
        "state": COARSE.get(first.state, first.state),
        "reason": first.reason,
        "exits_working": any(leg.is_alive for leg in legs if leg.leg in references.EXITS),
        "legs": [_leg(leg) for leg in legs],
    }


def with_one_closing(legs: Sequence[Standing]) -> list[Standing]:
    """Return the legs with the parts of a closing as one: its sums, and the state of what is not done yet."""
    parts = [leg for leg in legs if leg.leg in references.CLOSES]
    if len(parts) < 2:
        return list(legs)
    if any(part.state is not State.NEVER_RECEIVED for part in parts):
        parts = [_ended_if_it_never_came(part) for part in parts]
    undone = [part for part in parts if part.state is not State.FILLED] or parts
    decides = min(undone, key=lambda part: (part.state not in UNREPORTABLE, not part.is_alive))
    quantity, filled = (sum(map(attrgetter(name), parts), Decimal(0)) for name in ("quantity", "filled"))
    closing = replace(parts[0], state=decides.state, quantity=quantity, filled=filled, reason=decides.reason)
    return [closing, *(leg for leg in legs if leg.leg not in references.CLOSES)]


def _ended_if_it_never_came(part: Standing) -> Standing:
    """Return a part of a closing whose others came: what is missing then is not sent again under its id."""
    return replace(part, state=State.CANCELLED) if part.state is State.NEVER_RECEIVED else part


def foreign(trade: Trade) -> dict[str, Any]:
    """Return a working order that is not ours."""
    order, status = trade.order, trade.orderStatus
    return {
        "client_id": None,
        "broker_id": str(order.permId or ""),
        "instrument": of_contract(dataclassNonDefaults(trade.contract)),
        "side": order.action,
        "quantity": int(order.totalQuantity),
        "filled": int(finite(status.filled)),
        "state": "working",
        "reason": "",
        "exits_working": False,
        "legs": [],
    }


def execution(told: Executed) -> dict[str, Any]:
    return {
        "execution_id": told.execution_id,
        "corrects": told.corrects,
        "client_id": told.client_id or None,
        "leg": references.whole(told.leg) or references.ENTRY,
        "broker_order_id": str(told.perm_id or ""),
        "instrument": of_contract(told.contract),
        "side": told.side,
        "quantity": text(told.quantity),
        "price": text(told.price),
        "commission": text(told.commission),
        "commission_currency": told.commission_currency,
        "executed_at": told.executed_at.isoformat(),
    }


def holding(position: Position) -> dict[str, Any]:
    return {
        "instrument": of_contract(asdict(position.contract)),
        "quantity": text(decimal(position.position)),
        "average_cost": text(decimal(position.avgCost)),
    }


def account(
    account_id: str, values: Iterable[AccountValue], *, is_paper: bool, blocked: str
) -> dict[str, Any]:
    """Return what the account is worth: the original bridge's keys as floats, ours as exact texts."""
    mine = [value for value in values if value.account in (account_id, "")]
    currency = next((v.currency for v in mine if v.tag == "NetLiquidation" and v.currency), "USD")
    money = {v.tag: v.value for v in mine if v.currency in (currency, "")}
    return {
        "account_id": account_id,
        "net_liquidation": finite(money.get("NetLiquidation")),
        "total_cash": finite(money.get("TotalCashValue")),
        "buying_power": finite(money.get("BuyingPower")),
        "equity_with_loan": finite(money.get("EquityWithLoanValue")),
        "currency": currency,
        "equity": text(decimal(money.get("NetLiquidation"))),
        "cash": text(decimal(money.get("TotalCashValue"))),
        "buying_power_exact": text(decimal(money.get("BuyingPower"))),
        "cash_by_currency": _by_currency(mine, "CashBalance"),
        "exchange_rates": _by_currency(mine, "ExchangeRate"),
        "is_paper": is_paper,
        "blocked": blocked,
    }


def _by_currency(values: Iterable[AccountValue], tag: str) -> dict[str, str | None]:
    return {
        v.currency: text(decimal(v.value)) for v in values if v.tag == tag and v.currency not in ("", "BASE")
    }


def _leg(leg: Standing) -> dict[str, Any]:
    is_lost = leg.state in UNREPORTABLE
    return {
        "leg": leg.leg,
        "broker_id": str(leg.perm_id or ""),
        "state": State.CANCELLED if is_lost else leg.state,
        "quantity": int(leg.quantity),
        "filled": text(leg.filled),
        "level": text(leg.level),
        "broker_state": leg.broker_state,
        "reason": LOST_LEG if is_lost else leg.reason,
        "average_price": text(leg.average_price),
        "updated_at": leg.updated_at.isoformat() if leg.updated_at else None,
    }


def _contract(entries: Sequence[Entry]) -> Mapping[str, Any]:
    of_orders = (Kind.OPEN_ORDER, Kind.PLACE, Kind.COMPLETED, Kind.EXECUTION)
    found: Mapping[str, Any] = next(entry.body["contract"] for entry in entries if entry.kind in of_orders)
    return found
