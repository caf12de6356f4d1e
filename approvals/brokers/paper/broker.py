"""The broker's calls. Each is a turn of its own, and first brings the orders that it is about up to date."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from approvals.brokers.base import (
    Account,
    Bracket,
    Charge,
    Close,
    Execution,
    Holding,
    Instrument,
    Leg,
    Missing,
    OrderRefused,
    Protection,
    Report,
    State,
    WhatIf,
)
from approvals.brokers.paper import account
from approvals.brokers.paper.account import Position
from approvals.brokers.paper.admission import Admission
from approvals.brokers.paper.book import Book, Opening, Ticket
from approvals.brokers.paper.carrying import Pricing, by_symbol, unwritten
from approvals.brokers.paper.costs import Costs
from approvals.brokers.paper.dividends import (
    Entitlement,
    Key,
    Waiting,
    payments,
    receivable,
)
from approvals.brokers.paper.levels import Change
from approvals.brokers.paper.market import ExchangeRate, Market, factor
from approvals.brokers.paper.reporting import report

Progress = dict[int, datetime | None]  # up to when each closing beside exits was worked


class Paper:
    """An account on paper, as it stands at `at`."""

    is_paper = True

    def __init__(self, book: Book, market: Market, at: datetime, costs: Costs) -> None:
        self.name = book.name
        self._book, self._market, self._at = book, market, at
        self._counter, self._costs = Admission(book, market, at, costs), costs

    def place(self, order: Bracket) -> Report:
        """Store an entry. It is filled at a later turn, by what the market did since (`advance`)."""
        with self._turn(order.symbol) as opening:
            ticket = self._book.ticket(order.client_id)
            if ticket is None:
                self._counter.refuse_entry(order, opening)
                self._refuse_too_dear(self._cost(order, order.quantity), opening)
                ticket = self._book.add(Ticket(order, self._at))
            return report(self._counter, ticket)

    def close(self, order: Close) -> Report:
        with self._turn(order.symbol):
            ticket = self._book.ticket(order.client_id)
            if ticket is None:
                self._counter.take_over(order)
                ticket = self._book.add(Ticket(order, self._at))
            return report(self._counter, ticket)

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        with self._turn(client_id=client_id):
            ticket = self._known(client_id, "cancel")
            self._end(ticket, exits=exits)
            return report(self._counter, ticket)

    def protect(self, order: Protection) -> Report:
        with self._turn(order.symbol):
            ticket = self._book.ticket(order.client_id)
            if ticket is None:
                ticket = self._book.add(self._counter.protected(order))
            return report(self._counter, ticket)

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        with self._turn(client_id=client_id) as opening:
            ticket = self._known(client_id, "change")
            if change_id not in {change.change_id for change in ticket.changes}:
                after = self._counter.changed(ticket, Change(change_id, leg, self._at, level, quantity))
                self._refuse_too_dear(self._reserved(after) - self._reserved(ticket), opening)
                self._book.move(after, after.changes[-1])
                ticket = after
            return report(self._counter, ticket)

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        return None

    def order(self, client_id: UUID) -> Report | Missing:
        with self._turn(client_id=client_id):
            ticket = self._book.ticket(client_id)
            return report(self._counter, ticket) if ticket else Missing.NEVER_RECEIVED

    def knows_since(self) -> None:
        """Its book is Jax's own."""

    def orders(self) -> Sequence[Report]:
        with self._turn():
            return [report(self._counter, ticket) for ticket in self._book.live()]

    def executions(self, since: datetime) -> Sequence[Execution]:
        """Also those found from then on that lie further back: an outage is caught up on bars."""
        with self._turn():
            return self._book.executions(since)

    def charges(self, since: datetime) -> Sequence[Charge]:
        with self._turn() as opening:
            self._settle(self._book.executions(), opening.currency)
            return self._book.charges(since)

    def holdings(self) -> Mapping[str, Holding]:
        with self._turn():
            held = self._positions(self._book.executions())
            return {
                symbol: position.holding(Instrument(symbol))
                for symbol, position in held.items()
                if position.shares
            }

    def account(self) -> Account:
        with self._turn() as opening:
            return self._account(opening)

    @contextmanager
    def _turn(self, symbol: str | None = None, client_id: UUID | None = None) -> Iterator[Opening]:
        """`symbol`, or that of an order: whose orders are brought up to date; all without either.

        Orders of other symbols do not touch these, and an entry that is not worked yet reserves at its limit,
        which is no less than it will have cost.
        """
        with self._book.turn():
            opening = self._book.opening(self._at)
            if client_id and (stored := self._book.ticket(client_id)):
                symbol = stored.terms.symbol
            self._bring_up_to_date(symbol)
            yield opening

    def _bring_up_to_date(self, symbol: str | None) -> None:
        """Work each order, and again for as long as closings beside exits go on: they take turns."""
        while (before := self._work(symbol)) and before != _beside(self._book.live()):
            pass

    def _work(self, symbol: str | None) -> Progress:
        """Work each order; return how far the closings beside exits were before."""
        before: Progress = {}

        def members() -> Sequence[Ticket]:
            tickets = self._book.live() if symbol is None else self._counter.live(symbol)
            before.clear()
            before.update(_beside(tickets))
            return tickets

        if symbol is None:
            self._book.each(members, self._counter.work, self._at)
        else:
            for ticket in members():
                self._counter.work(ticket)
        return before

    def _known(self, client_id: UUID, act: str) -> Ticket:
        ticket = self._book.ticket(client_id)
        if ticket is None:
            raise OrderRefused(f"There is no order {client_id} to {act}. Look it up before asking again.")
        return ticket

    def _end(self, ticket: Ticket, *, exits: bool) -> None:
        if ticket.state is State.WORKING and (exits or not isinstance(ticket.terms, Protection)):
            ticket.end(State.CANCELLED, "It was cancelled.", self._at)
        if exits:
            ticket.covered = 0
        self._book.change(ticket)

    def _refuse_too_dear(self, cost: Decimal, opening: Opening) -> None:
        if cost > 0 and cost > (power := self._account(opening).buying_power):
            raise OrderRefused(
                f"It would cost {cost:.2f} with its commission and the buying power is {power}. "
                "Lower the quantity."
            )

    def _cost(self, order: Bracket, quantity: int, limit: Decimal | None = None) -> Decimal:
        """Return what so many shares of an entry cost at the most, with their commission."""
        value = (limit or order.limit_price) * quantity
        return value + self._costs.schedule.due(quantity, value, order.side)

    def _reserved(self, ticket: Ticket) -> Decimal:
        """Return what is kept back for what of an entry is not filled."""
        if ticket.state is not State.WORKING or not isinstance(ticket.terms, Bracket):
            return Decimal(0)
        limit = self._counter.steps(ticket, Leg.ENTRY).at(self._at)
        return self._cost(ticket.terms, ticket.terms.quantity - ticket.filled, Decimal(f"{limit:.6f}"))

    def _account(self, opening: Opening) -> Account:
        executions = self._book.executions()
        reserved = sum(map(self._reserved, self._book.live()), Decimal(0))
        to_come = self._settle(executions, opening.currency)
        charges = [payment.cash for payment in self._book.payments()]
        charges += [carried.cash for carried in self._book.carried()]
        charges.append(self._book.transferred(self._at))
        money = account.cash(opening.equity, executions, charges)
        held = self._valued(self._positions(executions))
        worth = account.account(opening.currency, money, held, reserved, to_come)
        return replace(worth, account_id=opening.number)

    def _settle(self, executions: Sequence[Execution], currency: str) -> Decimal:
        """Pay and charge what has fallen due since; return the dividends that are still to come."""
        pricing = Pricing(self._market, self._at, self._borrow_rate)
        carried = unwritten(executions, self._book.carried(), pricing)
        if carried:
            self._book.each(lambda: carried, lambda each: self._book.carry(each, self._at), self._at)
        return self._pay_dividends(executions, currency)

    def _borrow_rate(self, symbol: str) -> Decimal:
        rate = self._book.borrow_rate(symbol)
        return self._costs.borrow_rate if rate is None else rate

    def _pay_dividends(self, executions: Sequence[Execution], currency: str) -> Decimal:
        """Pay what has fallen due since, however long ago, and the difference to what is known better now.

        Return what is still to come for ex-dates that have come.
        """
        of_symbols = by_symbol(executions)
        first = {symbol: of_symbol[0].executed_at for symbol, of_symbol in of_symbols.items()}
        dividends = self._market.dividends(first) if first else []
        paid = self._book.payments() if first else []
        concerned = {dividend.symbol for dividend in dividends}
        restatings = {symbol: self._market.restatings(symbol, first[symbol]) for symbol in concerned}
        entitlements = [
            Entitlement.of(dividend, of_symbols[dividend.symbol], restatings[dividend.symbol])
            for dividend in dividends
        ]
        agreed = self._book.agreed_rates() if entitlements else {}

        def rate_of(key: Key) -> ExchangeRate | str | None:
            if key.currency == currency:
                return None
            return agreed.get(key) or self._market.exchange_rate(key.currency, currency)

        waiting, payable = [], []
        for payment in payments(entitlements, paid, rate_of, self._at):
            if isinstance(payment, Waiting):
                waiting.append(payment)
            elif payment.cash:
                payable.append(payment)
        if payable:
            self._book.each(lambda: payable, lambda payment: self._book.pay(payment, self._at), self._at)
        self._book.hold(waiting, self._at)
        return receivable(entitlements, paid, rate_of, self._at)

    def _valued(self, held: Mapping[str, Position]) -> dict[str, Position]:
        return {
            symbol: self._at_market(symbol, position) for symbol, position in held.items() if position.shares
        }

    def _at_market(self, symbol: str, held: Position) -> Position:
        """At the newest quote's price; without a quote, at the last execution's."""
        quoted = self._market.price(symbol)
        return held if quoted is None else replace(held, price=self._restated(symbol, *quoted))

    def _restated(self, symbol: str, as_of: datetime, price: Decimal) -> Decimal:
        ratio = factor(self._market.restatings(symbol, as_of), as_of, self._at)
        return price * ratio.denominator / ratio.numerator

    def _positions(self, executions: Sequence[Execution]) -> dict[str, Position]:
        return {
            symbol: account.position(
                of_symbol, self._market.restatings(symbol, of_symbol[0].executed_at), self._at
            )
            for symbol, of_symbol in sorted(by_symbol(executions).items())
        }


def _beside(tickets: Sequence[Ticket]) -> Progress:
    return {ticket.number: ticket.worked_until for ticket in tickets if ticket.guards}
