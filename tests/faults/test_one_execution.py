"""One odd row of the broker: kept as it came, shown, told once; the others are recorded and closings go out.

All that a row can be is in tests/approvals/execution/test_quarantine.py.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from approvals import execution, exits
from approvals.models import Fill, Gate, Notification, Order, QuarantinedRow
from jaxsite.monitoring import health
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status
from tests.faults.loops import refuse_rows

ODD: dict[str, dict[str, Any]] = {
    "a commission that is no number": {"commission": "NaN"},
    "a symbol of 30 letters": {"symbol": "A" * 30},
    "an id of 200": {"execution_id": "9" * 200},
    "a price of 0": {"price": "0"},
    "a price that is no number": {"price": "NaN"},
    "no share": {"quantity": 0},
    "an unknown side": {"side": "HOLD"},
    "a time that is far ahead": {"executed_at": "9999-12-31 23:59:59+00:00"},
}


def reconcile(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


@pytest.fixture
def odd(fake: FakeBroker, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the odd values of the second of three executions that the broker reports."""
    for symbol in ("AAPL", "MSFT", "TSLA"):
        fake.fill_foreign(symbol, 10)
    values = ODD[request.param]
    fake.amend_execution(1, **values)
    return values


@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_it_is_kept_shown_and_told_once_and_the_others_are_recorded(
    odd: dict[str, Any], client: Client
) -> None:
    reconcile(1, 2, 3)
    assert set(Fill.objects.values_list("symbol", flat=True)) == {"AAPL", "TSLA"}
    row = QuarantinedRow.objects.get()
    assert str(next(iter(odd.values())))[:20] in row.row
    assert Notification.objects.filter(kind=Notification.Kind.BROKER_ROW).count() == 1
    assert Gate.objects.get().broker_error == ""
    (check,) = (check for check in health.run_checks(make.T0 + 3 * MINUTE) if check.name == "trading")
    assert "Rows of the broker that could not be recorded: 1" in check.message
    client.force_login(make.trader())
    assert "The broker sent rows that do not fit." in client.get("/positions/").content.decode()


def test_a_duplicate_is_one_fill(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 10)
    reconcile(1)
    fake.fill_foreign("AAPL", 10)
    fake.amend_execution(1, execution_id=Fill.objects.get().execution_id)
    reconcile(2, 3)
    assert Fill.objects.count() == 1
    assert not QuarantinedRow.objects.exists()


@pytest.mark.parametrize("odd", ODD, indirect=True)
def test_a_closing_goes_out_beside_it(odd: dict[str, Any], fake: FakeBroker) -> None:
    execution_rows.bought(fake, "NVDA")
    make.instrument("NVDA")
    order = exits.close("NVDA", by=execution_rows.trader(), at=make.T0 + MINUTE)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (execution_rows.now(order).status, order.quantity) == (Status.SUBMITTED, 10)


def test_books_that_cannot_be_kept_stand_before_no_closing(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("MSFT", 10)
    closing = execution_rows.closing(released_at=make.T0 - timedelta(hours=1))
    with refuse_rows("broker_positions"):
        reconcile(1)
    assert execution_rows.now(closing).status == Status.SUBMITTED
    assert "Something in Jax broke" in Gate.objects.get().broker_error


def test_one_order_that_cannot_be_moved_keeps_no_other(fake: FakeBroker) -> None:
    orders = [
        execution_rows.entry(symbol, status=Status.HELD, good_until=make.T0) for symbol in ("AAPL", "MSFT")
    ]
    with refuse_rows("orders", "NEW.symbol = 'AAPL'"):
        reconcile(1)
    assert set(Order.objects.filter(status=Status.CANCELLED)) == {orders[1]}
