"""What a statement says, whichever broker and format it came from. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from approvals.brokers.answers import Charge, Execution


class StatementError(Exception):
    """There is no statement to compare. The message says why, and what to do."""


class NotYet(StatementError):
    """The broker has not made it yet, or is away: asking again later may help."""


class NoStatement(StatementError):
    """Asking again does not help until a person does something."""


class UnreadableStatement(NoStatement):
    """A file or an answer is no statement that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account from `since` to `until`; what it does not tell is None, and is not compared.

    `executions`: as they count at the end, those that were cancelled left out; one without an id is compared
    by the sums of its day. `cancelled`: those that the broker took back. `charges`: all other money that
    moved, deposits too. `holdings`: shares at the end. `cash`: money at the end, by currency; `opening_...`:
    at the beginning. `edge`: how far its days may differ from the instants. `unread`: rows that could not be
    read, in words.
    """

    account_id: str
    source: str
    since: datetime
    until: datetime
    executions: tuple[Execution, ...] | None = None
    cancelled: tuple[Execution, ...] = ()
    charges: tuple[Charge, ...] | None = None
    holdings: Mapping[str, Decimal] | None = None
    cash: Mapping[str, Decimal] | None = None
    opening_cash: Mapping[str, Decimal] | None = None
    opening_holdings: Mapping[str, Decimal] | None = None
    edge: timedelta = timedelta(0)
    unread: tuple[str, ...] = ()
