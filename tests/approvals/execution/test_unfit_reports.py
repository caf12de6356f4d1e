"""A report on an order that does not fit leaves that order as it was, and no other."""

from typing import Any

import pytest

from approvals.models import (
    Fill,
    QuarantinedRow,
    TradingHalt,
)
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.unfit_rows import UNFIT_REPORTS, notified_titles, rounds, went_through
from tests.approvals.execution_rows import MINUTE, Status, now


@pytest.mark.parametrize(("values", "place"), [(values, n % 3) for n, values in enumerate(UNFIT_REPORTS)])
def test_a_report_that_does_not_fit_leaves_its_order_and_no_other_behind(
    fake: FakeBroker, values: dict[str, Any], place: int
) -> None:
    orders = [execution_rows.sent(symbol) for symbol in ("AAPL", "MSFT", "TSLA")]
    for order in orders:
        fake.fill(order.pk, 4)
    fake.amend_order(orders[place].pk, **values)
    rounds(1, 2)
    assert [now(order).filled_quantity for order in orders] == [
        0 if each == place else 4 for each in range(3)
    ]
    assert Fill.objects.count() == 3
    assert went_through(2)
    row = QuarantinedRow.objects.get()
    assert (row.kind, row.order, row.name) == ("order", orders[place], str(orders[place].pk))
    assert len(notified_titles()) == 1
    assert TradingHalt.objects.get().reason.startswith(f"Order {orders[place].pk}")


def test_an_order_whose_report_fits_again_is_brought_up_to_date(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4)
    fake.amend_order(order.pk, state="asleep")
    rounds(1)
    fake.amend_order(order.pk, state="working")
    rounds(2)
    assert now(order).filled_quantity == 4
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE


def test_a_number_of_200_letters_is_cut_and_the_report_counts(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_order(order.pk, broker_id="9" * 200)
    rounds(1)
    assert (now(order).status, order.filled_quantity) == (Status.FILLED, 10)
    assert len(order.broker_order_id) == 64
    assert "9" * 200 in QuarantinedRow.objects.get().row


def test_a_report_without_a_readable_id_of_ours_is_looked_up(fake: FakeBroker) -> None:
    """The list is of no use for it, but the broker is asked for each order that is not in the list."""
    order, other = execution_rows.sent(), execution_rows.sent("MSFT")
    fake.fill(order.pk, 4)
    fake.fill(other.pk, 4)
    fake.amend_order(order.pk, client_id="no uuid")
    rounds(1)
    assert [now(each).filled_quantity for each in (order, other)] == [0, 4]
    assert went_through(1)


def test_an_order_whose_answer_does_not_fit_is_unknown_until_the_broker_says_how_it_stands(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "odd")
    order = execution_rows.sent()
    assert (order.status, "state is 'asleep'" in order.status_reason) == (Status.UNKNOWN, True)
    rounds(1)
    assert (now(order).status, fake.received(order.pk)) == (Status.SUBMITTED, 1)


def test_an_order_of_which_nothing_can_be_read_stays_unknown_and_is_never_sent_again(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "odd")
    order = execution_rows.sent()
    fake.amend_order(order.pk, state="asleep")
    rounds(1, 2, 3, 4)
    assert (now(order).status, fake.received(order.pk)) == (Status.UNKNOWN, 1)
    assert went_through(4)
