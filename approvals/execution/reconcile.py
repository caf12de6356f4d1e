"""Making our rows say what the broker says, and moving on what waits."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from approvals import entry_check, gate, notify, positions
from approvals.brokers.base import AnswerLost, Broker, BrokerError, OrderRefused
from approvals.execution import account, brokerage, checking, fills, reports, transitions
from approvals.execution.cancel import CANCEL_UNDONE, ask_to_cancel
from approvals.execution.submit import halted_meanwhile, submit
from approvals.models import AuditEvent, Gate, Notification, Order
from core import locks

Status = Order.Status

ANSWERED_WITHIN = timedelta(seconds=30)
PICKED_UP_AFTER = timedelta(seconds=10)
ENOUGH_LOOKUPS, LOOKED_UP_FOR = 3, timedelta(minutes=2)


def reconcile(at: datetime) -> None:
    """Ask the broker how things stand, write it down, and move on what waits. One at a time."""
    with locks.held(__name__) as mine:
        if mine:
            _reconcile(at)


def _reconcile(at: datetime) -> None:
    there = brokerage.broker(at)
    differed = checking.differences(at)
    try:
        _compare(there, at)
    except BrokerError as error:
        gate.check(at, str(error) or type(error).__name__)
    else:
        gate.check(at, "")
        checking.halt_on_mismatch(differed, at)
        account.halt_on_loss(there.name, at)
        _warn_of_bare_positions(at)
    _move_on(at)
    account.mark_what_is_in_use()


def _compare(there: Broker, at: datetime) -> None:
    """Raises BrokerError when the broker could not be asked everything; what was answered is written."""
    told = there.orders()  # before the executions, so that these are not fewer
    fills.catch_up(there, at)
    account.write_holdings(there.holdings(), at)
    reports.apply_all(told, at)
    works = Q(status__in=Order.SENT) | Q(exits_working=True)
    late = Q(pk__in=[sums.pk for sums in checking.differences(at)])  # filled after they had ended
    mine = Order.objects.filter(broker=there.name).order_by("created_at", "pk")
    untold = mine.filter(works | late).exclude(pk__in=[one.client_id for one in told if one.client_id])
    troubles = _each(untold, _look_up, there, at)
    troubles += _each(mine.filter(CANCEL_UNDONE), ask_to_cancel, there, at)
    if troubles:
        raise AnswerLost(troubles[0])
    account.write_snapshot(there.account(), there.name, at)


def _each(
    orders: Iterable[Order], act: Callable[[Order, Broker, datetime], object], there: Broker, at: datetime
) -> list[str]:
    """Do it with each order, whatever the broker says of the others; what it said. Raises BrokerAway."""
    troubles = []
    for order in orders:
        try:
            act(order, there, at)
        except (AnswerLost, OrderRefused) as error:
            troubles.append(f"order {order.pk}: {error}")
    return troubles


def _look_up(order: Order, there: Broker, at: datetime) -> None:
    """Ask for an order that is not among those that work."""
    if _is_on_its_way(order, at):
        return
    report = there.order(order.pk)
    if report is not None:
        reports.apply(report, at)
    elif order.status in (Status.CANCELLED, Status.REJECTED):
        return
    elif order.status in (Status.SUBMITTED, Status.PARTIALLY_FILLED):
        transitions.move(
            order, [Status(order.status)], Status.UNKNOWN, "The broker does not have it.", at, lookups=1
        )
    else:
        Order.objects.filter(pk=order.pk).update(lookups=F("lookups") + 1)
        if order.lookups + 1 >= ENOUGH_LOOKUPS and at - _missing_since(order, at) >= LOOKED_UP_FOR:
            _give_up(order, at)


def _is_on_its_way(order: Order, at: datetime) -> bool:
    is_young = order.submitted_at is not None and at - order.submitted_at < ANSWERED_WITHIN
    return order.status == Status.SUBMITTED and order.acknowledged_at is None and is_young


def _missing_since(order: Order, at: datetime) -> datetime:
    """Since when a broker that was there has not known the order."""
    told = AuditEvent.objects.filter(subject=transitions.subject(order), kind="order unknown")
    gate = Gate.objects.first()
    marks = [
        order.submitted_at,
        told.order_by("-number").values_list("at", flat=True).first(),
        gate.broker_good_since if gate else at,
    ]
    return max(mark for mark in marks if mark is not None)


def _give_up(order: Order, at: datetime) -> None:
    """What becomes of an order that the broker does not have: a person looks, and an exit is sent again."""
    start, gone = [Status(order.status)], {"acknowledged_at": None, "exits_working": False}
    if order.filled_quantity:
        _warn_of_lost_exits(order, at)
    elif order.cancel_requested_at:
        reason = "It was to be cancelled, and the broker never received it."
        transitions.move(order, start, Status.CANCELLED, reason, at, **gone)
    elif order.kind == Order.Kind.CLOSE:
        reason = "The broker never received it: it is sent again under the same id."
        transitions.move(order, start, Status.PENDING_SUBMIT, reason, at, **gone)
    else:
        transitions.move(order, start, Status.HELD, "The broker never received it.", at, **gone)


def _warn_of_lost_exits(order: Order, at: datetime) -> None:
    reason = f"The broker has lost it, after {order.filled_quantity} shares."
    title = f"{order}: {reason} What of it is held has no stop and no target: close it."
    transitions.warn(Notification.Kind.ORDER_FAILED, order, "lost", title, at)
    Order.objects.filter(pk=order.pk, exits_working=True).update(exits_working=False)
    transitions.move(order, [Status.UNKNOWN], Status.CANCELLED, reason, at)


def _warn_of_bare_positions(at: datetime) -> None:
    """Tell people once of what is held without a stop and is not being closed, whatever took it away."""
    closing = set(Order.objects.working().filter(kind=Order.Kind.CLOSE).values_list("symbol", flat=True))
    for one in positions.protected():
        bare = abs(one.position.quantity) - sum(order.filled_quantity for order in one.exits)
        if bare > 0 and one.position.symbol not in closing:
            title = f"{bare} {one.position.symbol} are held without a stop and a target: close the position."
            key = f"bare {one.position.symbol} {one.position.opened_at} {bare}"
            page = f"/admin/approvals/brokerposition/{one.position.symbol}/change/"
            notify.put(Notification.Kind.ORDER_FAILED, key, title, at, path=page)


def _move_on(at: datetime) -> None:
    """What is due is looked at again, what was left lying is sent or held, what nobody wanted ends."""
    for order in Order.objects.in_(Status.WAITING_OPEN).filter(due_at__lte=at).order_by("due_at", "pk"):
        _send_or_hold(order, at)
    for pk in _left_lying(at):
        submit(pk, at)
    for order in Order.objects.in_(Status.HELD).filter(good_until__lte=at):
        alone = "It was left alone until the session's end."
        transitions.move(order, [Status.HELD], Status.CANCELLED, alone, at)


def _send_or_hold(order: Order, at: datetime) -> None:
    problems = [*filter(None, [halted_meanwhile(order, at)]), *entry_check.problems(order, at)]
    if problems:
        transitions.move(order, [Status.WAITING_OPEN], Status.HELD, " ".join(problems), at)
        return
    due = Order.objects.filter(pk=order.pk, status=Status.WAITING_OPEN)
    if due.update(status=Status.PENDING_SUBMIT):
        submit(order.pk, at)


def _left_lying(at: datetime) -> list[UUID]:
    """Orders about to be sent whose task was lost, and closings that have to be tried again."""
    before = at - PICKED_UP_AFTER
    waiting = Order.objects.in_(Status.PENDING_SUBMIT).filter(
        Q(released_at__lte=before) | Q(released_at=None, created_at__lte=before)
    )
    return list(waiting.order_by("created_at", "pk").values_list("pk", flat=True))
