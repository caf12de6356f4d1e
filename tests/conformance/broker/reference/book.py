"""What the kit's own broker writes down: orders leg by leg, executions, charges, what is held, in memory."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from approvals.brokers.base import Bracket, Charge, Close, Execution, Instrument, Leg, LegState, Side

FIRST_LEGS, EXITS = (Leg.ENTRY, Leg.CLOSE), (Leg.STOP, Leg.TARGET)
ENDED = (LegState.FILLED, LegState.CANCELLED, LegState.REJECTED, LegState.EXPIRED, LegState.REPLACED)


@dataclass(slots=True)
class LegOrder:
    """One leg as it stands. `quantity`: what it asks for, less what its sibling or a closing has taken."""

    leg: Leg
    number: str
    quantity: int
    level: Decimal | None = None
    state: LegState = LegState.WORKING
    filled: int = 0

    @property
    def is_live(self) -> bool:
        return self.state not in ENDED

    @property
    def left(self) -> int:
        return self.quantity - self.filled if self.is_live else 0

    def end(self, state: LegState) -> None:
        if self.is_live:
            self.state = state

    def reduce(self, by: int) -> None:
        """Take shares away that traded elsewhere; a leg of which nothing is left is cancelled."""
        if self.is_live:
            self.quantity = max(self.quantity - by, self.filled)
            if not self.left:
                self.state = LegState.FILLED if self.filled else LegState.CANCELLED

    def trade(self, quantity: int) -> None:
        self.filled += quantity
        if self.filled >= self.quantity and self.is_live:
            self.state = LegState.FILLED


@dataclass(slots=True)
class Ticket:
    """An order under an id of ours, or of a person who placed it by hand (`client_id` None)."""

    client_id: UUID | None
    instrument: Instrument
    side: Side
    quantity: int
    legs: dict[Leg, LegOrder]
    reason: str = ""
    good_until: datetime | None = None
    flat_at: datetime | None = None
    guards: tuple[UUID, ...] = ()
    changes: set[UUID] = field(default_factory=set)
    replaced: list[LegOrder] = field(default_factory=list)

    @property
    def first(self) -> LegOrder:
        return next(iter(self.legs.values()))

    @property
    def exits(self) -> list[LegOrder]:
        return [order for leg, order in self.legs.items() if leg in EXITS]

    @property
    def entry(self) -> LegOrder | None:
        return self.legs.get(Leg.ENTRY)

    @property
    def is_live(self) -> bool:
        return any(order.is_live for order in self.legs.values())

    @property
    def guarded(self) -> int:
        """Return how many shares its exits may still sell (or buy back)."""
        return max((order.left for order in self.exits if order.state is not LegState.HELD), default=0)

    def side_of(self, leg: Leg) -> Side:
        """Return the side of a leg; that of a protection is the side of its exits already."""
        return self.side.opposite if self.entry and leg is not Leg.ENTRY else self.side


@dataclass
class Book:
    """All that the broker knows."""

    now: datetime
    has_partial_brackets: bool = True
    tickets: list[Ticket] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    told_at: dict[str, datetime] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    transferred: dict[str, Decimal] = field(default_factory=dict)
    forgotten: set[UUID] = field(default_factory=set)
    made: list[UUID] = field(default_factory=list)
    delays_cancels: bool = False
    knows_commissions: bool = True
    is_halted: bool = False
    blocked: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ticket(self, client_id: UUID) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.client_id == client_id), None)

    def known(self, client_id: UUID) -> Ticket:
        ticket = self.ticket(client_id)
        if ticket is None:
            raise LookupError(client_id)
        return ticket

    def number(self, letter: str) -> str:
        return f"{letter}{next(self.numbers)}"

    def leg(self, leg: Leg, quantity: int, level: Decimal | None, state: LegState) -> LegOrder:
        return LegOrder(leg, self.number("B"), quantity, level, state)

    def add(self, ticket: Ticket) -> Ticket:
        self.tickets.append(ticket)
        if ticket.client_id:
            self.made.append(ticket.client_id)
        return ticket

    def add_entry(self, order: Bracket) -> Ticket:
        terms = [(Leg.ENTRY, order.limit_price), (Leg.STOP, order.stop_loss), (Leg.TARGET, order.take_profit)]
        states = [LegState.WORKING, LegState.HELD, LegState.HELD]
        legs = {
            leg: self.leg(leg, order.quantity, level, state)
            for (leg, level), state in zip(terms, states, strict=True)
        }
        what = (order.client_id, order.instrument, order.side, order.quantity, legs)
        return self.add(Ticket(*what, good_until=order.good_until, flat_at=order.flat_at))

    def add_closing(self, order: Close) -> Ticket:
        legs = {Leg.CLOSE: self.leg(Leg.CLOSE, order.quantity, None, LegState.WORKING)}
        what = (order.client_id, order.instrument, order.side, order.quantity, legs)
        return self.add(Ticket(*what, guards=order.guards))

    # --- what happens to orders ---------------------------------------------------------------------------

    def cancel(self, ticket: Ticket, *, exits: bool) -> None:
        """Cancel the first leg, and the exits where that is asked for or where they guard nothing."""
        first = ticket.first if ticket.first.leg in FIRST_LEGS else None
        if first:
            self.end(first)
        guards_nothing = first is not None and not first.is_live and not ticket.guarded
        for order in ticket.exits if exits or guards_nothing else ():
            self.end(order)

    def end(self, order: LegOrder) -> None:
        order.end(LegState.PENDING_CANCEL if self.delays_cancels else LegState.CANCELLED)

    def let_cancels_through(self) -> None:
        self.delays_cancels = False
        for ticket in self.tickets:
            pending = [order for order in ticket.legs.values() if order.state is LegState.PENDING_CANCEL]
            for order in pending:
                order.state = LegState.CANCELLED
            if ticket.entry in pending:
                self.cancel(ticket, exits=False)

    def trade(self, ticket: Ticket, leg: Leg, quantity: int, price: Decimal) -> Execution:
        """Execute shares of a leg, with what follows for its siblings and for what stands beside it."""
        if leg in ticket.legs:
            ticket.legs[leg].trade(quantity)
        execution = self.execute(ticket.instrument, ticket.side_of(leg), quantity, price, leg, ticket)
        if leg is Leg.ENTRY:
            self._open_exits(ticket, quantity)
        elif leg is Leg.CLOSE:
            self._take_from_guards(ticket, quantity)
        else:
            self._take_from_siblings(ticket, leg, quantity)
        return execution

    def execute(
        self,
        instrument: Instrument,
        side: Side,
        quantity: int,
        price: Decimal,
        leg: Leg = Leg.ENTRY,
        ticket: Ticket | None = None,
    ) -> Execution:
        execution = Execution(
            execution_id=self.number("X"),
            client_id=ticket.client_id if ticket else None,
            leg=leg,
            instrument=instrument,
            side=side,
            quantity=quantity,
            price=price,
            commission=Decimal("1.00") if self.knows_commissions else None,
            executed_at=self.now,
            broker_order_id=ticket.legs[leg].number if ticket and leg in ticket.legs else "",
        )
        self.tell(execution)
        return execution

    def tell(self, execution: Execution) -> None:
        """Write an execution down, or what is known better of it."""
        self.executions[execution.execution_id] = execution
        self.told_at[execution.execution_id] = self.now

    def _open_exits(self, ticket: Ticket, traded: int) -> None:
        """Let the exits guard what the entry has filled, `traded` the last of it."""
        entry = ticket.first
        if not (self.has_partial_brackets or entry.state is LegState.FILLED):
            return
        for order in filter(lambda order: order.is_live, ticket.exits):
            if order.state is LegState.HELD:
                order.quantity, order.state = entry.filled, LegState.WORKING
            else:
                order.quantity += traded

    def _take_from_guards(self, closing: Ticket, quantity: int) -> None:
        for guard in filter(None, map(self.ticket, closing.guards)):
            taken = min(quantity, guard.guarded)
            for order in guard.exits:
                order.reduce(taken)
            quantity -= taken

    def _take_from_siblings(self, ticket: Ticket, leg: Leg, quantity: int) -> None:
        for order in ticket.exits:
            if order.leg is not leg:
                order.reduce(quantity)
        for closing in self.tickets:
            if ticket.client_id in closing.guards:
                closing.first.reduce(quantity)

    # --- by itself ----------------------------------------------------------------------------------------

    def pass_time(self, at: datetime, price: Decimal) -> None:
        self.now = at
        for ticket in self.tickets:
            if ticket.entry and ticket.entry.is_live and ticket.good_until and ticket.good_until <= at:
                self.expire(ticket)
            if ticket.flat_at and ticket.flat_at <= at:
                self.go_flat(ticket, price)

    def expire(self, ticket: Ticket) -> None:
        ticket.first.end(LegState.EXPIRED)
        ticket.reason = ticket.reason or "It was not filled in time."
        self.cancel(ticket, exits=False)

    def go_flat(self, ticket: Ticket, price: Decimal) -> None:
        ticket.flat_at = None
        if ticket.guarded:
            self.trade(ticket, Leg.FLAT, ticket.guarded, price)

    # --- what is held -------------------------------------------------------------------------------------

    def valid(self) -> list[Execution]:
        """Return the executions that count: those that no other one corrects."""
        corrected = {row.corrects for row in self.executions.values()}
        return [row for number, row in self.executions.items() if number not in corrected]

    def shares(self) -> dict[str, Decimal]:
        held = dict(self.transferred)
        for row in self.valid():
            held[row.symbol] = held.get(row.symbol, Decimal(0)) + row.side.sign * row.quantity
        return {symbol: quantity for symbol, quantity in held.items() if quantity}

    def forget(self) -> None:
        """Keep what works and what is held, and no record of what is over."""
        self.transferred, self.executions = self.shares(), {}
        self.forgotten |= {
            ticket.client_id for ticket in self.tickets if ticket.client_id and not ticket.is_live
        }
        self.tickets = [ticket for ticket in self.tickets if ticket.is_live]

    def correct(self, execution_id: str, quantity: int, price: Decimal) -> None:
        old, number = self.executions[execution_id], self.number("X")
        self.tell(replace(old, execution_id=number, quantity=quantity, price=price, corrects=execution_id))
        ticket = self.ticket(old.client_id) if old.client_id else None
        if ticket and old.leg in ticket.legs:
            ticket.legs[old.leg].filled += quantity - old.quantity
