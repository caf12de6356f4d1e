"""A paper account in memory: quotes and bars typed in by hand, of one symbol that trades around the clock."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import numpy as np

from approvals.brokers.base import (
    Bracket,
    Broker,
    Charge,
    Close,
    Execution,
    Instrument,
    Leg,
    Protection,
    Side,
    State,
)
from approvals.brokers.paper import (
    Bar,
    Change,
    Costs,
    Dividend,
    ExchangeRate,
    Key,
    Listing,
    Night,
    Opening,
    Paper,
    Payment,
    Quotes,
    Restating,
    Ticket,
    Waiting,
)
from approvals.brokers.paper.book import M
from approvals.brokers.paper.carrying import Carried
from approvals.brokers.paper.cash_book import Transfer
from approvals.brokers.paper.costs import schedule
from market.prices import INSTANT, to_instant
from tests.make import T0

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
LAG = 5 * MINUTE
START = Decimal(100_000)


class TapeQuote(NamedTuple):
    price: float
    as_of: datetime
    received_at: datetime
    half_spread: float | None
    in_session: bool
    size: float


@dataclass
class Tape:
    """What the market did. Bars are of one timeframe, `length` (None: there are none), known 30 s later."""

    length: timedelta | None = 5 * MINUTE
    quotes: list[TapeQuote] = field(default_factory=list)
    closed: list[Bar] = field(default_factory=list)
    splits: list[Restating] = field(default_factory=list)
    nights: list[Night] = field(default_factory=list)
    declared: list[Dividend] = field(default_factory=list)
    rates: dict[str, ExchangeRate] = field(default_factory=dict)
    listed: Listing | None = field(default_factory=lambda: Listing("USD", Decimal("0.01"), LAG))

    def quote(
        self,
        price: float,
        minute: float,
        *,
        late: float = 0,
        half: float | None = None,
        in_session: bool = True,
        size: float = math.nan,
    ) -> None:
        """A quote so many minutes after T0, which arrived `late` minutes after that.

        `half`: how far bid and ask are from its price; None: they are not known. `size`: of each of them.
        """
        as_of = T0 + minute * MINUTE
        self.quotes.append(TapeQuote(price, as_of, as_of + late * MINUTE, half, in_session, size))

    def bar(
        self,
        minute: float,
        open: float,
        high: float,
        low: float,
        close: float,
        *,
        volume: float = math.nan,
        first: bool = False,
    ) -> None:
        """A bar; `first`: of its session."""
        opened_at = T0 + minute * MINUTE
        closed_at = opened_at + (self.length or MINUTE)
        self.closed.append(Bar(opened_at, closed_at, open, high, low, close, volume, first))


def _books(quotes: Sequence[TapeQuote]) -> Iterator[list[float]]:
    """Price, bid, ask and their sizes; NaN where there is no book."""
    yield [quote.price for quote in quotes]
    for sign in (-1, 1):
        yield [math.nan if q.half_spread is None else q.price + sign * q.half_spread for q in quotes]
    for _ in ("bid", "ask"):
        yield [quote.size for quote in quotes]


@dataclass
class TapeUntil:
    """The tape up to an instant."""

    tape: Tape
    at: datetime

    def listing(self, symbol: str) -> Listing | None:
        return self.tape.listed

    def quotes(self, symbol: str, since: datetime) -> Quotes:
        arrived = [
            quote for quote in self.tape.quotes if quote.received_at <= self.at and quote.as_of > since
        ]
        arrived.sort(key=lambda quote: (quote.received_at, quote.as_of))
        return Quotes(
            np.array([to_instant(quote.as_of) for quote in arrived], dtype=INSTANT),
            np.array([quote.in_session for quote in arrived], dtype=np.bool_),
            *(np.array(column, dtype=np.float64) for column in _books(arrived)),
        )

    def bars(self, symbol: str, since: datetime, until: datetime) -> Sequence[Bar]:
        stored = [bar for bar in self.tape.closed if bar.closed_at + 30 * SECOND <= self.at]
        chosen = [bar for bar in stored if bar.opened_at >= since and bar.closed_at <= until]
        return sorted(chosen, key=lambda bar: bar.opened_at)

    def bar_end(self, symbol: str, at: datetime) -> datetime | None:
        length = self.tape.length
        return T0 + ((at - T0) // length + 1) * length if length else None

    def restatings(self, symbol: str, since: datetime) -> Sequence[Restating]:
        return [restating for restating in self.tape.splits if since < restating.at <= self.at]

    def nights(self, symbol: str, since: datetime) -> Sequence[Night]:
        return [night for night in self.tape.nights if since <= night.closed_at <= self.at]

    def exchange_rate(self, currency: str, into: str) -> ExchangeRate | str:
        return self.tape.rates.get(currency) or f"No rate of {currency}."

    def dividends(self, symbols: Mapping[str, datetime]) -> Sequence[Dividend]:
        return [
            dividend
            for dividend in self.tape.declared
            if dividend.symbol in symbols and symbols[dividend.symbol] < dividend.ex_at <= self.at
        ]

    def price(self, symbol: str) -> tuple[datetime, Decimal] | None:
        arrived = [quote for quote in self.tape.quotes if quote.received_at <= self.at]
        newest = max(arrived, key=lambda quote: quote.as_of, default=None)
        return (newest.as_of, Decimal(f"{newest.price:.6f}")) if newest else None


@dataclass
class Memory:
    """A book that forgets what a turn that failed has written."""

    tickets: dict[UUID, Ticket] = field(default_factory=dict)
    executed: list[tuple[Execution, datetime]] = field(default_factory=list)
    paid: list[Payment] = field(default_factory=list)
    paid_at: list[datetime] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    carry_lines: list[tuple[Carried, datetime]] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    rates: dict[str, Decimal] = field(default_factory=dict)
    name: str = "paper"
    agreed: dict[Key, ExchangeRate] = field(default_factory=dict)

    @contextmanager
    def turn(self) -> Iterator[None]:
        before = (
            {client_id: replace(ticket) for client_id, ticket in self.tickets.items()},
            list(self.executed),
        )
        try:
            yield
        except BaseException:
            self.tickets, self.executed = before
            raise

    def each(self, members: Callable[[], Sequence[M]], act: Callable[[M], None], at: datetime) -> None:
        for member in members():
            act(member)

    def opening(self, at: datetime) -> Opening:
        return Opening("USD", START)

    def ticket(self, client_id: UUID) -> Ticket | None:
        stored = self.tickets.get(client_id)
        return replace(stored) if stored else None

    def live(self) -> Sequence[Ticket]:
        return [replace(ticket) for ticket in self.tickets.values() if ticket.is_live]

    def add(self, ticket: Ticket) -> Ticket:
        kept = replace(ticket, number=len(self.tickets) + 1)
        self.tickets[ticket.terms.client_id] = kept
        return kept

    def change(self, ticket: Ticket) -> None:
        self.tickets[ticket.terms.client_id] = replace(ticket)

    def move(self, ticket: Ticket, change: Change) -> None:
        assert ticket.changes[-1] == change
        self.change(ticket)

    def fill(self, ticket: Ticket, execution: Execution, at: datetime) -> None:
        assert execution.execution_id not in {recorded.execution_id for recorded, _ in self.executed}
        self.executed.append((execution, at))

    def executions(self, since: datetime | None = None) -> Sequence[Execution]:
        executions = [
            execution
            for execution, at in self.executed
            if since is None or at >= since or execution.executed_at >= since
        ]
        return sorted(executions, key=lambda execution: execution.executed_at)

    def fills(self, ticket: Ticket) -> Sequence[Execution]:
        client_id = ticket.terms.client_id
        return [execution for execution, _ in self.executed if execution.client_id == client_id]

    def traded(self, ticket: Ticket, side: Side, since: datetime, until: datetime) -> int:
        older = {kept.terms.client_id for kept in self.tickets.values() if kept.number <= ticket.number}
        executed = (execution for execution, _ in self.executed if execution.client_id in older)
        return sum(
            each.quantity for each in executed if each.side is side and since < each.executed_at <= until
        )

    def payments(self) -> Sequence[Payment]:
        return list(self.paid)

    def pay(self, payment: Payment, at: datetime) -> None:
        self.paid.append(payment)
        self.paid_at.append(at)

    def carried(self) -> Sequence[Carried]:
        return [carried for carried, _ in self.carry_lines]

    def carry(self, carried: Carried, at: datetime) -> None:
        self.carry_lines.append((carried, at))

    def borrow_rate(self, symbol: str) -> Decimal | None:
        return self.rates.get(symbol)

    def transferred(self, until: datetime) -> Decimal:
        return sum((each.cash for each in self.transfers if each.at <= until), Decimal(0))

    def transfer(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)

    def charges(self, since: datetime) -> Sequence[Charge]:
        dividends = [
            (payment.cash, payment.symbol, at) for payment, at in zip(self.paid, self.paid_at, strict=True)
        ]
        carried = [(each.cash, each.words, at) for each, at in self.carry_lines]
        moved = [(each.cash, each.reason, each.at) for each in self.transfers]
        return [
            Charge(f"c{number}", at, cash, "USD", what)
            for number, (cash, what, at) in enumerate([*carried, *dividends, *moved])
            if at >= since
        ]

    def agreed_rates(self) -> Mapping[Key, ExchangeRate]:
        return self.agreed

    def hold(self, waiting: Sequence[Waiting], at: datetime) -> None:
        self.waiting = list(waiting)


@dataclass
class Account:
    """An account on paper over a tape; minutes count from T0."""

    tape: Tape
    book: Memory = field(default_factory=Memory)
    slippage_bps: Decimal = Decimal(2)
    volume_share: Decimal = Decimal("0.1")
    commission: str = "ib_fixed"

    def at(self, minute: float) -> Broker:
        instant = T0 + minute * MINUTE
        costs = Costs(self.slippage_bps, self.volume_share, schedule(self.commission, Decimal("0.002")))
        return Paper(self.book, TapeUntil(self.tape, instant), instant, costs)

    def fills(self, minute: float) -> list[tuple[Leg, int, str, float]]:
        """Leg, quantity, price and minute of all executions, brought up to date first."""
        return [
            (
                execution.leg,
                execution.quantity,
                f"{execution.price.normalize():f}",
                (execution.executed_at - T0) / MINUTE,
            )
            for execution in self.at(minute).executions(T0)
        ]


def bracket(**values: Any) -> Bracket:
    """Buy 100 at 100 at the most; stop 95, target 110; good for two hours."""
    levels = {"limit_price": Decimal(100), "stop_loss": Decimal(95), "take_profit": Decimal(110)}
    given: dict[str, Any] = {
        "client_id": uuid4(),
        "instrument": Instrument(values.pop("symbol", "AAPL")),
        "side": Side.BUY,
        "quantity": 100,
        "good_until": T0 + 120 * MINUTE,
    }
    return Bracket(**given | levels | values)


def short(**values: Any) -> Bracket:
    """Sell 100 at 100 at least; stop 105, target 90."""
    levels = {"stop_loss": Decimal(105), "take_profit": Decimal(90)}
    return bracket(**{"side": Side.SELL} | levels | values)


def closing(
    quantity: int = 100, side: Side = Side.SELL, client_id: UUID | None = None, guards: tuple[UUID, ...] = ()
) -> Close:
    return Close(client_id or uuid4(), Instrument("AAPL"), side, quantity, guards=guards)


def protection(**values: Any) -> Protection:
    """Guard 100 shares bought, with a stop at 95 and a target at 110."""
    levels = {"stop_loss": Decimal(95), "take_profit": Decimal(110)}
    given: dict[str, Any] = {"client_id": uuid4(), "instrument": Instrument("AAPL"), "side": Side.SELL}
    return Protection(**given | {"quantity": 100} | levels | values)


def held(account: Account, order: Bracket | None = None) -> Bracket:
    """Filled in minute 1 at 99 (99.03 with a tick and the slippage), in the bar that closes in minute 5."""
    order = order or bracket()
    account.at(0).place(order)
    account.tape.quote(99.0 if order.side is Side.BUY else 101.0, 1)
    assert account.at(1).order(order.client_id).state is State.FILLED  # type: ignore[union-attr]  # placed
    return order
