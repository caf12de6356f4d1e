"""Positions are closed whatever of the broker's rows does not fit."""

from typing import Any

import pytest

from approvals import execution, exits, positions
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.unfit_rows import UNFIT_EXECUTIONS, bought_without_a_fill, rounds
from tests.approvals.execution_rows import MINUTE, Status, now


@pytest.mark.parametrize("values", UNFIT_EXECUTIONS[1::4], ids=repr)
def test_a_closing_goes_out_while_an_execution_does_not_fit(fake: FakeBroker, values: dict[str, Any]) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("MSFT", 5)
    fake.amend_execution(1, **values)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)


@pytest.mark.parametrize(
    "values",
    [values for values in UNFIT_EXECUTIONS[::3] if not {"quantity", "side", "client_id"} & values.keys()],
    ids=repr,
)
def test_shares_whose_execution_does_not_fit_are_closed_all_the_same(
    fake: FakeBroker, values: dict[str, Any]
) -> None:
    bought_without_a_fill(fake, **values)
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)
    assert fake.order(order.pk)["side"] == "SELL"


def test_a_position_of_which_a_part_is_not_recorded_is_closed_whole(fake: FakeBroker) -> None:
    entry = execution_rows.sent()
    fake.fill(entry.pk, 4)
    fake.fill(entry.pk, 6)
    fake.amend_execution(1, commission="NaN")
    rounds(1)
    assert positions.of("AAPL").quantity == 4
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE, shown=4)
    assert order.quantity == 10
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, 10)


def test_what_a_stop_sold_that_could_not_be_recorded_is_not_sold_again(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 10)
    fake.fill(entry.pk, 10, "stop", "95.00")
    fake.amend_execution(2, commission="NaN")
    rounds(1)
    make.instrument("AAPL")
    order = exits.close("AAPL", by=execution_rows.trader(), at=make.T0 + MINUTE)
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert (now(order).status, fake.received(order.pk)) == (Status.CANCELLED, 0)


def test_shares_that_were_recorded_late_count_once(fake: FakeBroker) -> None:
    bought_without_a_fill(fake)
    fake.fill_foreign("AAPL", 90)
    fake.amend_execution(0, commission="1.00")
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0 + 2 * MINUTE)
    assert now(order).quantity == 10


@pytest.mark.parametrize(
    ("holding", "sold"),
    [
        ({"quantity": 10.5, "average_cost": "100"}, 10),
        ({"quantity": 3.5, "average_cost": "100"}, 3),
        ({"quantity": 10, "average_cost": "NaN"}, 10),
        ({"quantity": 4, "average_cost": None}, 4),
        ({"quantity": "ten", "average_cost": "100"}, 10),
        ({"quantity": None, "average_cost": "100"}, 10),
        ({"quantity": float("nan"), "average_cost": "100"}, 10),
    ],
    ids=repr,
)
def test_a_closing_sells_at_most_the_whole_shares_of_an_account_that_can_be_read(
    fake: FakeBroker, holding: dict[str, Any], sold: int
) -> None:
    execution_rows.bought(fake)
    fake.hold(AAPL=holding)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert (now(order).status, order.quantity) == (Status.SUBMITTED, sold)


def test_a_closing_goes_out_when_the_answers_number_is_too_long(fake: FakeBroker) -> None:
    entry = execution_rows.bought(fake)
    fake.amend_order(entry.pk, broker_id="9" * 200)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)
    assert now(order).status == Status.SUBMITTED
    assert now(entry).broker_order_id.startswith("99")


# --- how orders stand, what is held, what the account is worth --------------------------------------------
