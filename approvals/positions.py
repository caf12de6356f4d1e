"""What is held, what it cost and what it made: sums of fills. And what the account is exposed to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from approvals.risk import Exposure


@dataclass(frozen=True)
class Position:
    """The sum of our fills of a symbol, restated for later splits. Negative quantities are short.

    `average_cost` per share, commissions not included. `realised`: what closed shares made, after commissions
    of all fills. `unrealised`: what the open ones make at `price`, the newest quote; None without a quote.
    `foreign`: shares that the account holds and we did not cause.
    """

    symbol: str
    quantity: int
    average_cost: Decimal
    realised: Decimal
    price: Decimal | None
    unrealised: Decimal | None
    foreign: int
    opened_at: datetime | None


def of(symbol: str) -> Position:
    """Our position in a symbol, flat when there is none."""
    raise NotImplementedError


def open_positions() -> list[Position]:
    """Those that are not flat, or that the account holds without us, by symbol."""
    raise NotImplementedError


def exposure(at: datetime) -> Exposure:
    """What the account is exposed to, positions of others and working entries included.

    Raises Unknown when the account has not been seen for three minutes.
    """
    raise NotImplementedError


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""
