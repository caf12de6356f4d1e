"""What the paper broker writes down: its orders as they stand, and what it executed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar
from uuid import UUID

from approvals.brokers.base import Bracket, Close, Execution, Leg, Protection, Side, State
from approvals.brokers.paper.carrying import Carried
from approvals.brokers.paper.cash_book import CashBook
from approvals.brokers.paper.dividends import Key, Payment, Waiting
from approvals.brokers.paper.levels import Change
from approvals.brokers.paper.market import ExchangeRate


@dataclass(slots=True)
class Ticket:
    """An order as it stands here, with its terms: `changes` are the levels that were moved since, in order.

    `filled`: shares of the first leg, of a protection's exits; of a closing and a protection in shares of the
    day on which it was placed. `exited`: shares that its exits have sold (or bought back). `covered`: how
    many shares, as of `covered_at`, its exits still wait for; a closing takes them over: when it is placed,
    or from its guards when it fills. `is_stopped`: its stop was hit, and what is left goes at the market.
    `worked_until`: what traded by then has done its part. `quotes_until`: when the bar of the fill closes,
    after which bars work the exits, too; None without bars. `looked_until`: up to where bars were looked at.
    """

    terms: Bracket | Close | Protection
    placed_at: datetime
    number: int = 0
    state: State = State.WORKING
    reason: str = ""
    ended_at: datetime | None = None
    entered_at: datetime | None = None
    covered: int = 0
    covered_at: datetime | None = None
    quotes_until: datetime | None = None
    looked_until: datetime | None = None
    filled: int = 0
    exited: int = 0
    is_stopped: bool = False
    worked_until: datetime | None = None
    changes: tuple[Change, ...] = ()

    @property
    def since(self) -> datetime:
        """Return since when what trades may fill it."""
        return self.worked_until or self.placed_at

    @property
    def is_live(self) -> bool:
        return self.state is State.WORKING or self.covered > 0

    @property
    def works_entry(self) -> bool:
        return self.state is State.WORKING and isinstance(self.terms, Bracket)

    @property
    def position_side(self) -> Side:
        """Return the side of the position that it opens, guards or closes."""
        return self.terms.side if isinstance(self.terms, Bracket) else self.terms.side.opposite

    @property
    def guards(self) -> tuple[UUID, ...]:
        """Return the orders whose exits stay beside this closing."""
        return self.terms.guards if isinstance(self.terms, Close) else ()

    def first_level(self, leg: Leg) -> Decimal | None:
        """Return the level of a leg as the order was placed; None where it has no such leg."""
        if isinstance(self.terms, Close):
            return None
        levels = {Leg.STOP: self.terms.stop_loss, Leg.TARGET: self.terms.take_profit}
        if isinstance(self.terms, Bracket):
            levels[Leg.ENTRY] = self.terms.limit_price
        return levels.get(leg)

    def moved(self, leg: Leg) -> Change | None:
        """Return the last change that gave a leg another level."""
        moves = [change for change in self.changes if change.leg is leg and change.level is not None]
        return moves[-1] if moves else None

    def end(self, state: State, reason: str, at: datetime) -> None:
        self.state, self.reason, self.ended_at = state, reason, at


@dataclass(frozen=True, slots=True)
class Opening:
    """What the account was opened with, and its number."""

    currency: str
    equity: Decimal
    number: str = "PAPER"


M = TypeVar("M", Ticket, Payment, Carried)


class Book(CashBook, Protocol):
    """Rows of the paper broker. A turn is one transaction that no other turn overlaps."""

    def turn(self) -> AbstractContextManager[None]:
        """Raises BrokerAway when nothing was kept of the turn, and AnswerLost when that is not known."""
        ...

    def each(self, members: Callable[[], Sequence[M]], act: Callable[[M], None], at: datetime) -> None:
        """Do it with each of several. What fails with one is undone and told, and the others go on."""
        ...

    def opening(self, at: datetime) -> Opening:
        """Return what the account was opened with, now at the latest."""
        ...

    def ticket(self, client_id: UUID) -> Ticket | None: ...

    def live(self) -> Sequence[Ticket]:
        """Return the orders that work, exits included, oldest first."""
        ...

    def add(self, ticket: Ticket) -> Ticket:
        """Return the same with its number."""
        ...

    def change(self, ticket: Ticket) -> None: ...

    def move(self, ticket: Ticket, change: Change) -> None:
        """Write down a change of a leg, which nothing alters any more."""
        ...

    def fill(self, ticket: Ticket, execution: Execution, at: datetime) -> None:
        """Write down shares that changed hands; `at`: when they were found."""
        ...

    def executions(self, since: datetime | None = None) -> Sequence[Execution]:
        """Return all of them, or those executed or found from `since` on, oldest first."""
        ...

    def fills(self, ticket: Ticket) -> Sequence[Execution]:
        """Return what was executed of an order, oldest first."""
        ...

    def traded(self, ticket: Ticket, side: Side, since: datetime, until: datetime) -> int:
        """Return what an order and older ones of its symbol bought or sold after `since`, up to `until`."""
        ...

    def payments(self) -> Sequence[Payment]:
        """Return what dividends have paid and cost."""
        ...

    def pay(self, payment: Payment, at: datetime) -> None:
        """Write down cash of a dividend."""
        ...

    def agreed_rates(self) -> Mapping[Key, ExchangeRate]:
        """Return the rates that people have given for dividends that wait for one."""
        ...

    def hold(self, waiting: Sequence[Waiting], at: datetime) -> None:
        """Write down which dividends wait for a rate, in place of those before."""
        ...
