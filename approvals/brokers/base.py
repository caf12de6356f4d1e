"""What a broker is to us: orders with attached exits, known by an id that we choose. Pure.

A broker is asked by our own order id (`client_id`) and must never act twice on one: placing an order whose id
it knows already answers with that order as it stands. Nothing here knows what a signal or a decision is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from core.registry import Spec

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


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Leg(StrEnum):
    """Which part of an order an execution belongs to. FLAT: the exit at the session's close."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    CLOSE = "close"
    FLAT = "flat"


class State(StrEnum):
    """Of an order's first leg: its entry, or the closing itself."""

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Bracket:
    """A limit order with a stop and a target that live once it fills, each cancelling the other.

    The entry is cancelled when it is not filled at `good_until`; the exits stay until one of them fills or
    they are cancelled. `flat_at`: when what is held then is sold (or bought back) at the market.
    """

    client_id: UUID
    symbol: str
    side: Side
    quantity: int
    limit_price: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    good_until: datetime
    flat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """A market order that ends a position or a part of it. Out of session it waits for the open.

    `price`: what a share that does not trade any more is settled at, as a person said; only a broker that
    `settles_by_price` is given one.
    """

    client_id: UUID
    symbol: str
    side: Side
    quantity: int
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How an order stands. `client_id` is None for one that was not ours.

    `filled` counts the shares of the first leg. `exits_working`: whether a stop or a target still waits.
    """

    client_id: UUID | None
    broker_id: str
    symbol: str
    side: Side
    state: State
    quantity: int
    filled: int
    reason: str = ""
    exits_working: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """Shares that changed hands. `execution_id` is the broker's and unique there.

    `is_settlement`: paid out at a price that a person gave, which may be 0.
    """

    execution_id: str
    client_id: UUID | None
    leg: Leg
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    commission: Decimal
    executed_at: datetime
    is_settlement: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """What the account holds of a symbol, ours or not. `quantity` is negative when short."""

    symbol: str
    quantity: int
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """Money in the account's currency. `equity`: cash and positions at market prices."""

    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal


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
        """Place a closing order; an id that is known already answers as that order stands."""
        ...

    def cancel(self, client_id: UUID, *, exits: bool) -> Report:
        """Cancel what of the first leg still works, with `exits` the stop and the target too.

        Without it, what fills meanwhile keeps them. Cancelling twice is no error.
        """
        ...

    def order(self, client_id: UUID) -> Report | None:
        """Return how an order stands; None when the broker has never received it."""
        ...

    def orders(self) -> Sequence[Report]:
        """Return the orders that work, those of others included."""
        ...

    def executions(self, since: datetime) -> Sequence[Execution]:
        """Return what was executed from then on, oldest first, the account's other orders included."""
        ...

    def holdings(self) -> Mapping[str, Holding]:
        """Return what the account holds, by symbol."""
        ...

    def account(self) -> Account:
        """Return what the account is worth."""
        ...


@dataclass(frozen=True, kw_only=True)
class BrokerSpec(Spec):
    """A broker's entry in the registry.

    `is_paper`: whether its accounts are paper ones; Jax sends no order to another. `build`: returns the
    broker as it is at an instant, from the values of its settings; it is called for each task.
    `settles_by_price`: whether it closes what was delisted at the price that it is given; others settle it
    themselves, when and at what they say.
    """

    is_paper: bool
    build: Callable[[Mapping[str, Any], datetime], Broker]
    settles_by_price: bool = False
