import pytest

from approvals import execution
from approvals.models import AuditEvent
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now


def test_a_cancelled_order_does_not_work_any_more(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    execution.cancel_order(order.pk, make.T0)
    assert fake.order(order.pk)["state"] == "cancelled"
    assert (now(order).status, order.ended_at) == (Status.CANCELLED, make.T0)


def test_cancelling_twice_is_the_same_as_once(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    execution.cancel_order(order.pk, make.T0)
    execution.cancel_order(order.pk, make.T0 + MINUTE)
    assert now(order).ended_at == make.T0
    assert AuditEvent.objects.filter(kind="order cancelled").count() == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 before", "500 after", "drop", "hang after"])
def test_a_cancel_whose_answer_is_lost_is_asked_for_until_the_order_is_gone(
    fake: FakeBroker, fault: str
) -> None:
    order = execution_rows.sent()
    fake.fail("cancel", fault)
    execution.cancel_order(order.pk, make.T0)
    assert now(order).status == Status.SUBMITTED
    execution.reconcile_orders(make.T0 + MINUTE)
    assert now(order).status == Status.CANCELLED
    assert fake.order(order.pk)["state"] == "cancelled"


def test_an_order_that_was_filled_before_the_cancel_is_filled(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    execution.cancel_order(order.pk, make.T0)
    execution.reconcile_orders(make.T0 + MINUTE)
    assert (now(order).status, order.filled_quantity) == (Status.FILLED, 10)
    assert execution_rows.agree(fake)


@pytest.mark.parametrize(("shares", "status"), [(10, Status.FILLED), (4, Status.CANCELLED)])
def test_a_fill_after_a_cancel_is_recorded(fake: FakeBroker, shares: int, status: str) -> None:
    order = execution_rows.sent()
    execution.cancel_order(order.pk, make.T0)
    fake.fill(order.pk, shares)
    for minute in (1, 2, 3):
        execution.reconcile_orders(make.T0 + minute * MINUTE)
    assert execution_rows.agree(fake)
    assert sum(fill.quantity for fill in order.fills.all()) == shares
    assert (now(order).status, order.filled_quantity) == (status, shares)


def test_the_exits_of_a_filled_entry_are_cancelled_when_that_is_asked_for(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    order.cancel_exits = True
    order.save()
    execution.cancel_order(order.pk, make.T0)
    assert not fake.order(order.pk)["exits_working"]
    assert (now(order).status, order.exits_working) == (Status.FILLED, False)


def test_an_entry_that_fills_while_it_is_being_cancelled_keeps_its_stop_and_target(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    execution.cancel_order(order.pk, make.T0)
    execution.reconcile_orders(make.T0 + MINUTE)
    assert fake.order(order.pk)["exits_working"]
    assert (now(order).status, order.exits_working) == (Status.FILLED, True)


def test_an_order_that_reaches_the_broker_after_its_cancel_is_cancelled_there(fake: FakeBroker) -> None:
    order = execution_rows.entry(status=Status.SUBMITTED, submitted_at=make.T0)
    execution.cancel_order(order.pk, make.T0)
    assert now(order).status == Status.SUBMITTED
    execution_rows.place_late(fake, order)
    execution.reconcile_orders(make.T0 + MINUTE)
    assert now(order).status == Status.CANCELLED
    assert fake.order(order.pk)["state"] == "cancelled"
