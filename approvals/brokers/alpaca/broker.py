"""The calls of a broker, answered by Alpaca."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from approvals.brokers.alpaca import ids, money, rows
from approvals.brokers.alpaca.activities import read_activities
from approvals.brokers.alpaca.book import ORDERS, Book, stamp
from approvals.brokers.alpaca.changes import cancel, change, end_exits, guard_again, pair, price
from approvals.brokers.alpaca.closing import move_back, move_targets
from approvals.brokers.alpaca.rows import Family
from approvals.brokers.alpaca.values import Row
from approvals.brokers.alpaca.wire import NOT_UNIQUE, Api, Refused
from approvals.brokers.base import (
    Account,
    Bracket,
    Charge,
    Close,
    Execution,
    Holding,
    Instrument,
    InstrumentKind,
    Leg,
    LegState,
    Missing,
    OrderRefused,
    Protection,
    Report,
    WhatIf,
)

ACCOUNT, POSITIONS = "/v2/account", "/v2/positions"
A_SECOND = timedelta(seconds=1)  # what happened at an instant is not after it
DAYS_LATE = timedelta(days=1)  # a fee is booked on the day after, and dated midnight
NOT_A_SHARE = "Alpaca trades shares of American exchanges in dollars: {} is none."
WHOLE_EXITS = "Alpaca changes the level of an exit, not its shares: cancel the exits and place new ones."


class Alpaca:
    name = "alpaca"

    def __init__(self, api: Api, book: Book, at: datetime, *, is_paper: bool) -> None:
        self._api, self._book, self._at, self.is_paper = api, book, at, is_paper

    # --- what changes something ---------------------------------------------------------------------------

    def place(self, order: Bracket) -> Report:
        return self._post(order.client_id, order.instrument, bracket(order))

    def close(self, order: Close) -> Report:
        if order.guards and self._book.by_own_id(ids.own(order.client_id)):
            return self._reported(order.client_id)
        free = move_targets(self._api, self._book, order) if order.guards else order.quantity
        if free:
            report = self._post(order.client_id, order.instrument, market(order, free))
        return self._reported(order.client_id) if order.guards else report

    def protect(self, order: Protection) -> Report:
        family = None if order.cancels is None else self._book.find(order.cancels)
        if family is None or self._book.by_own_id(ids.own(order.client_id)):
            return self._post(order.client_id, order.instrument, exits(order))
        before = end_exits(self._api, self._book, family)
        try:
            return self._post(order.client_id, order.instrument, exits(order))
        except OrderRefused:
            if before:
                guard_again(self._api, self._book, order.cancels, before, rows.remaining(before[0]))
            raise

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        own_id = ids.changed(client_id, leg, change_id)
        if self._book.by_own_id(own_id) is None:
            row = self._leg(client_id, leg)
            if quantity is not None and quantity != rows.remaining(row):
                raise OrderRefused(WHOLE_EXITS)
            if level is not None:
                change(self._api, self._book, row, level, own_id)
        return self._reported(client_id)

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        family = self._found(client_id)
        members = [family.head, *family.legs] if exits else [family.head]
        if rows.role(family.head) in (Leg.STOP, Leg.TARGET) and not exits:
            members = []
        for row in members:
            if not rows.is_live(row) or rows.state(row) is LegState.PENDING_CANCEL:
                continue
            if rows.role(row) is Leg.CLOSE and row.get("replaces"):
                move_back(self._api, self._book, row)
            else:
                cancel(self._api, self._book, row)
        return self._reported(client_id)

    # --- what is read -------------------------------------------------------------------------------------

    def order(self, client_id: UUID) -> Report | Missing:
        family = self._book.find(client_id)
        if family is not None:
            return rows.report(family)
        return Missing.TOO_LONG_AGO if self._book.has_known(client_id) else Missing.NEVER_RECEIVED

    def knows_since(self) -> None:
        """It keeps orders for as long as its capabilities say."""

    def orders(self) -> Sequence[Report]:
        return [rows.report(family) for family in self._book.alive(self._at)]

    def executions(self, since: datetime) -> Sequence[Execution]:
        found = read_activities(self._api, "FILL", {"after": stamp(since - A_SECOND)})
        owners = self._book.owners(str(row.get("order_id")) for row in found)
        return [money.execution(row, *owners[str(row.get("order_id"))]) for row in found]

    def charges(self, since: datetime) -> Sequence[Charge]:
        wanted = {"after": stamp(since - DAYS_LATE), "activity_types": ",".join(money.CHARGES)}
        return [money.charge(row) for row in read_activities(self._api, "", wanted) if money.is_charge(row)]

    def holdings(self) -> Mapping[str, Holding]:
        return {row.get("symbol"): money.holding(row) for row in self._api.rows(POSITIONS)}

    def account(self) -> Account:
        return money.account(self._api.read(ACCOUNT))

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        """Return None: Alpaca does not say before what an order will bind."""
        return None

    # --- the steps of them --------------------------------------------------------------------------------

    def _post(self, client_id: UUID, instrument: Instrument, content: Mapping[str, Any]) -> Report:
        """Place an order. One that Alpaca has already answers as it stands."""
        if instrument.kind is not InstrumentKind.STOCK or instrument.currency != "USD":
            raise OrderRefused(NOT_A_SHARE.format(instrument.symbol))
        names = {"symbol": instrument.symbol, "client_order_id": ids.own(client_id)}
        try:
            row = self._api.send("POST", ORDERS, {**names, **content})
        except Refused as refusal:
            if not refusal.is_about(NOT_UNIQUE):
                raise
            return self._reported(client_id)
        return rows.report(self._book.placed(row))

    def _found(self, client_id: UUID) -> Family:
        family = self._book.find(client_id)
        if family is None:
            raise OrderRefused(f"Alpaca has no order {client_id}.")
        return family

    def _reported(self, client_id: UUID) -> Report:
        return rows.report(self._found(client_id))

    def _leg(self, client_id: UUID, leg: Leg) -> Row:
        """Return the living order of a leg."""
        family = self._found(client_id)
        for row in (*family.exits(), family.head):
            if rows.role(row) is leg and rows.is_live(row):
                return row
        raise OrderRefused(f"The {leg} of order {client_id} does not work any more at Alpaca.")


# --- orders in Alpaca's words -----------------------------------------------------------------------------


def bracket(order: Bracket) -> dict[str, Any]:
    """Return an entry with its exits, good till cancelled: it is we who cancel an entry that is due."""
    return {
        "qty": str(order.quantity),
        "side": order.side.lower(),
        "type": "limit",
        "time_in_force": "gtc",
        "limit_price": price(order.limit_price),
        "order_class": "bracket",
        "take_profit": {"limit_price": price(order.take_profit)},
        "stop_loss": {"stop_price": price(order.stop_loss)},
    }


def market(order: Close, quantity: int) -> dict[str, Any]:
    return {"qty": str(quantity), "side": order.side.lower(), "type": "market", "time_in_force": "day"}


def exits(order: Protection) -> dict[str, Any]:
    levels = (None if level is None else price(level) for level in (order.stop_loss, order.take_profit))
    common = {"qty": str(order.quantity), "side": order.side.lower(), "time_in_force": "gtc"}
    return {**common, **pair(*levels)}
