"""Behind the counter of the kit's own broker: it plays every act."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from approvals.brokers.base import Charge, Instrument, Leg, LegState, Side
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart
from tests.conformance.broker.reference import broker
from tests.conformance.broker.reference.book import Book, Ticket
from tests.conformance.broker.reference.broker import Line
from tests.make import T0

AAPL = Instrument(SYMBOL)


class Counter(Counterpart):
    """What happens to the account in memory."""

    def __init__(self, line: Line) -> None:
        self.line, self.book, self.ahead = line, line.book, timedelta(0)

    def pass_time(self, at: datetime) -> None:
        self.book.pass_time(at + self.ahead, PRICE)

    def skew(self, by: timedelta) -> None:
        self.ahead = by

    # --- market -------------------------------------------------------------------------------------------

    def fill(self, client_id: UUID, leg: Leg, price: Decimal) -> None:
        ticket = self.book.known(client_id)
        if leg in ticket.legs:
            self.fill_partly(client_id, leg, ticket.legs[leg].left, price)

    def fill_partly(self, client_id: UUID, leg: Leg, quantity: int, price: Decimal) -> None:
        ticket = self.book.known(client_id)
        if not self.book.is_halted and ticket.legs[leg].left >= quantity > 0:
            self.book.trade(ticket, leg, quantity, price)

    def fill_late(self, client_id: UUID, quantity: int, price: Decimal) -> None:
        ticket = self.book.known(client_id)
        ticket.first.filled += quantity
        self.book.execute(ticket.instrument, ticket.side, quantity, price, Leg.ENTRY, ticket)

    def halt(self) -> None:
        self.book.is_halted = True

    def resume(self) -> None:
        self.book.is_halted = False

    # --- the broker's own decisions -----------------------------------------------------------------------

    def refuse(self, call: str, reason: str) -> None:
        self.line.faults[call] = ("refuse", reason)

    def reject(self, client_id: UUID, reason: str) -> None:
        ticket = self.book.known(client_id)
        ticket.reason = reason
        for order in ticket.legs.values():
            order.end(LegState.REJECTED if order is ticket.first else LegState.CANCELLED)

    def expire(self, client_id: UUID) -> None:
        self.book.expire(self.book.known(client_id))

    def delay_cancels(self) -> None:
        self.book.delays_cancels = True

    def let_cancels_through(self) -> None:
        self.book.let_cancels_through()

    def block(self, reason: str) -> None:
        self.book.blocked = reason

    # --- executions and money -----------------------------------------------------------------------------

    def hold_back_commissions(self) -> None:
        self.book.knows_commissions = False

    def tell_commission(self, execution_id: str, amount: Decimal, currency: str) -> None:
        execution = self.book.executions[execution_id]
        self.book.tell(replace(execution, commission=amount, commission_currency=currency))

    def correct(self, execution_id: str, quantity: int, price: Decimal) -> None:
        self.book.correct(execution_id, quantity, price)

    def charge(self, amount: Decimal, what: str) -> None:
        self.book.charges.append(Charge(self.book.number("C"), self.book.now, amount, "USD", what))

    def disorder(self) -> None:
        self.line.is_disordered = True

    # --- by hand ------------------------------------------------------------------------------------------

    def cancel_by_hand(self, client_id: UUID, leg: Leg) -> None:
        ticket = self.book.known(client_id)
        ticket.reason = "It was cancelled by hand."
        ticket.legs[leg].end(LegState.CANCELLED)
        if leg is Leg.ENTRY:
            self.book.cancel(ticket, exits=False)

    def replace_by_hand(self, client_id: UUID, leg: Leg, level: Decimal) -> None:
        self.book.known(client_id).legs[leg].level = level

    def trade_by_hand(self, side: Side, quantity: int) -> None:
        self.book.execute(AAPL, side, quantity, PRICE)

    def order_by_hand(self, side: Side, quantity: int, limit: Decimal) -> None:
        legs = {Leg.ENTRY: self.book.leg(Leg.ENTRY, quantity, limit, LegState.WORKING)}
        self.book.add(Ticket(None, AAPL, side, quantity, legs))

    def transfer(self, symbol: str, quantity: Decimal) -> None:
        self.book.transferred[symbol] = self.book.transferred.get(symbol, Decimal(0)) + quantity

    # --- the way there, and the nights --------------------------------------------------------------------

    def lose_request(self, call: str) -> None:
        self.line.faults[call] = ("lose request", "")

    def lose_answer(self, call: str) -> None:
        self.line.faults[call] = ("lose answer", "")

    def garble(self, call: str) -> None:
        self.line.faults[call] = ("garble", "")

    @contextmanager
    def is_away(self) -> Iterator[None]:
        self.line.is_away = True
        try:
            yield
        finally:
            self.line.is_away = False

    def restart(self) -> None:
        """Begin a session: the faults of the old one go with it, and what the broker knows stays."""
        self.line.faults.clear()

    def forget(self) -> None:
        self.book.forget()

    def foreign_instrument(self) -> Instrument:
        return Instrument("SAP", "EUR", "XETR")

    # --- records ------------------------------------------------------------------------------------------

    def orders_made(self, client_id: UUID) -> int:
        return self.book.made.count(client_id)

    def held(self, symbol: str) -> Decimal:
        return self.book.shares().get(symbol, Decimal(0))

    def stops(self, symbol: str) -> int:
        tickets = [ticket for ticket in self.book.tickets if ticket.instrument.symbol == symbol]
        stops = [ticket.legs[Leg.STOP] for ticket in tickets if Leg.STOP in ticket.legs]
        return sum(stop.left for stop in stops if stop.state is not LegState.HELD)


class SparseCounter(Counter):
    """The same behind the account that lacks much. An order that nobody ends in time stays."""

    def pass_time(self, at: datetime) -> None:
        self.book.now = at + self.ahead


@contextmanager
def counterpart() -> Iterator[Counter]:
    broker.account.begin(Book(T0))
    yield Counter(broker.account)


@contextmanager
def sparse_counterpart() -> Iterator[Counter]:
    broker.account.begin(Book(T0, has_partial_brackets=False))
    yield SparseCounter(broker.account)
