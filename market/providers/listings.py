"""What a provider says of an instrument beside prices: name, exchange, kind, whether it is still listed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    SHARE = "share"
    ADR = "ADR"
    ETF = "ETF"
    FUND = "fund"
    INDEX = "index"
    CURRENCY_PAIR = "currency pair"
    CRYPTO = "crypto"
    FUTURE = "future"
    OTHER = "other"  # preferred shares, warrants, units, rights, notes
    UNKNOWN = "unknown"


class Status(StrEnum):
    ACTIVE = "active"
    DELISTED = "delisted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Listing:
    """One instrument as a provider lists it; empty or None is what it does not say.

    `symbol`: as it is written here. `exchange`: its market identifier code (ISO 10383), or the provider's
    name for a venue that has none.
    """

    symbol: str
    name: str = ""
    exchange: str = ""
    currency: str = ""
    kind: Kind = Kind.UNKNOWN
    status: Status = Status.UNKNOWN
    delisted_on: date | None = None
    tick_size: Decimal | None = None
    lot_size: int | None = None
    borrowable: bool | None = None
