"""What is due by the clock and not done by the broker: the rows say when, so that restarts change nothing.

Entries are cancelled at their `good_until` and positions closed at their `flat_at` where the broker cannot,
and a closing that was refused is tried again after a growing pause.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Least

from approvals import audit, positions
from approvals.brokers.base import Capabilities, Side
from approvals.execution import quarantine, transitions
from approvals.models import Order
from approvals.models.orders import OrderQuerySet

Status = Order.Status

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
TRIED_FOR = timedelta(days=7)


def closings() -> OrderQuerySet:
    """Return the closings of positions."""
    return Order.objects.filter(kind=Order.Kind.CLOSE)


def ask_to_cancel_entries(broker: str, capabilities: Capabilities, at: datetime) -> None:
    """Have entries that are over cancelled where the broker has no good-till-date; fills keep their exits."""
    if capabilities.good_till_date:
        return
    sent = Order.objects.entries().in_(*Order.SENT).filter(broker=broker, cancel_requested_at=None)
    for order in sent.annotate(end=Least("good_until", "flat_at")).filter(end__lte=at):
        with transaction.atomic():
            if Order.objects.filter(pk=order.pk, cancel_requested_at=None).update(cancel_requested_at=at):
                reason = "It was not filled while it was good."
                audit.append("order cancel requested", transitions.subject(order), at, reason=reason)


def to_be_flat(broker: str, capabilities: Capabilities, at: datetime) -> OrderQuerySet:
    """Return the orders whose shares are to be closed by now and are not, where the broker does not.

    No broker ends a protection by the time of day.
    """
    guarding = Order.objects.guarding().filter(broker=broker, exits_working=True, flat_at__lte=at)
    if capabilities.time_of_day_exits:
        guarding = guarding.protections()
    closing = closings().working().values("symbol")
    refused = [closing.symbol for closing in refused_closings(at)]  # they are tried again after a pause
    return guarding.exclude(symbol__in=closing).exclude(symbol__in=refused).order_by("flat_at", "pk")


def close_flat(order: Order, at: datetime) -> None:
    """Close the shares of an order whose time is over, for the person who approved it with that time.

    Shares of other entries, whose time is not over, stay with their exits.
    """
    reason = f"It was to be flat at {order.flat_at:%Y-%m-%d %H:%M} UTC."
    own, due = _shares_due(order, at)
    held = abs(positions.of(order.symbol).quantity + quarantine.shares(order.symbol, at))
    _make_closing(order.symbol, order, reason, at, part=own if due < held else None, shares_of=order)


def _shares_due(order: Order, at: datetime) -> tuple[int, int]:
    """Return the shares that an order's exits guard, and those of all orders of its symbol that are due."""
    guarded = {
        exits.pk: positions.guarded(exits)
        for held in positions.protected()
        for exits in held.exits
        if exits.symbol == order.symbol and (exits.pk == order.pk or (exits.flat_at and exits.flat_at <= at))
    }
    return guarded.get(order.pk, 0), sum(guarded.values())


def refused_closings(at: datetime) -> Iterator[Order]:
    """Yield the closings that were refused, are not tried again yet, and of what is still held."""
    recent = closings().filter(created_at__gte=at - TRIED_FOR)
    for closing in recent.order_by("symbol", "-created_at", "-pk").distinct("symbol"):
        is_wanted = not closing.is_part or closing.shares_of_id is not None  # not a part that a person closed
        if closing.status == Status.REJECTED and is_wanted:  # all of it is still guarded
            yield closing


def try_again(refused: Order, at: datetime) -> None:
    """Make the next try of a closing that was refused, for the same person, after a pause."""
    pause = min(FIRST_PAUSE * 2 ** (_refusals(refused) - 1), LONGEST_PAUSE)
    due_at = at + pause
    reason = f"The broker refused it: {refused.status_reason} It is tried again at {due_at:%H:%M} UTC."
    part = refused.quantity if refused.is_part else None
    _make_closing(refused.symbol, refused, reason, at, part=part, shares_of=refused.shares_of, due_at=due_at)


def _refusals(refused: Order) -> int:
    """Return how many closings of the symbol were refused one after the other."""
    newest = closings().filter(symbol=refused.symbol).order_by("-created_at", "-pk")
    statuses = list(newest.values_list("status", flat=True)[:10])
    others = (number for number, status in enumerate(statuses) if status != Status.REJECTED)
    return next(others, len(statuses))


def _make_closing(
    symbol: str,
    cause: Order,
    reason: str,
    at: datetime,
    *,
    part: int | None,
    shares_of: Order | None,
    **values: Any,
) -> None:
    """Make the closing of a position. `part`: so many shares of one order alone; None: all."""
    with transaction.atomic():
        positions.lock_account()
        held = positions.of(symbol).quantity + quarantine.shares(symbol, at)
        if not held or closings().working().filter(symbol=symbol).exists():
            return
        shares = abs(held) if part is None else min(part, abs(held))
        if shares <= 0:
            return
        if shares < abs(held):
            values |= {"is_part": True, "shares_of": shares_of}
        order = Order(
            kind=Order.Kind.CLOSE,
            symbol=symbol,
            side=Side.SELL if held > 0 else Side.BUY,
            quantity=shares,
            currency=cause.currency,
            settlement_price=cause.settlement_price,
            status=Status.PENDING_SUBMIT,
            status_reason=reason,
            requested_by=cause.requested_by,
            created_at=at,
            released_at=at,
            **values,
        )
        transitions.require(None, Status.PENDING_SUBMIT)
        order.save(force_insert=True)
        audit.append("order made", transitions.subject(order), at, order=str(order), reason=reason)
