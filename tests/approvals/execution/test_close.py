from typing import Any

import pytest

from approvals import execution, halt
from approvals.brokers.base import BrokerAway, Report
from approvals.execution import brokerage, close
from approvals.models import AuditEvent, Fill, Notification, Order, TradingHalt
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.client import HttpBroker
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now


def submit_closing(**values: Any) -> Order:
    order = execution_rows.closing(**values)
    execution.submit_order(order.pk, make.T0)
    return now(order)


def test_a_closing_goes_out_after_the_exits_are_cancelled(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    assert entry.exits_working
    order = submit_closing()
    assert order.status == Status.SUBMITTED
    assert fake.accepted(order.pk) == 1
    assert not fake.order(entry.pk)["exits_working"]
    assert not now(entry).exits_working
    assert entry.status == Status.FILLED


def test_a_closing_asks_neither_halt_nor_gate_nor_the_clock(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    halt.start(TradingHalt.Cause.PERSON, "fire drill", make.T0)
    assert submit_closing(released_at=make.T0 - 60 * MINUTE).status == Status.SUBMITTED


def test_what_the_target_sold_meanwhile_is_not_sold_again(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.fill(entry.pk, 10, "target")
    order = submit_closing()
    assert (order.status, order.status_reason) == (Status.CANCELLED, "The position was closed meanwhile.")
    assert fake.received(order.pk) == 0
    assert execution_rows.agree(fake)


def test_a_closing_is_cut_to_what_is_held(fake: FakeBroker) -> None:
    entry = execution_rows.sent()
    fake.fill(entry.pk, 4)
    order = submit_closing()
    assert (order.quantity, fake.order(order.pk)["quantity"]) == (4, 4)
    assert fake.order(entry.pk)["state"] == "cancelled"
    assert (now(entry).status, entry.filled_quantity) == (Status.CANCELLED, 4)


def test_what_filled_after_the_click_is_closed_too(fake: FakeBroker) -> None:
    entry = execution_rows.sent()
    fake.fill(entry.pk, 4)
    order = execution_rows.closing(quantity=4)
    fake.fill(entry.pk, 3)
    execution.submit_order(order.pk, make.T0)
    assert (now(order).quantity, fake.order(order.pk)["quantity"]) == (7, 7)


def test_nothing_buys_back_what_is_closed(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    added = execution_rows.waiting(100, due_at=make.T0 + 60 * MINUTE)
    assert submit_closing().status == Status.SUBMITTED
    assert (now(added).status, added.status_reason) == (Status.CANCELLED, "The position was closed.")


def test_what_was_to_be_cancelled_when_the_broker_was_away_is_cancelled(
    fake: FakeBroker,
) -> None:
    entry = execution_rows.entry(status=Status.SUBMITTED, submitted_at=make.T0, cancel_requested_at=make.T0)
    brokerage.hand_over(HttpBroker(fake.url, 1), entry, _is_away, Status.HELD, make.T0)
    assert now(entry).status == Status.CANCELLED


def _is_away() -> Report:
    raise BrokerAway("nobody listens")


def test_shares_of_others_are_not_closed(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 90)
    assert submit_closing(quantity=100).quantity == 10


def test_shares_that_the_account_does_not_hold_are_not_sold(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.fill_foreign("AAPL", -7)
    order = submit_closing()
    assert (order.quantity, now(entry).filled_quantity) == (3, 10)


@pytest.mark.parametrize("call", ["cancel", "holdings", "executions"])
def test_while_it_is_not_confirmed_that_the_exits_are_gone_a_closing_waits_and_is_tried_again(
    fake: FakeBroker, call: str
) -> None:
    execution_rows.bought(fake)
    fake.fail(call, "500 after")
    order = submit_closing()
    assert order.status == Status.PENDING_SUBMIT
    assert fake.received(order.pk) == 0
    execution.reconcile_orders(make.T0 + MINUTE)
    assert now(order).status == Status.SUBMITTED
    assert fake.accepted(order.pk) == 1


def test_an_entry_that_the_broker_does_not_have_does_not_keep_a_position_from_being_closed(
    fake: FakeBroker,
) -> None:
    execution_rows.bought(fake)
    fake.fail("place", "500 before")
    lost = execution_rows.sent()
    assert submit_closing().status == Status.SUBMITTED
    assert now(lost).cancel_requested_at == make.T0


def test_a_closing_outlasts_a_broker_that_is_away(fake: FakeBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    execution_rows.bought(fake)
    with monkeypatch.context() as patch:
        patch.setenv("TEST_BROKER_URL", "http://127.0.0.1:1")
        order = submit_closing()
        execution.reconcile_orders(make.T0 + 30 * MINUTE)
    assert now(order).status == Status.PENDING_SUBMIT
    execution.reconcile_orders(make.T0 + 31 * MINUTE)
    assert now(order).status == Status.SUBMITTED


def test_a_closing_whose_answer_is_lost_is_looked_up_and_filled_once(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fail("close", "500 after")
    order = submit_closing()
    assert order.status == Status.UNKNOWN
    fake.fill(order.pk, 10, "close")
    execution.reconcile_orders(make.T0 + MINUTE)
    assert now(order).status == Status.FILLED
    assert fake.accepted(order.pk) == 1
    assert sum(fill.signed_quantity for fill in Fill.objects.ours()) == 0


def test_a_closing_that_never_arrived_is_sent_again_under_the_same_id(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fail("close", "500 before")
    order = submit_closing()
    for minute in range(1, 5):
        execution.reconcile_orders(make.T0 + minute * MINUTE)
    assert now(order).status == Status.SUBMITTED
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (2, 1)


def test_a_refused_closing_is_told(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fail("close", "refuse")
    order = submit_closing()
    assert order.status == Status.REJECTED
    assert Notification.objects.filter(kind="order_failed").count() == 1
    assert AuditEvent.objects.filter(kind="order rejected", subject=f"order {order.pk}").exists()


def test_a_closing_that_was_cancelled_meanwhile_keeps_its_reason(fake: FakeBroker) -> None:
    """The task that sends it read it before, and then the broker was away."""
    order = execution_rows.closing()
    stale = now(order)
    Order.objects.filter(pk=order.pk).update(
        status=Status.CANCELLED, status_reason="It was dropped.", ended_at=make.T0
    )
    fake.fail("holdings", "500 before")
    close.send_closing(stale, make.T0)
    assert (now(order).status, now(order).status_reason) == (Status.CANCELLED, "It was dropped.")


def test_a_closing_that_the_broker_cancels_is_told_as_a_failure(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    order = submit_closing()
    fake.amend_order(order.pk, state="cancelled")
    execution.reconcile_orders(make.T0 + MINUTE)
    assert now(order).status == Status.CANCELLED
    notification = Notification.objects.get(key=f"order {order.pk} closing cancelled")
    assert notification.kind == Notification.Kind.ORDER_FAILED


def test_exits_that_work_on_after_the_cancel_keep_a_closing_waiting(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fail("cancel", "exits work on")
    order = submit_closing()
    assert (order.status, fake.received(order.pk)) == (Status.PENDING_SUBMIT, 0)
