"""Where a closing works beside the exits, the position is never without a stop."""

import pytest
from pytest_django import Settings

from approvals import execution, exits, positions
from approvals.models import Order, TradingHalt
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


class TestAPart:
    """Four of ten shares are closed; the stop and target of the others stay."""

    @pytest.fixture
    def entry(self, fake: FakeBroker) -> Order:
        make.july_2024()
        make.only("AAPL")
        make.quote("AAPL", 102.0, make.T0)
        return execution_rows.bought(fake)

    @staticmethod
    def close(quantity: int) -> Order:
        order = exits.close("AAPL", by=make.trader(), at=make.T0, quantity=quantity)
        execution.submit_order(order.pk, make.T0)
        return now(order)

    def test_is_closed_beside_the_exits(self, fake: FakeBroker, entry: Order) -> None:
        closing = self.close(4)
        assert (closing.quantity, closing.is_part, closing.status) == (4, True, Status.SUBMITTED)
        assert fake.order(closing.pk)["guards"] == [str(entry.pk)]
        fake.fill(closing.pk, 4, "close")
        execution.reconcile_orders(make.T0 + MINUTE)
        assert (now(closing).status, positions.of("AAPL").quantity) == (Status.FILLED, 6)
        assert not TradingHalt.objects.exists()

    def test_one_that_is_refused_is_not_tried_again(self, fake: FakeBroker, entry: Order) -> None:
        fake.fail("close", "refuse")
        assert self.close(4).status == Status.REJECTED
        for minute in range(1, 30, 7):
            execution.reconcile_orders(make.T0 + minute * MINUTE)
        assert Order.objects.filter(kind=Order.Kind.CLOSE).count() == 1
        assert fake.order(entry.pk)["exits_working"]

    @pytest.mark.parametrize("quantity", [0, -4, 11])
    def test_more_or_less_than_is_held_is_refused(self, entry: Order, quantity: int) -> None:
        with pytest.raises(exits.ExitRefused, match="10 shares are held"):
            self.close(quantity)

    def test_all_of_it_is_no_part(self, entry: Order) -> None:
        assert not self.close(10).is_part

    def test_a_broker_that_ends_the_stop_of_all_closes_none(self, entry: Order, settings: Settings) -> None:
        settings.BROKER = "tests.approvals.broker.client:SPEC"
        with pytest.raises(exits.ExitRefused, match="close them all"):
            self.close(4)
