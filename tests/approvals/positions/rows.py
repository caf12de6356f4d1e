"""Rows that tests of positions share."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from approvals.models import AccountSnapshot, BrokerPosition, Fill, Order
from market.models import Split
from tests import make

HOUR = timedelta(hours=1)
ZERO = Decimal(0)


def sold(symbol: str, quantity: int, price: str, at: datetime = make.T0 + HOUR, **values: Any) -> Order:
    """Return a position that was closed, or a part of one."""
    order = make.order(
        symbol, kind="close", side="SELL", status="filled", quantity=quantity, filled_quantity=quantity
    )
    make.fill(order, price=price, executed_at=at, leg=Fill.Leg.CLOSE, **values)
    return order


def report(symbol: str, quantity: int, ours: int = 0, cost: str = "100") -> None:
    """What the broker says."""
    BrokerPosition.objects.create(
        symbol=symbol, quantity=quantity, ours=ours, average_cost=Decimal(cost), seen_at=make.T0
    )


def snapshot(at: datetime, equity: str, broker: str = "paper") -> None:
    money = dict.fromkeys(("equity", "cash", "buying_power"), Decimal(equity))
    AccountSnapshot.objects.create(broker=broker, at=at, currency="USD", **money)


def split(symbol: str, day: str, ratio: float) -> None:
    Split.objects.create(
        symbol=symbol, date=date.fromisoformat(day), ratio=ratio, source="test", recorded_at=make.T0
    )
