"""Late reports take back nothing that is known already; orders and fills that do not add up halt trading."""

from dataclasses import replace
from uuid import uuid4

import pytest

from approvals import execution, gate, halt
from approvals.brokers.base import Instrument, Report, Side, State
from approvals.execution.reports import apply, apply_all
from approvals.models import AuditEvent, Order, TradingHalt
from market.models import Split
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now

pytestmark = pytest.mark.django_db


def report(order: Order, state: State = State.WORKING, filled: int = 0) -> Report:
    return Report(order.pk, "B1", Instrument(order.symbol), Side.BUY, state, order.quantity, filled)


@pytest.fixture
def order() -> Order:
    """Sent, and not answered yet."""
    return execution_rows.entry(status=Status.SUBMITTED, submitted_at=make.T0)


def test_an_older_report_takes_back_no_fill(order: Order) -> None:
    apply(report(order, filled=4), make.T0)
    apply(report(order), make.T0)
    assert (now(order).status, order.filled_quantity) == (Status.PARTIALLY_FILLED, 4)


@pytest.mark.parametrize("end", [State.FILLED, State.CANCELLED, State.REJECTED])
def test_an_older_report_takes_back_no_end(order: Order, end: State) -> None:
    apply(report(order, end, filled=10 if end is State.FILLED else 0), make.T0)
    apply(report(order), make.T0 + MINUTE)
    assert (now(order).status, order.ended_at) == (end, make.T0)


def test_an_order_that_was_cancelled_and_filled_all_the_same_is_filled(order: Order) -> None:
    apply(report(order, State.CANCELLED), make.T0)
    apply(report(order, State.CANCELLED, filled=10), make.T0 + MINUTE)
    assert (now(order).status, order.filled_quantity) == (Status.FILLED, 10)


def test_a_report_of_more_than_was_asked_for_fills_the_order(order: Order) -> None:
    apply(report(order, State.FILLED, filled=12), make.T0)
    assert (now(order).status, order.filled_quantity) == (Status.FILLED, 10)


def test_applying_twice_is_the_same_as_once(order: Order) -> None:
    for _ in range(2):
        apply(report(order, State.FILLED, filled=10), make.T0)
        apply_all([report(order, State.FILLED, filled=10)], make.T0 + MINUTE)
    kinds = AuditEvent.objects.order_by("number").values_list("kind", flat=True)
    assert list(kinds) == ["order acknowledged", "order filled"]
    assert now(order).acknowledged_at == make.T0


def test_reports_of_orders_that_are_not_ours_change_nothing(order: Order) -> None:
    apply(replace(report(order), client_id=None), make.T0)
    apply_all([replace(report(order), client_id=execution_rows.approval("MSFT").signal.pk)], make.T0)
    assert now(order).acknowledged_at is None


def rounds(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def halts() -> list[str]:
    return list(TradingHalt.objects.order_by("pk").values_list("cause", flat=True))


def test_fills_above_the_orders_quantity_halt_trading(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 11)
    rounds(1)
    assert halts() == ["mismatch"]
    assert f"Order {order.pk} asks for 10 shares" in gate.state(make.T0).halted
    assert execution_rows.now(order).filled_quantity == 10


def test_more_exits_than_entries_halt_trading(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.fill(order.pk, 10, "stop")
    fake.fill(order.pk, 10, "target")
    rounds(1)
    assert halts() == ["mismatch"]


def test_exits_whose_entrys_fills_are_late_halt_trading_the_second_time(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.claim(order.pk, filled=10)
    fake.fill(order.pk, 10, "stop")
    rounds(1)
    assert halts() == []
    rounds(2)
    assert halts() == ["mismatch"]


def test_exits_whose_entrys_fills_come_a_minute_later_are_no_mismatch(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.claim(order.pk, filled=10)
    fake.fill(order.pk, 10, "stop")
    rounds(1)
    fake.claim(order.pk, filled=0)
    fake.fill(order.pk, 10)
    rounds(2, 3)
    assert halts() == []


def test_more_exits_than_entries_after_a_share_split_are_as_they_should_be(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    Split.objects.create(symbol="AAPL", date=make.T0.date(), ratio=2, source="test", recorded_at=make.T0)
    fake.fill(order.pk, 20, "stop")
    rounds(1, 2)
    assert halts() == []


def test_a_figure_that_differs_from_the_fills_halts_trading_the_second_time(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.claim(order.pk, filled=3)
    rounds(1)
    assert halts() == []
    rounds(2)
    assert halts() == ["mismatch"]


def test_a_fill_that_comes_a_minute_after_the_figure_is_no_mismatch(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.claim(order.pk, filled=3)
    rounds(1)
    fake.claim(order.pk, filled=0)
    fake.fill(order.pk, 3)
    rounds(2, 3)
    assert halts() == []


def test_an_execution_that_names_an_order_we_do_not_have_halts_trading(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5, client_id=uuid4())
    rounds(1)
    assert halts() == ["mismatch"]
    assert "is no order of ours" in gate.state(make.T0).halted


def test_a_mismatch_that_a_person_resumed_from_does_not_halt_again(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 11)
    rounds(1)
    halt.end(make.T0 + MINUTE, execution_rows.trader(), "booked by hand")
    rounds(2, 3)
    assert gate.state(make.T0).halted == ""
    fake.fill(order.pk, 1)
    rounds(4)
    assert halts() == ["mismatch", "mismatch"]


def test_an_order_that_ended_long_ago_is_not_counted_again(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.claim(order.pk, filled=10)
    rounds(1)
    Order.objects.filter(pk=order.pk).update(ended_at=make.T0 - 20_000 * MINUTE, exits_working=False)
    rounds(2, 3)
    assert halts() == []
