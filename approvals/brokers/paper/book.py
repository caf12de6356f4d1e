"""What the paper broker writes down: its orders as they stand, and what it executed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar
from uuid import UUID

from approvals.brokers.base import Bracket, Close, Execution, Report, Side, State
from approvals.brokers.paper.dividends import Key, Payment, Waiting
from approvals.brokers.paper.market import ExchangeRate


@dataclass(slots=True)
class Ticket:
    """An order as it stands here, with its terms as they were given.

    `filled`: shares of the first leg; of a closing, in shares of the day on which it was placed. `exited`:
    shares that its exits have sold (or bought back). `covered`: how many of its entry, as of `covered_at`,
    they still wait for; a closing takes them over when it is placed. `is_stopped`: its stop was hit, and what
    is left goes at the market. `worked_until`: what traded by then has done its part. `quotes_until`: when
    the bar of the fill closes, after which bars work the exits, too; None without bars. `looked_until`: up to
    where bars were looked at.
    """

    terms: Bracket | Close
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

    @property
    def since(self) -> datetime:
        """Return since when what trades may fill it."""
        return self.worked_until or self.placed_at

    @property
    def is_live(self) -> bool:
        return self.state is State.WORKING or self.covered > 0

    def report(self) -> Report:
        return Report(
            client_id=self.terms.client_id,
            broker_id=f"paper-{self.number}",
            instrument=self.terms.instrument,
            side=self.terms.side,
            state=self.state,
            quantity=self.terms.quantity,
            filled=self.filled,
            reason=self.reason,
            exits_working=self.covered > 0,
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What the account was opened with."""

    currency: str
    equity: Decimal


M = TypeVar("M", Ticket, Payment)


class Book(Protocol):
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
