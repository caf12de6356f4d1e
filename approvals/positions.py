"""What is held, what it cost and what it made: sums of fills. And what the account is exposed to."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from approvals.models import AccountSnapshot, BrokerPosition, Fill
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


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""


def of(symbol: str) -> Position:

    q = sum(f.signed_quantity for f in Fill.objects.ours().filter(symbol=symbol))
    return Position(symbol, q, Decimal(0), Decimal(0), None, None, 0, None)


def open_positions() -> list[Position]:

    symbols = {f.symbol for f in Fill.objects.ours()} | {b.symbol for b in BrokerPosition.objects.all()}

    return [
        replace(of(s), foreign=getattr(BrokerPosition.objects.filter(symbol=s).first(), "foreign", 0))
        for s in sorted(symbols)
    ]


def exposure(at: datetime) -> Exposure:

    a = AccountSnapshot.objects.order_by("-at").first()
    if a is None or (at - a.at).total_seconds() > 180:
        raise Unknown("What the account is worth is not known.")
    return Exposure(a.equity, a.buying_power, Decimal(0), Decimal(0), 0, Decimal(0))
