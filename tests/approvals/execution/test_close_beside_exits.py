"""Where a closing works beside the exits, the position is never without a stop."""

import pytest
from pytest_django import Settings

from approvals import execution
from approvals.models import Order
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now


@pytest.fixture(autouse=True)
def beside(fake: FakeBroker, settings: Settings) -> None:
    settings.BROKER = "tests.approvals.broker.client:WITH_ALL"


def closed() -> Order:
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    return now(order)


def test_the_exits_stay_until_the_closing_has_filled(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    closing = closed()
    assert closing.status == Status.SUBMITTED
    assert fake.order(closing.pk)["guards"] == [str(entry.pk)]
    assert fake.order(entry.pk)["exits_working"]
    assert now(entry).cancel_requested_at is None
    fake.fill(closing.pk, 10, "close")
    execution.reconcile_orders(make.T0 + MINUTE)
    assert (now(closing).status, now(entry).exits_working) == (Status.FILLED, False)
    assert execution_rows.agree(fake)


def test_what_still_buys_is_cancelled_first_and_keeps_its_exits(fake: FakeBroker) -> None:
    entry = execution_rows.sent()
    fake.fill(entry.pk, 4)
    closing = closed()
    at_broker = fake.order(entry.pk)
    assert (at_broker["state"], at_broker["exits_working"], closing.quantity) == ("cancelled", True, 4)
    assert fake.order(closing.pk)["guards"] == [str(entry.pk)]


def test_exits_that_are_to_go_anyway_guard_nothing(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    Order.objects.filter(pk=entry.pk).update(cancel_requested_at=make.T0, cancel_exits=True)
    closing = closed()
    assert fake.order(closing.pk)["guards"] == []
    assert not fake.order(entry.pk)["exits_working"]
