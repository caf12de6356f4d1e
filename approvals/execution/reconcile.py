"""Bringing our rows up to what the broker says, and moving on what waits."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db.models import F, Q

from approvals import entry_check, gate, halt
from approvals.brokers.base import AnswerLost, BrokerError, Missing, OrderRefused, Report
from approvals.execution import (
    account,
    brokerage,
    drifts,
    due,
    fills,
    forgotten,
    quarantine,
    reports,
    settlement,
    switching,
    trailing,
    transitions,
    unprotected,
)
from approvals.execution.cancel import STILL_WORKING, request_cancel
from approvals.execution.changes import request_changes
from approvals.execution.close import ANSWERED_WITHIN
from approvals.execution.reports import Sums
from approvals.execution.screening import ScreenedBroker, UnreadableAnswer
from approvals.execution.submit import halted_meanwhile, submit_order
from approvals.models import AuditEvent, ExitChange, Gate, Notification, Order, TradingHalt
from core import locks
from market import faults
from market.models import Fault

logger = logging.getLogger(__name__)

Status = Order.Status

PICKED_UP_AFTER = timedelta(seconds=10)
CLOCK_AHEAD = timedelta(minutes=2)  # more than an order is younger than a reconciliation that lasts
BROKEN = "Something in Jax broke on what it says ({}): the log says more."
ENOUGH_LOOKUPS, LOOKED_UP_FOR = 3, timedelta(minutes=2)


def reconcile_orders(at: datetime, patience: float = 0) -> None:
    """Ask the broker how things stand, write it down, and move on what waits. One at a time.

    `patience`: for how many seconds it waits for another that runs. One waits; others leave it to that one.
    What it writes down then is of the instant at which its turn came.
    """
    began = time.monotonic()
    with locks.turn(__name__, patience) if patience else locks.held(__name__) as has_turn:
        if has_turn:
            waited = timedelta(seconds=time.monotonic() - began) if patience else timedelta()
            _reconcile(at + waited)


def _reconcile(at: datetime) -> None:
    halt.end_pauses(at)
    broker = brokerage.configured(at)
    _do_with_each(settlement.entries_of_delisted(), settlement.cancel_entry, "delisted", at)
    if obstacle := switching.elsewhere(broker.name):
        gate.check(at, obstacle)
        return
    try:
        differed = reports.differences(at)
        obstacle = _compare(broker, at)
    except BrokerError as error:
        gate.check(at, str(error) or type(error).__name__)
    except faults.CONTENT as error:  # bookkeeping never stands before a closing
        logger.exception("the books could not be kept")
        gate.check(at, BROKEN.format(type(error).__name__))
    else:
        gate.check(at, obstacle)
        _check(broker, differed, at)
    _do_with_each(due.to_be_flat(broker.name, broker.capabilities, at), due.close_flat, "flat", at)
    _do_with_each(due.refused_closings(at), due.try_again, "again", at)
    _move_on(at)
    account.mark_instruments_in_use()


def _check(broker: ScreenedBroker, differed: list[Sums], at: datetime) -> None:
    """Halt, or notify people, for what is wrong. A check that breaks keeps no other from being made."""
    checks = faults.Isolation(Fault.Work.CHECK, at)
    with checks.of("whether orders and fills add up"):
        halt_on_mismatch(differed, at)
    with checks.of("executions that do not fit"):
        halt_on_quarantined_executions(broker.name, at)
    with checks.of("shares that others traded", in_savepoint=False):
        drifts.follow(broker, at)
    with checks.of("the loss of the day and the week"):
        account.halt_on_loss(broker.name, at)
    with checks.of("losses in a row"):
        account.pause_on_losses(at)
    with checks.of("shares without a stop"):
        unprotected.put_stops_back(broker, at)
        unprotected.warn_of_shares(at)
        unprotected.warn_of_stops(at)


def _compare(broker: ScreenedBroker, at: datetime) -> str:
    """Write down what the broker says; return why its account takes no entries, empty when it does.

    Raises BrokerError when it could not be asked everything.

    What does not fit is in quarantine, and keeps nothing else from being written down.
    """
    reported = broker.orders()  # before the executions, so that these are not fewer
    reports.catch_up(broker, at)
    account.write_holdings(*broker.held(), at, reports.unrecorded(reported, at))
    reports.apply_all(reported, at)
    works = Q(status__in=Order.SENT) | Q(exits_working=True)
    late = Q(pk__in=[sums.pk for sums in reports.differences(at)])  # filled after they had ended
    broker_orders = Order.objects.filter(broker=broker.name).order_by("created_at", "pk")
    unreported = broker_orders.filter(works | late).exclude(
        pk__in=[report.client_id for report in reported if report.client_id]
    )
    troubles = _each(unreported, _look_up, "look up", broker, at)
    due.ask_to_cancel_entries(broker.name, broker.capabilities, at)
    troubles += _each(broker_orders.filter(STILL_WORKING), request_cancel, "cancel", broker, at)
    trailing.follow(at)
    moving = broker_orders.filter(pk__in=ExitChange.objects.waiting().order_by().values("order"))
    troubles += _each(moving, request_changes, "move", broker, at)
    if troubles:
        raise AnswerLost(troubles[0])
    blocked = ""
    with suppress(UnreadableAnswer):
        answer = broker.account()
        account.write_snapshot(answer, broker.name, at)
        blocked = answer.is_blocked
    fills.record_charges(broker, at)
    quarantine.end_settled(broker.name, at)
    return f"The broker's account takes no orders: {blocked}" if blocked else ""


def _each(
    orders: Iterable[Order],
    act: Callable[[Order, ScreenedBroker, datetime], object],
    step: str,
    broker: ScreenedBroker,
    at: datetime,
) -> list[str]:
    """Do it with each order, also when another one fails; return what failed. Raises BrokerAway."""
    troubles, isolation = [], faults.Isolation(Fault.Work.ORDER, at, part=step)
    for order in orders:
        try:
            with isolation.of(order.pk, str(order), in_savepoint=False):
                act(order, broker, at)
        except UnreadableAnswer as error:
            logger.warning("order %s stays as it is: %s", order.pk, error)
        except (AnswerLost, OrderRefused) as error:
            troubles.append(f"order {order.pk}: {error}")
    return troubles


def _look_up(order: Order, broker: ScreenedBroker, at: datetime) -> None:
    """Ask for an order that is not among those that work."""
    if _is_on_its_way(order, at):
        return
    report = brokerage.look_up(broker, order)
    if isinstance(report, Report):
        reports.apply(report, at)
    elif report is Missing.TOO_LONG_AGO:
        forgotten.decide(order, broker, at)
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
    """Return since when a broker that answers has not had the order."""
    events = AuditEvent.objects.filter(subject=transitions.subject(order), kind="order unknown")
    gate = Gate.objects.first()
    marks = [
        order.submitted_at,
        events.order_by("-number").values_list("at", flat=True).first(),
        gate.broker_good_since if gate else at,
    ]
    return max(mark for mark in marks if mark is not None)


def _give_up(order: Order, at: datetime) -> None:
    """End the look-up of an order that the broker does not have: an entry is held, others are sent again.

    Not a protection that the broker had: where it went is not known, and there may be a stop yet.
    """
    start, gone = [Status(order.status)], {"acknowledged_at": None, "exits_working": False}
    if order.filled_quantity or (order.kind == Order.Kind.PROTECT and order.acknowledged_at):
        _warn_of_lost_exits(order, at)
    elif order.cancel_requested_at:
        reason = "It was to be cancelled, and the broker never received it."
        transitions.move(order, start, Status.CANCELLED, reason, at, **gone)
    elif order.kind != Order.Kind.ENTRY:
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


def _move_on(at: datetime) -> None:
    """Check what is due, send or hold what was left behind, cancel what was held until its session's end."""
    due = Order.objects.in_(Status.WAITING_OPEN).filter(due_at__lte=at).order_by("due_at", "pk")
    _do_with_each(due, _send_or_hold, "open", at)
    _do_with_each(_left_behind(at), _submit, "send", at)
    _do_with_each(Order.objects.in_(Status.HELD).filter(good_until__lte=at), _give_up_held, "give up", at)


