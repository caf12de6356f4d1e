"""What a broker is to us: the calls it answers, what it can do, and how it may fail. Pure.

A broker is asked by our own order id (`client_id`) and must never act twice on one: placing an order whose id
it knows already answers with that order as it stands. Nothing here knows what a signal or a decision is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from approvals.brokers.answers import (
    Account,
    Charge,
    ChargeKind,
    Execution,
    Holding,
    LegReport,
    LegState,
    Missing,
    Report,
    State,
    WhatIf,
)
from approvals.brokers.orders import Bracket, Close, Instrument, InstrumentKind, Leg, Protection, Side
from approvals.brokers.statements import Statement
from core.registry import Spec

__all__ = [
    "UNREADABLE",
    "Account",
    "AnswerLost",
    "Bracket",
    "Broker",
    "BrokerAway",
    "BrokerError",
    "BrokerSpec",
    "Capabilities",
    "Charge",
    "ChargeKind",
    "Close",
    "Execution",
    "Holding",
    "Instrument",
    "InstrumentKind",
    "Leg",
    "LegReport",
    "LegState",
    "Missing",
    "OrderRefused",
    "Protection",
    "Report",
    "Side",
    "State",
    "WhatIf",
    "converted",
]

Value = TypeVar("Value")

# What reading an answer raises when it is not as expected.
UNREADABLE = (ValueError, TypeError, ArithmeticError, AttributeError, LookupError)


class BrokerError(Exception):
    """The broker did not do what was asked."""


class OrderRefused(BrokerError):
    """The broker said no: the order does not exist and will not. The message is the broker's reason."""


class BrokerAway(BrokerError):
    """The broker could not be reached: nothing was handed over, so nothing can have happened."""


class AnswerLost(BrokerError):
    """The answer was lost: the broker may have acted or not. Ask by the client id; never send again."""


def converted(convert: Callable[[Any], Value], value: Any) -> Value:
    """Return the converted value, or the value as it came where it does not convert.

    For what a vendor answers: a row with a value of the wrong type is put in quarantine as it came, and the
    other rows of the answer count. An error would be the whole answer's.
    """
    try:
        return convert(value)
    except UNREADABLE:
        return cast(Value, value)


class Broker(Protocol):
    """Every call raises BrokerAway, AnswerLost or OrderRefused and nothing else for what goes wrong.

    A row that is not as it should be is passed on as it came (see `converted`): it is put in quarantine.
    """

    name: str
    is_paper: bool

    def place(self, order: Bracket) -> Report:
        """Place an entry with its exits; an id that is known already answers as that order stands."""
        ...

    def close(self, order: Close) -> Report:
        """Place a closing order; an id that is known already answers as that order stands.

        The exits of its guards stay until it has filled (see `Close`). One that is refused changes nothing.
        """
        ...

    def protect(self, order: Protection) -> Report:
        """Place a stop and a target for shares that are held; a known id answers as that order stands."""
        ...

    def replace(
        self,
        client_id: UUID,
        leg: Leg,
        *,
        level: Decimal | None = None,
        quantity: int | None = None,
        change_id: UUID,
    ) -> Report:
        """Give a leg of an order another level or quantity; it works on meanwhile, or its successor does.

        Once only for each `change_id`: a known one answers as the order stands.
        """
        ...

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        """Cancel what of the first leg still works, with `exits` the stop and the target too.

        Without it, what fills meanwhile keeps them. Cancelling twice is no error.
        """
        ...

    def order(self, client_id: UUID) -> Report | Missing:
        """Return how an order stands, or why the broker does not have it."""
        ...

    def knows_since(self) -> datetime | None:
        """Return since when it would know of every order of ours; None: of all that there ever were.

        What it never received and was sent before that may as well have been forgotten.
        """
        ...

    def orders(self) -> Sequence[Report]:
        """Return the orders that work, those of others included."""
        ...

    def executions(self, since: datetime) -> Sequence[Execution]:
        """Return what was executed from then on, oldest first, the account's other orders included."""
        ...

    def charges(self, since: datetime) -> Sequence[Charge]:
        """Return fees, interest and dividends from then on, oldest first."""
        ...

    def holdings(self) -> Mapping[str, Holding]:
        """Return what the account holds, by symbol."""
        ...

    def account(self) -> Account:
        """Return what the account is worth."""
        ...

    def whatif(self, order: Bracket | Close) -> WhatIf | None:
        """Return what an order would do to the account without placing it; None when it cannot be said."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker does by itself. What it lacks Jax does in the reconciliation, or refuses in words.

    `good_till_date`: it cancels an entry at its `good_until`. `time_of_day_exits`: it ends what is held at
    `flat_at`. `partial_brackets`: the exits live for the part of an entry that has filled, not only for all
    of it. `shorting`, `fractions`: whether it sells short, whether it holds parts of a share. `what_if`:
    whether it answers `whatif`. `closes_beside_exits`: a closing works while its guards' exits stay.
    `replaces`: whether a leg can be changed. `protects`: whether it takes a stop and a target for shares that
    are held. `executions_for`, `orders_for`: how far back its records of
    these go; None: without an end.
    """

    good_till_date: bool = True
    time_of_day_exits: bool = True
    partial_brackets: bool = True
    shorting: bool = True
    fractions: bool = False
    what_if: bool = False
    closes_beside_exits: bool = True
    replaces: bool = True
    protects: bool = True
    executions_for: timedelta | None = None
    orders_for: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class BrokerSpec(Spec):
    """A broker's entry in the registry.

    `is_paper`: whether its accounts are paper ones; Jax sends no order to another. `build`: returns the
    broker as it is at an instant, from the values of its settings; it is called for each task.
    `settles_by_price`: whether it closes what was delisted at the price that it is given; others settle it
    themselves, when and at what they say. `stream`: listens, given the values of the settings, for as long as
    the broker pushes news, and calls back whenever something of the account has changed; what it is, is read
    by the calls above. None: there is no push. `notices`: returns what is wrong with the connection, in words
    that say what to do, given the values of the settings; empty while nothing is. The process that listens
    asks for it every half minute.
    `statement`: returns the account's statement over a time, at least, given the values of the settings; it
    raises StatementError; None: it has none to fetch. `statement_after`: how long after the close that is.
    `statement_needs`: settings without which none is fetched.
    """

    is_paper: bool
    build: Callable[[Mapping[str, Any], datetime], Broker]
    capabilities: Capabilities = Capabilities()
    settles_by_price: bool = False
    stream: Callable[[Mapping[str, Any], Callable[[], None]], None] | None = None
    notices: Callable[[Mapping[str, Any]], str] | None = None
    statement: Callable[[Mapping[str, Any], datetime, datetime], Statement] | None = None
    statement_after: timedelta = timedelta(minutes=30)
    statement_needs: tuple[str, ...] = ()
