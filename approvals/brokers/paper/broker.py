"""The broker's calls. Each is a turn of its own, and first brings the orders that it is about up to date."""

from collections import defaultdict
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
    Side,
    State,
    WhatIf,
)
from approvals.brokers.paper import account
from approvals.brokers.paper.account import Position
from approvals.brokers.paper.advance import Desk
from approvals.brokers.paper.book import Book, Opening, Ticket
from approvals.brokers.paper.costs import Costs
from approvals.brokers.paper.dividends import (
    Entitlement,
    Key,
    Waiting,
    payments,
    receivable,
)
from approvals.brokers.paper.market import ExchangeRate, Market, factor


class Paper:
    """An account on paper, as it stands at `at`."""

    name = "paper"
    is_paper = True

    def __init__(self, book: Book, market: Market, at: datetime, costs: Costs) -> None:
        self._book, self._market, self._at = book, market, at
        self._desk, self._costs = Desk(book, market, at, costs), costs

    def place(self, order: Bracket) -> Report:
        """Store an entry. It is filled at a later turn, by what the market did since (`advance`)."""
        with self._turn(order.symbol) as opening:
            ticket = self._book.ticket(order.client_id)
            if ticket is None:
                self._refuse_terms(order, opening)
                self._refuse_other_side(order)
                self._refuse_too_dear(order, opening)
                ticket = self._book.add(Ticket(order, self._at))
            return ticket.report()

    def close(self, order: Close) -> Report:
        with self._turn(order.symbol):
            ticket = self._book.ticket(order.client_id)
            if ticket is None:
                self._take_over(order)
                ticket = self._book.add(Ticket(order, self._at))
            return ticket.report()

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        with self._turn(client_id=client_id):
            ticket = self._book.ticket(client_id)
            if ticket is None:
                raise OrderRefused(
                    f"There is no order {client_id} to cancel. Look it up before asking again."
                )
            self._end(ticket, exits=exits)
            return ticket.report()

    def protect(self, order: Protection) -> Report:
        raise OrderRefused("The paper account takes exits with an entry only.")

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        raise OrderRefused("The paper account changes no order that works.")

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        return None

    def order(self, client_id: UUID) -> Report | Missing:
        with self._turn(client_id=client_id):
            ticket = self._book.ticket(client_id)
            return ticket.report() if ticket else Missing.NEVER_RECEIVED

    def knows_since(self) -> None:
        """Its book is Jax's own."""

    def orders(self) -> Sequence[Report]:
        with self._turn():
            return [ticket.report() for ticket in self._book.live()]

    def executions(self, since: datetime) -> Sequence[Execution]:
        """Also those found from then on that lie further back: an outage is caught up on bars."""
        with self._turn():
            return self._book.executions(since)

    def charges(self, since: datetime) -> Sequence[Charge]:
        return []

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
            if symbol is None:
                self._book.each(self._book.live, self._desk.work, self._at)
            for ticket in self._live(symbol) if symbol else ():
                self._desk.work(ticket)
            yield opening

    def _end(self, ticket: Ticket, *, exits: bool) -> None:
        if ticket.state is State.WORKING:
            ticket.state, ticket.ended_at, ticket.reason = State.CANCELLED, self._at, "It was cancelled."
        if exits:
            ticket.covered = 0
        self._book.change(ticket)

    def _refuse_terms(self, order: Bracket, opening: Opening) -> None:
        listing = self._market.listing(order.symbol)
        if listing is None:
            raise OrderRefused(f"{order.symbol} is not known here. Put it on the watchlist first.")
        if not listing.tick_size:
            raise OrderRefused(f"{order.symbol} has no tick size. Set it on the instrument's page first.")
        if listing.currency != opening.currency:
            raise OrderRefused(
                f"{order.symbol} trades in {listing.currency} and the account holds {opening.currency}. "
                f"Trade it from an account in {listing.currency}."
            )
        if order.quantity <= 0 or not _levels_in_order(order):
            raise OrderRefused("The limit must lie between the stop and the target, for one share at least.")
        if order.good_until <= self._at:
            raise OrderRefused(
                f"It was good until {order.good_until:%Y-%m-%d %H:%M} UTC. Give it a later end."
            )

    def _refuse_other_side(self, order: Bracket) -> None:
        """An entry never closes or turns a position, and exits of two sides never stand side by side."""
        held = self._position(order.symbol).shares
        if held * order.side.sign < 0:
            raise OrderRefused(f"The account holds {held} {order.symbol}. Close them before the other side.")
        for ticket in self._live(order.symbol):
            if isinstance(ticket.terms, Bracket) and ticket.terms.side is not order.side:
                raise OrderRefused(
                    f"Order {ticket.terms.client_id} works on the other side. Cancel it first."
                )

    def _refuse_too_dear(self, order: Bracket, opening: Opening) -> None:
        cost, power = self._cost(order, order.quantity), self._account(opening).buying_power
        if cost > power:
            raise OrderRefused(
                f"It would cost {cost:.2f} with its commission and the buying power is {power}. "
                "Lower the quantity."
            )

    def _cost(self, order: Bracket, quantity: int) -> Decimal:
        """Return what so many shares of an entry cost at the most, with their commission."""
        value = order.limit_price * quantity
        return value + self._costs.schedule.due(quantity, value, order.side)

    def _take_over(self, order: Close) -> None:
        """Refuse what would open or turn a position; the exits of the shares that it closes end here."""
        held = self._position(order.symbol).shares
        live = self._live(order.symbol)
        closing = sum(self._shares(ticket) for ticket in live if isinstance(ticket.terms, Close))
        brackets = [ticket for ticket in live if ticket.covered]
        free = abs(held) - closing
        if order.quantity <= 0 or held * order.side.sign >= 0 or order.quantity > free:
            raise OrderRefused(
                f"The account holds {held} {order.symbol}, of which {closing} are being closed already: "
                f"{order.side} {order.quantity} would do more than close them. Lower the quantity."
            )
        left = order.quantity - max(free - sum(self._shares(ticket) for ticket in brackets), 0)
        for ticket in brackets:
            left -= self._uncover(ticket, left)

    def _uncover(self, ticket: Ticket, wanted: int) -> int:
        """Take up to so many shares from a bracket's exits; how many there were."""
        covered = self._shares(ticket)
        taken = min(max(wanted, 0), covered)
        if taken:
            self._book.change(replace(ticket, covered=covered - taken, covered_at=self._at))
        return taken

    def _shares(self, ticket: Ticket) -> int:
        return self._desk.shares(ticket, self._at)

    def _live(self, symbol: str) -> list[Ticket]:
        return [ticket for ticket in self._book.live() if ticket.terms.symbol == symbol]

    def _account(self, opening: Opening) -> Account:
        executions = self._book.executions()
        entries = [ticket for ticket in self._book.live() if ticket.state is State.WORKING]
        reserved = sum(
            (
                self._cost(ticket.terms, ticket.terms.quantity - ticket.filled)
                for ticket in entries
                if isinstance(ticket.terms, Bracket)
            ),
            Decimal(0),
        )
        to_come = self._pay_dividends(executions, opening.currency)
        dividends = [payment.cash for payment in self._book.payments()]
        money = account.cash(opening.equity, executions, dividends)
        held = self._valued(self._positions(executions))
        return account.account(opening.currency, money, held, reserved, to_come)

    def _pay_dividends(self, executions: Sequence[Execution], currency: str) -> Decimal:
        """Pay what has fallen due since, however long ago, and the difference to what is known better now.

        Return what is still to come for ex-dates that have come.
        """
        by_symbol = _by_symbol(executions)
        first = {symbol: of_symbol[0].executed_at for symbol, of_symbol in by_symbol.items()}
        dividends = self._market.dividends(first) if first else []
        paid = self._book.payments() if first else []
        concerned = {dividend.symbol for dividend in dividends}
        restatings = {symbol: self._market.restatings(symbol, first[symbol]) for symbol in concerned}
        entitlements = [
            Entitlement.of(dividend, by_symbol[dividend.symbol], restatings[dividend.symbol])
            for dividend in dividends
        ]
        agreed = self._book.agreed_rates() if entitlements else {}

        def rate_of(key: Key) -> ExchangeRate | str | None:
            if key.currency == currency:
                return None
            return agreed.get(key) or self._market.exchange_rate(key.currency, currency)

        waiting, due = [], []
        for payment in payments(entitlements, paid, rate_of, self._at):
            if isinstance(payment, Waiting):
                waiting.append(payment)
            elif payment.cash:
                due.append(payment)
        if due:
            self._book.each(lambda: due, lambda payment: self._book.pay(payment, self._at), self._at)
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

    def _position(self, symbol: str) -> Position:
        executions = [execution for execution in self._book.executions() if execution.symbol == symbol]
        return self._positions(executions).get(symbol) or account.position([], [], self._at)

    def _positions(self, executions: Sequence[Execution]) -> dict[str, Position]:
        return {
            symbol: account.position(
                of_symbol, self._market.restatings(symbol, of_symbol[0].executed_at), self._at
            )
            for symbol, of_symbol in sorted(_by_symbol(executions).items())
        }


def _by_symbol(executions: Sequence[Execution]) -> dict[str, list[Execution]]:
    by_symbol: dict[str, list[Execution]] = defaultdict(list)
    for execution in executions:
        by_symbol[execution.symbol].append(execution)
    return by_symbol


def _levels_in_order(order: Bracket) -> bool:
    worst, best = (order.stop_loss, order.take_profit)
    if order.side is Side.SELL:
        worst, best = best, worst
    return 0 < worst < order.limit_price < best
