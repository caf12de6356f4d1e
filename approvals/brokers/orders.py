"""What a broker is asked for: an instrument, and orders on it under ids that we choose. Pure.

Prices are in the instrument's currency. Quantities are whole shares.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


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


class InstrumentKind(StrEnum):
    """What is traded. An exchange-traded fund is a STOCK here, as at brokers."""

    STOCK = "stock"
    OPTION = "option"
    FUTURE = "future"
    CURRENCY = "currency"
    CRYPTO = "crypto"
    BOND = "bond"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is traded, by the symbol as Jax spells it.

    `exchange`: the MIC of its listing; `broker_id`: the broker's own id of it. Empty where not known.
    """

    symbol: str
    currency: str = "USD"
    exchange: str = ""
    kind: InstrumentKind = InstrumentKind.STOCK
    broker_id: str = ""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A limit order with a stop and a target that live once it fills, each cancelling the other.

    The entry is cancelled when it is not filled at `good_until`; the exits stay until one of them fills or
    they are cancelled. `flat_at`: when what is held then is sold (or bought back) at the market.
    """

    client_id: UUID
    instrument: Instrument
    side: Side
    quantity: int
    limit_price: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    good_until: datetime
    flat_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Close:
    """A market order that ends a position or a part of it. Out of session it waits for the open.

    `price`: what a share that does not trade any more is settled at, as a person said; only a broker that
    `settles_by_price` is given one. `guards`: the orders whose exits guard these shares. Where the broker
    `closes_beside_exits` they stay until the closing has filled, reduced by what it filled.
    """

    client_id: UUID
    instrument: Instrument
    side: Side
    quantity: int
    price: Decimal | None = None
    guards: tuple[UUID, ...] = ()

    @property
    def symbol(self) -> str:
        return self.instrument.symbol


@dataclass(frozen=True, slots=True)
class Protection:
    """A stop, a target, or both, each cancelling the other, for shares that are held. `side`: the exit's.

    `cancels`: the order whose exits these replace; none of its shares is without a stop meanwhile.
    """

    client_id: UUID
    instrument: Instrument
    side: Side
    quantity: int
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    cancels: UUID | None = None

    @property
    def symbol(self) -> str:
        return self.instrument.symbol
