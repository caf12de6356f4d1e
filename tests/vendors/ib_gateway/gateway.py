"""The gateway: a server on loopback, an account behind it, and what a test can make happen."""

import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from tests.vendors.ib_gateway import contracts, messages
from tests.vendors.ib_gateway.account import Account
from tests.vendors.ib_gateway.answers import answer
from tests.vendors.ib_gateway.book import Book
from tests.vendors.ib_gateway.faults import Faults
from tests.vendors.ib_gateway.history import Pace
from tests.vendors.ib_gateway.market import TEXTS, Market
from tests.vendors.ib_gateway.messages import Message
from tests.vendors.ib_gateway.orders import Execution, Order, Status, Terms
from tests.vendors.ib_gateway.screening import Notice
from tests.vendors.ib_gateway.server import Server
from tests.vendors.ib_gateway.session import Session

Figure = Decimal | int | str
Which = Order | int | str  # an order, its permId, or its orderRef


class IBGateway:
    """`now`: a fixed moment, else the real clock. `state`: a file that outlives the process, as IB does.

    `heard`: every request, with its client. `misunderstood`: those that the gateway does not know.
    `is_disordered`: executions are told newest first and twice.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        account: str = "DU123456",
        now: datetime | None = None,
        clock: Callable[[], float] = time.monotonic,
        state: Path | None = None,
    ) -> None:
        self.now, self.state, self._server = now, state, Server(port, self._converse)
        self.lock = threading.RLock()
        self.shares = contracts.LISTED
        self.market, self.pace, self.faults = Market(), Pace(clock), Faults()
        self.book = Book(Account(account), self)
        self.sessions: set[Session] = set()
        self.heard: list[tuple[int | None, str, list[str]]] = []
        self.misunderstood: list[list[str]] = []
        self.delayed: list[tuple[Session, str, list[str]]] = []
        self.is_read_only = self.is_cut_off = self.is_disordered = False
        self._recall()

    @property
    def at(self) -> datetime:
        return self.now or datetime.fromtimestamp(time.time(), UTC)

    @property
    def account(self) -> Account:
        return self.book.account

    # --- the process --------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        return self._server.port

    def start(self) -> Self:
        self._server.start()
        return self

    def _converse(self, connection: socket.socket) -> None:
        session = Session(self, connection)
        with self.lock:
            self.sessions.add(session)
        try:
            session.serve()
        finally:
            with self.lock:
                self.sessions.discard(session)
            connection.close()

    def stop(self) -> None:
        """Like a process that ends: connections break, new ones are refused."""
        self._server.stop()
        self.drop_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def keep(self) -> None:
        """Write what IB's servers know into the state file."""
        if self.state is not None:
            known = {name: value for name, value in vars(self.book).items() if name != "listener"}
            beside = self.state.with_suffix(".new")
            beside.write_bytes(pickle.dumps(known))
            beside.replace(self.state)

    def _recall(self) -> None:
        if self.state is not None and self.state.exists():
            self.book = Book(listener=self, **pickle.loads(self.state.read_bytes()))

    @contextmanager
    def _changing(self) -> Iterator[datetime]:
        with self.lock:
            yield self.at
            self.keep()

    # --- who is told what happens -------------------------------------------------------------------------

    def _send(self, client_id: int, message: Message) -> None:
        for session in [] if self.is_cut_off else self.sessions:
            if session.client_id == client_id:
                session.send(message)

    def open_order(self, order: Order) -> None:
        self._send(order.client_id, messages.open_order(order, self.account.name))

    def order_status(self, order: Order) -> None:
        self._send(order.client_id, messages.order_status(order))

    def executed(self, execution: Execution) -> None:
        self._send(execution.order.client_id, messages.execution(execution, self.account.name))
        self._tell_holding(execution.order.share)

    def _tell_holding(self, share: contracts.Share) -> None:
        held = self.account.holdings[share.con_id]
        for session in [] if self.is_cut_off else self.sessions:
            if session.wants_positions:
                session.send(messages.position(held, self.account.name))
            if session.wants_account:
                session.send(messages.portfolio(held, self.account.name))

    def commissioned(self, execution: Execution) -> None:
        self._send(execution.order.client_id, messages.commission(execution))

    def error(self, client_id: int, req_id: int, code: int, text: str) -> None:
        self._send(client_id, messages.error(req_id, code, text))

    def say(self, code: int, text: str) -> None:
        """Tell every client something that belongs to no request."""
        with self.lock:
            for session in self.sessions:
                session.error(-1, code, text)

    # --- what happens to orders ---------------------------------------------------------------------------

    def open_orders(self) -> list[Order]:
        with self.lock:
            return [order for order in self.book.orders.values() if order.is_open]

    def order(self, which: Which) -> Order:
        """Return an order, the newest one of an orderRef. Raises LookupError when there is none."""
        if isinstance(which, Order):
            return which
        with self.lock:
            found = [o for o in self.book.orders.values() if which in (o.perm_id, o.terms.ref)]
        if not found:
            raise LookupError(f"no order {which}")
        return found[-1]

    def fill(
        self, which: Which, quantity: Figure | None = None, price: Figure = 0, commission: Figure = 1
    ) -> Execution:
        """Fill so many shares, by default all that is left, by default at the market's last price."""
        with self._changing() as at:
            order = self.order(which)
            shares = order.remaining if quantity is None else Decimal(quantity)
            paid = Decimal(price) or self.market.quote(order.share, at).last
            return self.book.fill(order, shares, paid, Decimal(commission), at)

    def correct(self, exec_id: str, quantity: Figure, price: Figure) -> Execution:
        with self._changing() as at:
            execution = next(e for e in self.book.newest_executions() if e.exec_id == exec_id)
            return self.book.correct(execution, Decimal(quantity), Decimal(price), at)

    def cancel(self, which: Which, reason: str = "") -> None:
        """Cancel an order as IB does it, by hand or at the end of its time."""
        with self._changing() as at:
            self.book.end(self.order(which), at, reason)

    def refuse_next(
        self, code: int = 201, text: str = "Order rejected - reason:We do not like it", times: int = 1
    ) -> None:
        with self.lock:
            self.book.screening.refusals += [Notice(code, text)] * times

    def transmit(self, which: Which) -> None:
        """Transmit by hand in TWS what waits on its screen."""
        with self._changing() as at:
            self.book.transmit(self.order(which), at)

    def reject(self, which: Which, reason: str) -> None:
        with self._changing() as at:
            self.book.reject(self.order(which), at, reason)

    def move(self, which: Which, level: Figure) -> None:
        """Move an order by hand in TWS."""
        with self._changing():
            self.book.move(self.order(which), Decimal(level))

    def finish_cancels(self) -> None:
        """End the orders whose cancel is pending."""
        with self._changing() as at:
            for order in self.open_orders():
                if order.status == Status.PENDING_CANCEL:
                    self.book.end(order, at)

    def tell_commissions(self, commission: Figure | None = None, currency: str = "") -> None:
        """Tell the commissions that were held back; all of them this one, where it is given."""
        with self._changing():
            for execution in self.book.untold():
                if commission is not None:
                    execution.commission, execution.commission_currency = Decimal(commission), currency
            self.book.tell_commissions()

    def pass_time(self, at: datetime) -> None:
        """Set the clock: orders good until then end, those that wait for their time fill."""
        with self._changing():
            self.now = at
            self.book.pass_time(at, lambda share: self.market.quote(share, at).last)

    def place_by_hand(
        self,
        symbol: str,
        action: str,
        quantity: Figure,
        *,
        client_id: int = 0,
        order_id: int = 0,
        **terms: Any,
    ) -> Order:
        """Place an order in TWS itself (order id 0), or as another client."""
        share = next(known for known in self.shares if known.symbol == symbol)
        with self._changing():
            order = self.book.add(client_id, order_id, share, Terms(action, Decimal(quantity), **terms))
            order.is_transmitted = True
            self.book.work(order)
            return order

    def hold(self, symbol: str, quantity: Figure, cost: Figure) -> None:
        """Put shares into the account without an execution."""
        share = next(known for known in self.shares if known.symbol == symbol)
        with self._changing():
            self.account.hold(share, Decimal(quantity), Decimal(cost))
            self._tell_holding(share)

    # --- what happens to the gateway ----------------------------------------------------------------------

    def drop_connections(self) -> None:
        with self.lock:
            for session in self.sessions:
                session.hang_up()

    def restart(self, next_id: int | None = None, forget: tuple[Which, ...] = ()) -> None:
        """End and come back. `forget`: orders that never reached IB; `next_id` gives their ids again."""
        self.stop()
        with self._changing():
            lost = [self.order(which) for which in forget]
            self.book.orders = {
                perm_id: order
                for perm_id, order in self.book.orders.items()
                if order.is_transmitted and order not in lost
            }
            if next_id is not None:
                self.book.next_id = next_id
                self.book.used = {(client, number) for client, number in self.book.used if number < next_id}
        self.start()

    def forget(self) -> None:
        """Forget executions and complete orders."""
        with self._changing():
            self.book.orders = {perm: order for perm, order in self.book.orders.items() if order.is_alive}
            self.book.executions.clear()

    def pass_midnight(self) -> None:
        """Forget executions and what is complete, as TWS does; orders for the day end."""
        with self._changing() as at:
            for order in self.open_orders():
                if order.terms.tif == "DAY" and order.is_alive and order.why_held != "child":
                    self.book.end(order, at, "End of day")
        self.forget()

    def lose_ib(self) -> None:
        """Lose IB's servers: what clients ask waits or stays without an answer."""
        self.say(1100, "Connectivity between IBKR and Trader Workstation has been lost.")
        self.is_cut_off = True

    def regain_ib(self, *, lost_data: bool) -> None:
        """Come back: 1101, subscriptions are gone and must be asked for again, or 1102, they go on."""
        restored = "Connectivity between IBKR and Trader Workstation has been restored"
        with self._changing():
            self.is_cut_off = False
            for session in self.sessions if lost_data else ():
                session.lines.clear()
            self.say(
                *(1101, f"{restored}- data lost.") if lost_data else (1102, f"{restored}- data maintained.")
            )
            delayed, self.delayed = self.delayed, []
            for session, name, fields in delayed:
                answer(session, name, fields)

    # --- what happens to market data ----------------------------------------------------------------------

    def quote(self, symbol: str, **figures: Any) -> None:
        """Set figures of a quote (`bid`, `ask`, `last`, `volume`, `halted` ...) and stream it."""
        with self.lock:
            for share in (known for known in self.shares if known.symbol == symbol):
                for name, figure in figures.items():
                    kind = type(getattr(self.market.quote(share, self.at), name))
                    setattr(self.market.quote(share, self.at), name, kind(figure))
            self._stream(symbol)

    def _stream(self, symbol: str) -> None:
        for session in [] if self.is_cut_off or self.market.is_taken else self.sessions:
            for req_id, (share, _) in list(session.lines.items()):
                if share.symbol == symbol:
                    session.stream(req_id, share)

    def take_market_data(self, *, taken: bool = True) -> None:
        """Let another session take the data away (10197), or give it back."""
        with self.lock:
            self.market.is_taken = taken
            for session in self.sessions if taken else ():
                for req_id in session.lines:
                    session.error(req_id, 10197, TEXTS[10197])
