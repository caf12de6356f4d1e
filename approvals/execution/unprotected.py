"""Shares that are held without a stop: it is put back where an entry took it along, else people are told.

What a person approved an entry with guards what it has filled, too: Jax places a stop and a target at those
levels where an entry has ended after a part and its broker guards whole entries only. Stops that went another
way are told, and a person puts them back (`exits.put_back`).
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django_q.tasks import async_task

from approvals import audit, notify, positions
from approvals.brokers.base import Leg
from approvals.entry_check import format_price
from approvals.execution import due, protect, transitions
from approvals.execution.screening import ScreenedBroker
from approvals.models import Notification, Order, OrderLeg
from approvals.models.orders import OrderQuerySet
from market import faults
from market.models import Fault, Split

GUARDED_FOR = timedelta(days=7)


def put_stops_back(broker: ScreenedBroker, at: datetime) -> None:
    """Place stop and target for what entries have filled that ended in part, where the broker does not."""
    capabilities = broker.capabilities
    if capabilities.partial_brackets or not capabilities.protects:
        return
    isolation = faults.Isolation(Fault.Work.ORDER, at, part="guard")
    for entry in _ended_in_part(broker.name, at):
        with isolation.of(entry.pk, str(entry)):
            _put_stop_back(entry, at)


def _ended_in_part(broker: str, at: datetime) -> OrderQuerySet:
    """Return the entries that ended with a part filled, which no protection was made for yet.

    Not those whose exits a person has cancelled. Each part gets one protection, whatever becomes of that.
    """
    ended = Order.objects.entries().filter(
        broker=broker, exits_working=False, cancel_exits=False, ended_at__gte=at - GUARDED_FOR
    )
    in_part = ended.filter(filled_quantity__gt=0, filled_quantity__lt=F("quantity"))
    of_protections = Sum("followers__quantity", filter=Q(followers__kind=Order.Kind.PROTECT))
    made = in_part.annotate(made=Coalesce(of_protections, 0))
    return made.filter(made__lt=F("filled_quantity")).order_by("created_at", "pk")


def _put_stop_back(entry: Order, at: datetime) -> None:
    with transaction.atomic():
        positions.lock_account()
        position = positions.of(entry.symbol)
        is_of_position = (
            position.opened_at is not None
            and position.sign == entry.sign
            and entry.fills.filter(executed_at__gte=position.opened_at).exists()
        )
        made = sum(entry.followers.protections().values_list("quantity", flat=True))
        shares = min(entry.filled_quantity - made, protect.bare_shares(entry.symbol))
        is_closing = due.closings().working().filter(symbol=entry.symbol).exists()
        was_split = Split.objects.filter(symbol=entry.symbol, date__gt=entry.created_at).exists()
        stop = entry.stop_now
        if not is_of_position or shares <= 0 or is_closing or was_split or stop is None:
            return
        guard = protect.Guard(stop, entry.target_now)
        columns = {"flat_at": entry.flat_at, "shares_of": entry}
        by, currency = entry.requested_by, entry.currency
        order = protect.make(position, shares, guard, by, at, currency=currency, **columns)
        async_task("approvals.tasks.submit", order.pk)
        reason = (
            f"Its entry ended with {entry.filled_quantity} of {entry.quantity} filled, and its stop with it."
        )
        audit.append("order made", transitions.subject(order), at, order=str(order), reason=reason)
        title = f"{shares} {entry.symbol} are guarded anew, with a stop at {format_price(stop)}. {reason}"
        transitions.warn(Notification.Kind.ORDER_FILLED, order, "guarded", title, at)


def warn_of_shares(at: datetime) -> None:
    """Notify people once of shares without a stop that are not being closed, whatever took the stop away."""
    sending = due.closings().working().exclude(status=Order.Status.PENDING_SUBMIT, due_at__gt=at)
    closing = set(sending.values_list("symbol", flat=True))
    for protected in positions.protected():
        symbol = protected.position.symbol
        if (
            protected.unprotected > 0
            and symbol not in closing
            and (shares := protect.bare_shares(symbol)) > 0
        ):
            title = f"{shares} {symbol} are held without a stop and a target: put them back, or close them."
            key = f"bare {symbol} {protected.position.opened_at} {shares}"
            page = f"/positions/{symbol}/manage/"
            notify.put(Notification.Kind.ORDER_FAILED, key, title, at, path=page)


def warn_of_stops(at: datetime) -> None:
    """Notify people once of a position whose target works on and whose stop does not."""
    stops = OrderLeg.objects.filter(leg=Leg.STOP, order__exits_working=True, order__cancel_exits=False)
    for stop in stops.exclude(state__in=OrderLeg.LIVE).select_related("order"):
        state = stop.get_state_display().lower()
        title = f"{stop.order} is held without a stop: it is {state}, and the target works on."
        transitions.warn(Notification.Kind.ORDER_FAILED, stop.order, f"no stop {stop.changed_at}", title, at)
