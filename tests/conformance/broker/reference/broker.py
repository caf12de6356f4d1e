"""The kit's own broker as Jax sees it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

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
    State,
    WhatIf,
)
from tests.conformance.broker.reference.book import EXITS, Book, LegOrder, Ticket
from tests.make import T0

Answer = TypeVar("Answer")

FULL = Capabilities(fractions=True, what_if=True)
NONE = Capabilities(
    good_till_date=False,
    time_of_day_exits=False,
    partial_brackets=False,
    shorting=False,
    closes_beside_exits=False,
    replaces=False,
)
STATES = {LegState.EXPIRED: State.CANCELLED, LegState.REPLACED: State.CANCELLED} | {
    LegState(state): state for state in (State.FILLED, State.CANCELLED, State.REJECTED)
}
SYMBOLS = ("AAPL", "SAP")


@dataclass
class Line:
    """The way to the broker. `faults`: what goes wrong with the next call of a name."""

    book: Book
    faults: dict[str, tuple[str, str]] = field(default_factory=dict)
    is_away: bool = False
    is_disordered: bool = False

    def begin(self, book: Book) -> None:
        """Open the account anew."""
        self.book, self.faults, self.is_away, self.is_disordered = book, {}, False, False

    def ask(self, call: str, act: Callable[[], Answer]) -> Answer:
        if self.is_away:
            raise BrokerAway("Nothing answers.")
        fault, reason = self.faults.pop(call, ("", ""))
        if fault == "refuse":
            raise OrderRefused(reason)
        if fault == "lose request":
            raise AnswerLost("Nothing came back.")
        answer = act()
        if fault:
            raise AnswerLost(f"{fault}: what came back is no answer.")
        return answer


class Reference:
    """A paper account in this process, with every capability unless the spec takes some away."""

    is_paper = True

    def __init__(self, spec: BrokerSpec, line: Line) -> None:
        self.name, self.can, self.line, self.book = spec.name, spec.capabilities, line, line.book

    def place(self, order: Bracket) -> Report:
        return self._make("place", order.client_id, lambda: self._place(order))

    def close(self, order: Close) -> Report:
        return self._make("close", order.client_id, lambda: self._close(order))

    def protect(self, order: Protection) -> Report:
        return self._make("protect", order.client_id, lambda: self._protect(order))

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        return self.line.ask("replace", lambda: self._replace(client_id, leg, level, quantity, change_id))

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        def act() -> Report:
            ticket = self._known(client_id)
            self.book.cancel(ticket, exits=exits)
            return report(ticket)

        return self.line.ask("cancel", act)

    def order(self, client_id: UUID) -> Report | Missing:
        def act() -> Report | Missing:
            ticket = self.book.ticket(client_id)
            if ticket:
                return report(ticket)
            return Missing.TOO_LONG_AGO if client_id in self.book.forgotten else Missing.NEVER_RECEIVED

        return self.line.ask("order", act)

    def knows_since(self) -> None:
        """It forgets by itself, and says so."""

    def orders(self) -> Sequence[Report]:
        return self.line.ask(
            "orders", lambda: [report(ticket) for ticket in self.book.tickets if ticket.is_live]
        )

    def executions(self, since: datetime) -> Sequence[Execution]:
        return self.line.ask("executions", lambda: self._executions(since))

    def charges(self, since: datetime) -> Sequence[Charge]:
        return self.line.ask(
            "charges", lambda: [charge for charge in self.book.charges if charge.at >= since]
        )

    def holdings(self) -> Mapping[str, Holding]:
        def act() -> Mapping[str, Holding]:
            held = self.book.shares().items()
            return {symbol: Holding(Instrument(symbol), shares, Decimal(100)) for symbol, shares in held}

        return self.line.ask("holdings", act)

    def account(self) -> Account:
        money = Decimal(100_000)
        return self.line.ask(
            "account",
            lambda: Account("USD", money, money, money, "REF1", {"USD": money}, self.book.blocked),
        )

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        needs = Decimal(100) * order.quantity
        return self.line.ask(
            "whatif",
            lambda: WhatIf("USD", needs, needs, Decimal(100_000), Decimal(1)) if self.can.what_if else None,
        )

    # --- what the calls do --------------------------------------------------------------------------------

    def _make(self, call: str, client_id: UUID, make: Callable[[], Ticket]) -> Report:
        """Make an order, or answer with the one that is known by this id."""

        def act() -> Report:
            if client_id in self.book.forgotten:
                raise OrderRefused("This id was used long ago.")
            return report(self.book.ticket(client_id) or make())

        return self.line.ask(call, act)

    def _place(self, order: Bracket) -> Ticket:
        sign = order.side.sign
        in_order = order.stop_loss * sign < order.limit_price * sign < order.take_profit * sign
        self._require(order.symbol in SYMBOLS, f"{order.symbol} is not known here.")
        self._require(order.quantity > 0 and in_order, "The limit lies between the stop and the target.")
        self._require(not self.book.blocked, f"The account is blocked: {self.book.blocked}")
        self._require(self.can.shorting or sign > 0, "This account sells nothing short.")
        return self.book.add_entry(order)

    def _close(self, order: Close) -> Ticket:
        guarded = sum(
            ticket.guarded for ticket in self.book.tickets if ticket.instrument.symbol == order.symbol
        )
        self._require(
            self.can.closes_beside_exits or not guarded, "These shares are held for the exits of an order."
        )
        return self.book.add_closing(order)

    def _protect(self, order: Protection) -> Ticket:
        levels = {Leg.STOP: order.stop_loss, Leg.TARGET: order.take_profit}
        legs = {
            leg: self.book.leg(leg, order.quantity, level, LegState.WORKING)
            for leg, level in levels.items()
            if level is not None
        }
        what = (order.client_id, order.instrument, order.side, order.quantity, legs)
        ticket = self.book.add(Ticket(*what))
        if order.cancels:
            self.book.cancel(self._known(order.cancels), exits=True)
        return ticket

    def _replace(
        self, client_id: UUID, leg: Leg, level: Decimal | None, quantity: int | None, change_id: UUID
    ) -> Report:
        self._require(self.can.replaces, "An order that works is not changed here.")
        ticket = self._known(client_id)
        if change_id not in ticket.changes:
            order = ticket.legs.get(leg)
            if order is None or not order.is_live:
                raise OrderRefused(f"The {leg} does not work any more.")
            ticket.replaced.append(replace(order, state=LegState.REPLACED))
            order.level, order.quantity = level or order.level, quantity or order.quantity
            order.number = self.book.number("B")
            ticket.changes.add(change_id)
        return report(ticket)

    def _executions(self, since: datetime) -> list[Execution]:
        told_at = self.book.told_at
        rows = [row for row in self.book.executions.values() if told_at[row.execution_id] >= since]
        return [row for row in reversed(rows) for _ in range(2)] if self.line.is_disordered else rows

    def _known(self, client_id: UUID) -> Ticket:
        ticket = self.book.ticket(client_id)
        if ticket is None:
            raise OrderRefused(f"There is no order {client_id}.")
        return ticket

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise OrderRefused(otherwise)


def report(ticket: Ticket) -> Report:
    first = ticket.first
    return Report(
        client_id=ticket.client_id,
        broker_id=first.number,
        instrument=ticket.instrument,
        side=ticket.side,
        state=STATES.get(_whole(ticket).state, State.WORKING),
        quantity=ticket.quantity,
        filled=_whole(ticket).filled,
        reason=ticket.reason,
        exits_working=any(order.is_live for order in ticket.exits),
        legs=tuple(map(_leg, [*ticket.replaced, *ticket.legs.values()])),
    )


def _whole(ticket: Ticket) -> LegOrder:
    """Return the leg that says how the order stands: of a protection one that lives, else one that filled."""
    if ticket.first.leg not in EXITS:
        return ticket.first
    return min(ticket.exits, key=lambda order: (not order.is_live, -order.filled))


def _leg(order: LegOrder) -> LegReport:
    word = f"reference:{order.state}"
    return LegReport(order.leg, order.state, order.number, order.quantity, order.filled, order.level, word)


account = Line(Book(T0))


def build(values: Mapping[str, Any], at: datetime) -> Reference:
    return Reference(SPEC, account)


def build_sparse(values: Mapping[str, Any], at: datetime) -> Reference:
    return Reference(SPARSE, account)


SPEC = BrokerSpec(
    name="reference", title="the kit's own broker", is_paper=True, capabilities=FULL, build=build
)
SPARSE = BrokerSpec(
    name="sparse", title="a broker that lacks much", is_paper=True, capabilities=NONE, build=build_sparse
)
