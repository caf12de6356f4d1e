"""When an execution that does not fit halts trading, and what ends that."""

from typing import Any

import pytest

from approvals import halt
from approvals.execution import quarantine
from approvals.models import (
    Fill,
    QuarantinedRow,
    TradingHalt,
)
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.unfit_rows import (
    UNFIT_EXECUTIONS,
    bought_without_a_fill,
    notified_titles,
    rounds,
)
from tests.approvals.execution_rows import MINUTE, Status


@pytest.mark.parametrize("values", UNFIT_EXECUTIONS[::5], ids=repr)
def test_a_filled_entry_that_cannot_be_recorded_halts_trading_the_second_time(
    fake: FakeBroker, values: dict[str, Any]
) -> None:
    order = bought_without_a_fill(fake, **values)
    assert (order.status, order.filled_quantity) == (Status.FILLED, 10)
    assert not TradingHalt.objects.exists()
    rounds(2, 3)
    assert TradingHalt.objects.get().cause == TradingHalt.Cause.MISMATCH


def test_a_stop_that_cannot_be_recorded_halts_trading_though_the_orders_sums_agree(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.fill(order.pk, 10, "stop", "95.00")
    fake.amend_execution(1, commission="NaN")
    rounds(1)
    assert not TradingHalt.objects.exists()
    rounds(2)
    assert "could not be recorded: commission is NaN, no finite number" in TradingHalt.objects.get().reason


def test_an_execution_of_which_it_cannot_be_told_whose_it_is_halts_trading(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, client_id="no uuid")
    rounds(1, 2)
    assert TradingHalt.objects.get().cause == TradingHalt.Cause.MISMATCH


@pytest.mark.parametrize("leg", ["entry", "stop"])
def test_resuming_ends_the_row_and_does_not_halt_again(fake: FakeBroker, leg: str) -> None:
    if leg == "entry":
        bought_without_a_fill(fake)
    else:
        fake.fill(execution_rows.bought(fake).pk, 10, "stop", "95.00")
        fake.amend_execution(1, commission="NaN")
    rounds(2, 3)
    halt.end(make.T0 + 3 * MINUTE, execution_rows.trader(), "booked by hand")
    rounds(4, 5)
    assert TradingHalt.objects.count() == 1
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 4 * MINUTE
    assert len(notified_titles()) == 1


def test_an_execution_that_the_broker_corrects_is_recorded_and_halts_nothing(fake: FakeBroker) -> None:
    order = bought_without_a_fill(fake)
    fake.amend_execution(0, commission="1.00")
    rounds(2, 3)
    assert order.fills.get().quantity == 10
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    assert not TradingHalt.objects.exists()


def test_an_execution_of_another_is_recorded_when_it_is_corrected_hours_later(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="NaN", executed_at=make.T0.isoformat())
    rounds(1, 200)
    fake.amend_execution(0, commission="1.00")
    rounds(201)
    assert Fill.objects.get().symbol == "AAPL"
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 201 * MINUTE


def test_an_execution_that_nobody_mended_is_over_after_a_week(fake: FakeBroker) -> None:
    fake.fill_foreign("AAPL", 5)
    fake.amend_execution(0, commission="NaN")
    rounds(1)
    QuarantinedRow.objects.update(first_seen_at=make.T0 - quarantine.OPEN_FOR)
    rounds(2, 3)
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    assert len(notified_titles()) == 1


# --- closing ----------------------------------------------------------------------------------------------
