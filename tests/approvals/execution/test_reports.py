"""Reports may be late: what is known already is not taken back by them."""

from dataclasses import replace

import pytest

from approvals.brokers.base import Report, Side, State
from approvals.execution.reports import apply, apply_all
from approvals.models import AuditEvent, Order
from tests import make
from tests.approvals import made_execution as made
from tests.approvals.made_execution import MINUTE, Status, now

pytestmark = pytest.mark.django_db


def report(order: Order, state: State = State.WORKING, filled: int = 0) -> Report:
    return Report(order.pk, "B1", order.symbol, Side.BUY, state, order.quantity, filled)


@pytest.fixture
def order() -> Order:
    """Sent, and not answered yet."""
    return made.entry(status=Status.SUBMITTED, submitted_at=make.T0)


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
    apply_all([replace(report(order), client_id=made.approval("MSFT").signal.pk)], make.T0)
    assert now(order).acknowledged_at is None
