"""Which broker there is, and our orders in its words."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from approvals.brokers.base import Bracket, Broker, Close, Side
from approvals.models import Order

PAPER = "approvals.execution.paper.paper"


class RealMoney(ImproperlyConfigured):
    """The configured broker is not a paper one."""


def broker(at: datetime) -> Broker:
    """The broker that the setting BROKER names, as it is at `at`."""
    made: Broker = import_string(PAPER if settings.BROKER == "paper" else settings.BROKER)(at)
    if not made.is_paper:
        raise RealMoney(
            f"BROKER is {settings.BROKER}, an account with real money. Jax sends paper orders only: "
            "set BROKER to paper, or to a broker whose is_paper is true."
        )
    return made


def bracket(order: Order) -> Bracket:
    """An entry as a broker understands it. Raises ValueError when it lacks what every entry has."""
    if None in (order.limit_price, order.stop_loss, order.take_profit, order.good_until):
        raise ValueError(f"order {order.pk} is no complete entry")
    return Bracket(
        client_id=order.pk,
        symbol=order.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        limit_price=order.limit_price,  # type: ignore[arg-type]  # not None: see above
        stop_loss=order.stop_loss,  # type: ignore[arg-type]
        take_profit=order.take_profit,  # type: ignore[arg-type]
        good_until=order.good_until,  # type: ignore[arg-type]
        flat_at=order.flat_at,
    )


def close(order: Order, quantity: int) -> Close:
    return Close(order.pk, order.symbol, Side(order.side), quantity)
