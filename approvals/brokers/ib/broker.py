"""The calls of a broker, answered by the IB Bridge. Its contract: docs/ib-bridge.md."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals.brokers.base import (
    Account,
    AnswerLost,
    Bracket,
    Charge,
    Close,
    Execution,
    Holding,
    Instrument,
    InstrumentKind,
    Leg,
    Missing,
    OrderRefused,
    Protection,
    Report,
    WhatIf,
)
from approvals.brokers.ib import rows
from approvals.brokers.ib.wire import Api, NotThere

EXITS = (Leg.STOP, Leg.TARGET, Leg.FLAT)
FIRST = (Leg.ENTRY, Leg.CLOSE)
SHARES_ONLY = "Jax trades shares at Interactive Brokers: {} is none."


class InteractiveBrokers:
    """`is_paper`: of the account that the bridge is connected to. It refuses real money unless it is told."""

    name = "ib"

    def __init__(self, api: Api, *, is_paper: bool) -> None:
        self._api, self.is_paper = api, is_paper

    # --- what changes something ---------------------------------------------------------------------------

    def place(self, order: Bracket) -> Report:
        return self._put("orders", order, bracket(order))

    def close(self, order: Close) -> Report:
        return self._put("closings", order, {"guards": [str(guard) for guard in order.guards]})

    def protect(self, order: Protection) -> Report:
        return self._put("protections", order, exits(order))

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        change = {"leg": leg, "level": _text(level), "quantity": quantity, "change_id": str(change_id)}
        return _report(self._api.send("POST", f"/v1/orders/{client_id}/replace", change))

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        legs = [*FIRST, *EXITS] if exits else [*FIRST]
        return _report(self._api.send("POST", f"/v1/orders/{client_id}/cancel", {"legs": legs}))

    # --- what is read -------------------------------------------------------------------------------------

    def order(self, client_id: UUID) -> Report | Missing:
        try:
            return _report(self._api.read(f"/v1/orders/{client_id}"))
        except NotThere as absence:
            return absence.missing

    def knows_since(self) -> datetime | None:
        """Return what the bridge's journal reaches back to: without it, IB tells the orders of a day only."""
        return rows.knows_since(self._api.read("/health"))

    def orders(self) -> Sequence[Report]:
        return [rows.report(row) for row in self._api.rows("/v1/orders", "orders")]

    def executions(self, since: datetime) -> Sequence[Execution]:
        told = self._api.rows("/v1/executions", "executions", since=since.isoformat())
        return [rows.execution(row) for row in told]

    def charges(self, since: datetime) -> Sequence[Charge]:
        """Return none: IB tells fees, interest and dividends in its statements, not to the gateway."""
        return []

    def holdings(self) -> Mapping[str, Holding]:
        held = [rows.holding(row) for row in self._api.rows("/v1/holdings", "holdings")]
        return {holding.symbol: holding for holding in held if holding.quantity}

    def account(self) -> Account:
        return rows.account(self._api.read("/account"))

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        terms = bracket(order) if isinstance(order, Bracket) else {"closing": True}
        return rows.whatif(self._api.send("POST", "/v1/whatif", common(order) | terms))

    def _put(self, kind: str, order: Bracket | Close | Protection, terms: Mapping[str, Any]) -> Report:
        """Hand over an order under its id: one that is known answers as it stands."""
        content = {**common(order), **terms}
        return _report(self._api.send("PUT", f"/v1/{kind}/{order.client_id}", content))


def _report(row: rows.Row) -> Report:
    """Return the report. Raises AnswerLost for an answer that is none: what was asked may have happened."""
    if "state" not in row:
        raise AnswerLost("IB Bridge answered something that is no report of an order.")
    return rows.report(row)


# --- orders in the bridge's words -------------------------------------------------------------------------


def common(order: Bracket | Close | Protection) -> dict[str, Any]:
    return {
        "instrument": _instrument(order.instrument),
        "side": order.side,
        "quantity": order.quantity,
    }


def bracket(order: Bracket) -> dict[str, Any]:
    return {
        "limit_price": _text(order.limit_price),
        "stop_loss": _text(order.stop_loss),
        "take_profit": _text(order.take_profit),
        "good_until": order.good_until.isoformat(),
        "flat_at": order.flat_at.isoformat() if order.flat_at else None,
    }


def exits(order: Protection) -> dict[str, Any]:
    return {
        "stop_loss": _text(order.stop_loss),
        "take_profit": _text(order.take_profit),
        "cancels": str(order.cancels) if order.cancels else None,
    }


def _instrument(instrument: Instrument) -> dict[str, str]:
    """Return what is traded. Raises OrderRefused when it is no share."""
    if instrument.kind is not InstrumentKind.STOCK:
        raise OrderRefused(SHARES_ONLY.format(instrument.symbol))
    return {
        "symbol": instrument.symbol,
        "currency": instrument.currency,
        "exchange": instrument.exchange,
        "kind": "STK",
        "broker_id": instrument.broker_id,
    }


def _text(price: Decimal | None) -> str | None:
    """Return a price without an exponent."""
    return None if price is None else f"{price:f}"
