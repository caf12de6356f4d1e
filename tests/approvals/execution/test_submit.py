from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from approvals import execution, halt
from approvals.brokers.base import Bracket, Report
from approvals.models import AuditEvent, Notification, Order, TradingHalt
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker import client
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, SECOND, Status, now


def events(order: Order) -> list[str]:
    about = AuditEvent.objects.filter(subject=f"order {order.pk}").order_by("number")
    return list(about.values_list("kind", flat=True))


def test_an_order_is_sent_as_it_was_decided_and_acknowledged(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    at_broker = fake.order(order.pk)
    assert (at_broker["symbol"], at_broker["side"], at_broker["quantity"]) == ("AAPL", "BUY", 10)
    assert [float(at_broker[name]) for name in ("limit_price", "stop_loss", "take_profit")] == [100, 95, 110]
    assert order.status == Status.SUBMITTED
    assert (order.submitted_at, order.acknowledged_at) == (make.T0, make.T0)
    assert (order.broker, order.broker_order_id) == ("fake", at_broker["broker_id"])
    assert events(order) == ["order sent", "order acknowledged"]


def test_sending_twice_is_the_same_as_once(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    execution.submit_order(order.pk, make.T0 + SECOND)
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (1, 1)
    assert events(order) == ["order sent", "order acknowledged"]


@pytest.mark.parametrize("status", [Status.HELD, Status.WAITING_OPEN])
def test_only_an_order_that_is_about_to_be_sent_is_sent(fake: FakeBroker, status: Order.Status) -> None:
    order = execution_rows.entry(status=status)
    execution.submit_order(order.pk, make.T0)
    assert fake.received(order.pk) == 0
    assert now(order).status == status


def test_a_refusal_is_a_rejection_with_the_brokers_reason(fake: FakeBroker) -> None:
    fake.fail("place", "refuse")
    order = execution_rows.sent()
    assert (order.status, order.status_reason) == (Status.REJECTED, "no shares to borrow")
    assert order.ended_at == make.T0
    assert events(order) == ["order sent", "order rejected"]
    assert Notification.objects.get().kind == Notification.Kind.ORDER_FAILED


@pytest.mark.usefixtures("away")
def test_nothing_is_sent_while_the_broker_is_away_and_the_order_needs_a_new_look() -> None:
    order = execution_rows.sent()
    assert order.status == Status.HELD
    assert order.status_reason.startswith("The broker was away, nothing was sent.")
    assert order.submitted_at is None
    assert events(order) == ["order sent", "order held"]
    assert Notification.objects.get().kind == Notification.Kind.ORDER_HELD


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 before", "500 after", "drop", "hang after"])
def test_a_lost_answer_leaves_the_outcome_unknown_and_nothing_is_sent_again(
    fake: FakeBroker, fault: str
) -> None:
    fake.fail("place", fault)
    order = execution_rows.sent()
    assert order.status == Status.UNKNOWN
    execution.submit_order(order.pk, make.T0 + SECOND)
    assert fake.received(order.pk) == 1
    assert events(order) == ["order sent", "order unknown"]


def test_under_a_halt_an_order_is_held(fake: FakeBroker) -> None:
    halt.start(TradingHalt.Cause.PERSON, "fire drill", make.T0)
    order = execution_rows.sent()
    assert order.status == Status.HELD
    assert "fire drill" in order.status_reason
    assert fake.received(order.pk) == 0


def test_two_minutes_after_its_decision_an_order_needs_a_new_look(fake: FakeBroker) -> None:
    in_time = execution_rows.entry("AAPL", make.T0 - 2 * MINUTE)
    late = execution_rows.entry("MSFT", make.T0 - 2 * MINUTE - SECOND)
    for order in (in_time, late):
        execution.submit_order(order.pk, make.T0)
    assert now(in_time).status == Status.SUBMITTED
    assert now(late).status == Status.HELD
    assert "within two minutes" in late.status_reason


def test_a_released_order_that_was_sent_before_is_looked_up_first(fake: FakeBroker) -> None:
    """It was taken for never received and arrived after all."""
    order = execution_rows.sent()
    Order.objects.filter(pk=order.pk).update(status=Status.PENDING_SUBMIT, acknowledged_at=None)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert fake.received(order.pk) == 1
    assert now(order).status == Status.SUBMITTED


def test_a_released_order_that_the_broker_does_not_have_is_sent_under_the_same_id(fake: FakeBroker) -> None:
    order = execution_rows.entry(submitted_at=make.T0 - timedelta(hours=1))
    execution.submit_order(order.pk, make.T0)
    assert fake.accepted(order.pk) == 1
    assert now(order).submitted_at == make.T0


class Outside(client.HttpBroker):
    """A broker that notices an open transaction."""

    def place(self, order: Bracket) -> Report:
        assert not connection.in_atomic_block
        assert Order.objects.get(pk=order.client_id).status == Status.SUBMITTED
        return super().place(order)


@pytest.mark.django_db(transaction=True)
def test_the_row_says_that_it_is_sent_before_the_broker_is_called_and_no_transaction_waits(
    fake: FakeBroker, settings: Settings
) -> None:
    settings.BROKER = f"{__name__}:OUTSIDE"
    assert execution_rows.sent().status == Status.SUBMITTED


OUTSIDE = replace(
    client.SPEC,
    build=lambda values, at: Outside(client.build(values, at).url, 1),  # a broker for each task
)


def test_a_broker_with_real_money_is_refused(fake: FakeBroker, settings: Settings) -> None:
    settings.BROKER = "tests.approvals.broker.client:REAL"
    order = execution_rows.entry()
    with pytest.raises(execution.RealMoney, match="paper orders only"):
        execution.submit_order(order.pk, make.T0)
    assert now(order).status == Status.PENDING_SUBMIT
