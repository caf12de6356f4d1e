"""What a broker answers: how orders stand, what was executed and charged, what the account holds. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from uuid import UUID

from approvals.brokers.orders import Instrument, Leg, Side


class State(StrEnum):
    """Of an order's first leg: its entry, the closing itself, or of a protection as a whole.

    One that has expired is CANCELLED; one that is being cancelled or replaced is still WORKING.
    """

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class LegState(StrEnum):
    """Of one leg. HELD: an exit that waits for its entry to fill."""

    HELD = "held"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"

    @property
    def is_live(self) -> bool:
        """Return whether it can still fill."""
        return self in (LegState.HELD, LegState.WORKING, LegState.PENDING_CANCEL, LegState.PENDING_REPLACE)


class ChargeKind(StrEnum):
    """What a charge is. FEE and BORROW are of what was traded; others are the account's."""

    FEE = "fee"
    BORROW = "borrow"
    INTEREST = "interest"
    DIVIDEND = "dividend"
    TAX = "tax"
    OTHER = "other"


class Missing(Enum):
    """Why a broker does not have an order. TOO_LONG_AGO: it keeps no records that old, so nobody knows."""

    NEVER_RECEIVED = "never received"
    TOO_LONG_AGO = "too long ago"


@dataclass(frozen=True, slots=True)
class LegReport:
    """How one leg stands. `level`: its limit or stop price, None for one at the market.

    `quantity`: what it asks for; `filled`: how much of that has traded. `broker_state`: in the broker's word.
    """

    leg: Leg
    state: LegState
    broker_id: str
    quantity: int
    filled: int
    level: Decimal | None
    broker_state: str


@dataclass(frozen=True, slots=True)
class Report:
    """How an order stands. `client_id` is None for one that was not ours.

    `filled` counts the shares of the first leg. `exits_working`: whether a stop or a target still waits,
    being cancelled or replaced included. `legs`: each leg, where the broker tells them apart.
    """

    client_id: UUID | None
    broker_id: str
    instrument: Instrument
    side: Side
    state: State
    quantity: int
    filled: int
    reason: str = ""
    exits_working: bool = False
    legs: tuple[LegReport, ...] = ()

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Execution:
    """Shares that changed hands. `execution_id` is the broker's and unique there.

    `commission`: None while it is not known (the same execution is told again then), negative for a rebate;
    in `commission_currency`, the instrument's where that is empty. `is_settlement`: paid out at a price that
    a person gave, which may be 0. `corrects`: the id of the execution that this one replaces. `quantity`: of
    what the account's owner traded it may be a part of a share, a Decimal, as it came.
    """

    execution_id: str
    client_id: UUID | None
    leg: Leg
    instrument: Instrument
    side: Side
    quantity: int
    price: Decimal
    commission: Decimal | None
    executed_at: datetime
    is_settlement: bool = False
    corrects: str = ""
    commission_currency: str = ""
    broker_order_id: str = ""

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that moved by itself: fees that come a day later, interest, dividends. Negative: it was paid.

    `is_transfer`: it was paid in or taken out by the account's owner, so it is no result.
    """

    charge_id: str
    at: datetime
    amount: Decimal
    currency: str
    what: str
    execution_id: str = ""
    symbol: str = ""
    kind: ChargeKind = ChargeKind.OTHER
    is_transfer: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """What the account holds of an instrument, ours or not. `quantity` is negative when short.

    It may have a fraction: an account's owner can buy parts of a share.
    """

    instrument: Instrument
    quantity: Decimal
    average_cost: Decimal

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Account:
    """Money in the account's currency. `equity`: cash and positions at market prices.

    `account_id`: its number at the broker. `is_blocked`: why it takes no orders, empty when it does.
    """

    currency: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    account_id: str = ""
    cash_by_currency: Mapping[str, Decimal] = field(default_factory=dict)
    is_blocked: str = ""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an order would do to the account, in `currency`; None for what the broker does not say."""

    currency: str
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    equity_after: Decimal | None = None
    commission: Decimal | None = None
