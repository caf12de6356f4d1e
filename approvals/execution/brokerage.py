"""The configured broker, our orders in its words, and handing one over.

The row says that an order is being sent before the broker is called, and every answer has its status.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from approvals.brokers import registry
from approvals.brokers.base import (
    AnswerLost,
    Bracket,
    Broker,
    BrokerAway,
    BrokerError,
    Close,
    Instrument,
    Missing,
    OrderRefused,
    Protection,
    Report,
    Side,
)
from approvals.execution import reports, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import Order
from market import models as market

Status = Order.Status


class RealMoney(ImproperlyConfigured):
    """The configured broker is not a paper one, and LIVE_TRADING names no account."""


class TooLongAgo(BrokerError):
    """The broker's records do not reach back to when the order was sent."""


def configured(at: datetime) -> ScreenedBroker:
    """Return the broker that the setting BROKER names, as it is at `at`, screened. Raises RealMoney."""
    spec, live = registry.spec_of(settings.BROKER), settings.LIVE_TRADING
    broker = spec.build(spec.values(settings), at) if spec.is_paper or live else None
    is_paper = broker is not None and broker.is_paper and spec.is_paper
    if broker is None or not (is_paper or live):
        raise RealMoney(
            f"BROKER is {settings.BROKER}, an account with real money. Jax sends paper orders only: "
            "set BROKER to paper, or to a broker whose is_paper is true. To trade real money, set "
            "LIVE_TRADING to the number of that account."
        )
    return ScreenedBroker(broker, at, spec.capabilities, account_id="" if is_paper else live)


def instrument(order: Order) -> Instrument:
    """Return what an order trades, with the exchange where that is known."""
    exchange = market.Instrument.objects.filter(pk=order.symbol).values_list("exchange", flat=True).first()
    return Instrument(order.symbol, order.currency, exchange or "")


def bracket(order: Order) -> Bracket:
    """Return an entry as a broker understands it. Raises ValueError when it lacks what every entry has."""
    if None in (order.limit_price, order.stop_loss, order.take_profit, order.good_until):
        raise ValueError(f"order {order.pk} is no complete entry")
    return Bracket(
        client_id=order.pk,
        instrument=instrument(order),
        side=Side(order.side),
        quantity=order.quantity,
        limit_price=order.limit_price,  # type: ignore[arg-type]  # not None: see above
        stop_loss=order.stop_loss,  # type: ignore[arg-type]
        take_profit=order.take_profit,  # type: ignore[arg-type]
        good_until=order.good_until,  # type: ignore[arg-type]
        flat_at=order.flat_at,
    )


def closing(order: Order, quantity: int, guards: tuple[UUID, ...] = ()) -> Close:
    """Return a closing as a broker understands it."""
    return Close(order.pk, instrument(order), Side(order.side), quantity, order.settlement_price, guards)


def protection(order: Order, quantity: int) -> Protection:
    """Return a stop and a target for shares that are held, as a broker understands them."""
    side = Side(order.side)
    return Protection(order.pk, instrument(order), side, quantity, order.stop_loss, order.take_profit)


def look_up(broker: Broker, order: Order) -> Report | Missing:
    """Return how an order that was sent stands. What a broker without records that old lacks is no proof."""
    answer = broker.order(order.pk)
    if answer is Missing.NEVER_RECEIVED and order.submitted_at:
        since = broker.knows_since()
        return Missing.TOO_LONG_AGO if since and order.submitted_at < since else answer
    return answer


def has(broker: Broker, order: Order, at: datetime) -> bool:
    """Return whether the broker has an order that was sent before; its row is then brought up to date.

    Raises TooLongAgo when that can no longer be known of an entry or a protection: it is not sent again. A
    closing is: what the account holds by now says how much of it there is to close.
    """
    if not order.submitted_at:
        return False
    report = look_up(broker, order)
    if report is Missing.TOO_LONG_AGO and order.kind != Order.Kind.CLOSE:
        raise TooLongAgo("The broker keeps no record that old: look at the account before deciding again.")
    if isinstance(report, Report):
        reports.apply(report, at)
    return isinstance(report, Report)


def begin(broker: Broker, order: Order, at: datetime, **columns: Any) -> bool:
    """Write that the order is being sent; return whether this process is the one to send it."""
    sent: dict[str, Any] = {"submitted_at": at, "broker": broker.name, "acknowledged_at": None, "lookups": 0}
    return transitions.move(order, [Status.PENDING_SUBMIT], Status.SUBMITTED, "", at, **sent | columns)


def hand_over(
    broker: Broker, order: Order, place: Callable[[], Report], if_away: Order.Status, at: datetime
) -> None:
    """Call the broker, outside of any transaction, and write down its answer.

    `if_away`: the status of an order that certainly was not handed over. An answer that cannot be read counts
    as lost; an error of any other kind leaves the row as sent and without an answer. Reconciliation looks up
    both.
    """
    try:
        report = place()
    except OrderRefused as refusal:
        transitions.move_unanswered(order, Status.REJECTED, str(refusal), at, acknowledged_at=at)
    except BrokerAway as error:
        reason = f"The broker was away, nothing was sent. {error}"
        is_unwanted = Order.objects.filter(pk=order.pk, cancel_requested_at__isnull=False).exists()
        end = Status.CANCELLED if is_unwanted else if_away
        transitions.move_unanswered(order, end, reason, at, submitted_at=None)
    except AnswerLost as error:
        transitions.move_unanswered(order, Status.UNKNOWN, f"The broker's answer was lost. {error}", at)
    else:
        reports.apply(report, at)
        if report.filled:
            with suppress(BrokerError):  # the next reconciliation reads them
                reports.catch_up(broker, at)