def _do_with_each(
    orders: Iterable[Order], act: Callable[[Order, datetime], object], step: str, at: datetime
) -> None:
    """Do it with each order, also when another one fails. What is sent is in no transaction."""
    isolation = faults.Isolation(Fault.Work.ORDER, at, part=step)
    for order in orders:
        with isolation.of(order.pk, str(order), in_savepoint=False):
            act(order, at)


def _submit(order: Order, at: datetime) -> None:
    submit_order(order.pk, at)


def _give_up_held(order: Order, at: datetime) -> None:
    reason = "It was left alone until the session's end."
    transitions.move(order, [Status.HELD], Status.CANCELLED, reason, at)


def _send_or_hold(order: Order, at: datetime) -> None:
    problems = [*filter(None, [halted_meanwhile(order, at)]), *entry_check.problems(order, at)]
    if problems:
        transitions.move(order, [Status.WAITING_OPEN], Status.HELD, " ".join(problems), at)
        return
    if transitions.change(order, [Status.WAITING_OPEN], Status.PENDING_SUBMIT):
        submit_order(order.pk, at)


def _left_behind(at: datetime) -> list[Order]:
    """Return the orders about to be sent whose task was lost, and closings that have to be tried again.

    Those from the future, too: they were decided on while the clock was ahead, and their task may be put off.
    """
    before, ahead = at - PICKED_UP_AFTER, at + CLOCK_AHEAD
    pending = Order.objects.in_(Status.PENDING_SUBMIT)
    waiting = pending.exclude(due_at__gt=at, due_at__lte=at + due.LONGEST_PAUSE).filter(
        Q(released_at__lte=before)
        | Q(released_at__gt=ahead)
        | Q(Q(created_at__lte=before) | Q(created_at__gt=ahead), released_at=None)
    )
    return list(waiting.order_by("created_at", "pk"))


def halt_on_mismatch(before: list[Sums], at: datetime) -> None:
    """Halt for what cannot be, and for what was so `before` this reconciliation already and still is.

    What a person has resumed from is not halted for again.
    """
    for sums in reports.differences(at):
        if sums.cannot_be or sums in before:
            halts = TradingHalt.objects.filter(cause=TradingHalt.Cause.MISMATCH, reason=str(sums))
            if not halts.exists():
                halt.start(TradingHalt.Cause.MISMATCH, str(sums), at)


def halt_on_quarantined_executions(broker: str, at: datetime) -> None:
    """Halt for an execution that may be ours and did not fit at an earlier reconciliation either.

    One whose order does not add up is halted for by that; resuming ends both.
    """
    rows = quarantine.open_executions(broker).filter(is_foreign=False, first_seen_at__lt=at)
    differing = [sums.pk for sums in reports.differences(at)] if rows else []
    for row in rows.exclude(order__in=differing).order_by("pk"):
        reason = f"Execution {row.name} could not be recorded: {row.reason}"
        halt.start(TradingHalt.Cause.MISMATCH, reason, at)
