"""Closed trades, made of orders and fills."""

from datetime import datetime, timedelta
from typing import Any

from approvals.models import Fill, Order, Trade
from approvals.positions import trades
from signals.models import Signal
from tests import make
from tests.make import T0

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = T0 + 2 * DAY


def entry(
    quantity: int = 10, price: str = "186", at: datetime = T0, symbol: str = "AAPL", **values: Any
) -> Order:
    """A filled entry at a limit of 185.50 with its stop at 180.50."""
    status = {"filled_quantity": quantity, "status": Order.Status.FILLED}
    order = make.order(symbol, quantity=quantity, **status, **values)
    make.fill(order, price=price, executed_at=at, recorded_at=at)
    return order


def leave(order: Order, price: str, at: datetime = T0 + HOUR, quantity: int = 10, **values: Any) -> Fill:
    """An exit of that order, at its target unless told."""
    side = Signal.Type.SELL if order.side == Signal.Type.BUY else Signal.Type.BUY
    given = {"side": side, "leg": Fill.Leg.TARGET, "executed_at": at, "recorded_at": at} | values
    return make.fill(order, quantity, price, **given)


def closed(price: str = "192", at: datetime = T0 + HOUR, **values: Any) -> Trade:
    """A closed trade of 10 shares, bought at 186."""
    order = entry(**values)
    leave(order, price, at)
    trades.refresh(LATER)
    return Trade.objects.get(first_fill__order=order)
