"""The fake broker as Jax sees it: what a bridge of our own would be, over HTTP."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from approvals.brokers.base import (
    Account,
    AnswerLost,
    Bracket,
    BrokerAway,
    BrokerSpec,
    Capabilities,
    Charge,
    Close,
    Execution,
    Holding,
    Instrument,
    Leg,
    LegReport,
    LegState,
    Missing,
    OrderRefused,
    Protection,
    Report,
    Side,
    State,
    WhatIf,
    converted,
)


class HttpBroker:
    """Refused connections mean away; whatever goes wrong after them means that the answer is lost."""

    name = "fake"
    is_paper = True

    def __init__(self, url: str, timeout: float) -> None:
        self.url, self.timeout = url, timeout

    def place(self, order: Bracket) -> Report:
        levels = {
            name: str(getattr(order, name))
            for name in ("limit_price", "stop_loss", "take_profit", "good_until")
        }
        return _report(self._ask("place", self._order(order) | levels))

    def close(self, order: Close) -> Report:
        guards = {"guards": [str(guard) for guard in order.guards]}
        return _report(self._ask("close", self._order(order) | guards))

    def protect(self, order: Protection) -> Report:
        levels = {name: getattr(order, name) for name in ("stop_loss", "take_profit", "cancels")}
        texts = {name: str(value) for name, value in levels.items() if value is not None}
        return _report(self._ask("protect", self._order(order) | texts))

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        change = {"leg": leg, "quantity": quantity, "change_id": str(change_id)}
        change["level"] = None if level is None else str(level)
        return _report(self._ask(f"replace/{client_id}", change))

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        return None

    def _order(self, order: Bracket | Close | Protection) -> dict[str, Any]:
        return {
            "client_id": str(order.client_id),
            "symbol": order.symbol,
            "side": order.side.value,
            "quantity": order.quantity,
        }

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        return _report(self._ask(f"cancel/{client_id}", {"exits": exits}))

    def order(self, client_id: UUID) -> Report | Missing:
        stored = self._ask(f"order/{client_id}")
        if stored == "too long ago":
            return Missing.TOO_LONG_AGO
        return _report(stored) if stored else Missing.NEVER_RECEIVED

    def knows_since(self) -> None:
        """It forgets by itself, and says so."""

    def orders(self) -> Sequence[Report]:
        return [_report(order) for order in self._ask("orders")]

    def executions(self, since: datetime) -> Sequence[Execution]:
        executions = [_execution(execution) for execution in self._ask("executions")]
        return [execution for execution in executions if not _is_before(execution, since)]

    def charges(self, since: datetime) -> Sequence[Charge]:
        return [_charge(row) for row in self._ask("charges")]

    def holdings(self) -> Mapping[str, Holding]:
        held = self._ask("holdings").items()
        return {symbol: Holding(Instrument(symbol), *_quantity_and_cost(row)) for symbol, row in held}

    def account(self) -> Account:
        answer = self._ask("account")
        equity = converted(Decimal, answer["equity"])
        return Account("USD", equity, equity, equity, answer["account_id"], is_blocked=answer["is_blocked"])

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        method = "GET" if body is None else "POST"
        try:
            answer = requests.request(method, f"{self.url}/{path}", json=body, timeout=self.timeout)
        except requests.RequestException as error:
            raise (BrokerAway if _is_refused(error) else AnswerLost)(type(error).__name__) from error
        if answer.status_code == 404:
            return None
        if answer.status_code == 422:
            raise OrderRefused(answer.json()["reason"])
        if not answer.ok:
            raise AnswerLost(f"HTTP {answer.status_code}")
        return answer.json()


def _is_refused(error: requests.RequestException) -> bool:
    """Return whether no connection came about, so that nothing can have been handed over."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _is_before(execution: Execution, since: datetime) -> bool:
    """Return whether it is older; one whose time cannot be compared is not."""
    at = execution.executed_at
    return isinstance(at, datetime) and at.tzinfo is not None and at < since


