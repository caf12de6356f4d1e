"""Telling people of shares that are held without a stop, whatever took it away."""

from datetime import datetime

from approvals import notify, positions
from approvals.brokers.base import Leg
from approvals.execution import due, transitions
from approvals.models import Notification, Order, OrderLeg


def warn_of_shares(at: datetime) -> None:
    """Notify people once of shares without a stop that are not being closed, whatever took the stop away."""
    sending = due.closings().working().exclude(status=Order.Status.PENDING_SUBMIT, due_at__gt=at)
    closing = set(sending.values_list("symbol", flat=True))
    for protected in positions.protected():
        position, shares = protected.position, protected.unprotected
        if shares > 0 and position.symbol not in closing:
            title = f"{shares} {position.symbol} are held without a stop and a target: close the position."
            key = f"bare {position.symbol} {position.opened_at} {shares}"
            page = f"/admin/approvals/brokerposition/{position.symbol}/change/"
            notify.put(Notification.Kind.ORDER_FAILED, key, title, at, path=page)


def warn_of_stops(at: datetime) -> None:
    """Notify people once of a position whose target works on and whose stop does not."""
    stops = OrderLeg.objects.filter(leg=Leg.STOP, order__exits_working=True, order__cancel_exits=False)
    for stop in stops.exclude(state__in=OrderLeg.LIVE).select_related("order"):
        state = stop.get_state_display().lower()
        title = f"{stop.order} is held without a stop: it is {state}, and the target works on."
        transitions.warn(Notification.Kind.ORDER_FAILED, stop.order, f"no stop {stop.changed_at}", title, at)