def _quantity_and_cost(row: Any) -> tuple[Any, Any]:
    """Return both of a row that has them, or the number of shares that the row is, at 100."""
    if not isinstance(row, dict):
        return row, Decimal(100)
    return row["quantity"], converted(Decimal, row["average_cost"])


def _report(order: dict[str, Any]) -> Report:
    return Report(
        client_id=None if order["client_id"] is None else converted(UUID, order["client_id"]),
        broker_id=order["broker_id"],
        instrument=Instrument(order["symbol"]),
        side=converted(Side, order["side"]),
        state=converted(State, order["state"]),
        quantity=order["quantity"],
        filled=order["filled"],
        reason=order["reason"],
        exits_working=order["exits_working"],
        legs=tuple(_legs(order)),
    )


def _legs(order: dict[str, Any]) -> Iterator[LegReport]:
    is_protection = "limit_price" not in order and ("stop_loss" in order or "take_profit" in order)
    if not is_protection:
        leg = Leg.ENTRY if "limit_price" in order else Leg.CLOSE
        state = converted(LegState, order.get("entry_state", order["state"]))
        yield _leg(order, leg, "limit_price", state, order["filled"])
    for leg, level in ((Leg.STOP, "stop_loss"), (Leg.TARGET, "take_profit")):
        if level in order:
            filled = order["quantity"] if order.get("exit") == leg else 0
            yield _leg(order, leg, level, _exit_state(order, leg), filled)


def _charge(row: dict[str, Any]) -> Charge:
    at = datetime.fromisoformat(row["at"])
    return Charge(row["charge_id"], at, Decimal(row["amount"]), row["currency"], row["what"])


def _exit_state(order: dict[str, Any], leg: Leg) -> LegState:
    if order.get("exit") == leg:
        return LegState.FILLED
    if leg in order.get("legs_gone", ()):
        return LegState.CANCELLED
    if order["exits_working"]:
        return LegState.WORKING
    return LegState.HELD if order["state"] == State.WORKING else LegState.CANCELLED


def _leg(order: dict[str, Any], leg: Leg, level: str, state: LegState, filled: int) -> LegReport:
    number, price = (
        f"{order['broker_id']}-{leg}",
        converted(Decimal, order[level]) if level in order else None,
    )
    return LegReport(leg, state, number, order["quantity"], filled, price, str(state))


def _execution(row: dict[str, Any]) -> Execution:
    return Execution(
        execution_id=row["execution_id"],
        client_id=converted(UUID, row["client_id"]) if row["client_id"] else None,
        leg=converted(Leg, row["leg"]),
        instrument=Instrument(row["symbol"]),
        side=converted(Side, row["side"]),
        quantity=row["quantity"],
        price=converted(Decimal, row["price"]),
        commission=None if row["commission"] is None else converted(Decimal, row["commission"]),
        executed_at=converted(datetime.fromisoformat, row["executed_at"]),
        corrects=row.get("corrects", ""),
        commission_currency=row.get("commission_currency", ""),
    )


def build(values: Mapping[str, Any], at: datetime) -> HttpBroker:
    return HttpBroker(os.environ["TEST_BROKER_URL"], float(os.environ.get("TEST_BROKER_TIMEOUT", "30")))


WITH_ALL = BrokerSpec(name="fake", title="the fake broker", is_paper=True, build=build)
SPEC = replace(WITH_ALL, capabilities=Capabilities(closes_beside_exits=False))
FORGETFUL = replace(WITH_ALL, capabilities=Capabilities(executions_for=timedelta(days=1)))
BARE = replace(
    WITH_ALL, capabilities=Capabilities(good_till_date=False, time_of_day_exits=False, shorting=False)
)
SPARSE = replace(
    WITH_ALL,
    capabilities=Capabilities(good_till_date=False, time_of_day_exits=False, closes_beside_exits=False),
)
REAL = replace(SPEC, name="real", title="a broker with real money", is_paper=False)
