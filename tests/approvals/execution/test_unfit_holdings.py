"""A holding or an account that does not fit stays as it was seen last; the rest goes on."""

from typing import Any

import pytest

from approvals import positions
from approvals.models import (
    AccountSnapshot,
    BrokerPosition,
    Gate,
    QuarantinedRow,
)
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution.unfit_rows import LONG, UNFIT_HOLDINGS, notified_titles, rounds, went_through
from tests.approvals.execution_rows import MINUTE, Status, now


@pytest.mark.parametrize("holding", UNFIT_HOLDINGS, ids=repr)
def test_a_holding_that_does_not_fit_stays_as_it_was_seen_last(
    fake: FakeBroker, holding: dict[str, Any]
) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 5)
    fake.fill_foreign("MSFT", 7)
    rounds(1)
    fake.hold(AAPL=holding)
    fake.fill_foreign("MSFT", 1)
    rounds(2, 3)
    held = {row.symbol: (int(row.quantity), row.seen_at) for row in BrokerPosition.objects.all()}
    assert held == {"AAPL": (15, make.T0 + MINUTE), "MSFT": (8, make.T0 + 3 * MINUTE)}
    assert positions.of("AAPL").foreign == 5
    assert (QuarantinedRow.objects.get().name, QuarantinedRow.objects.get().times_seen) == ("AAPL", 2)
    assert len(notified_titles()) == 1
    assert went_through(3)


def test_a_holding_of_a_symbol_of_30_letters_is_kept_aside(fake: FakeBroker) -> None:
    fake.hold(**{LONG: 5, "MSFT": 7})
    rounds(1)
    assert BrokerPosition.objects.get().symbol == "MSFT"
    assert QuarantinedRow.objects.get().name == LONG


def test_a_holding_that_fits_again_is_written_and_told_again_when_it_does_not_on_another_day(
    fake: FakeBroker,
) -> None:
    fake.hold(AAPL="10 or so")
    rounds(1)
    fake.hold(AAPL=10)
    rounds(2)
    assert BrokerPosition.objects.get().quantity == 10
    assert QuarantinedRow.objects.get().ended_at == make.T0 + 2 * MINUTE
    fake.hold(AAPL="10 or so")
    rounds(3)
    assert (QuarantinedRow.objects.get().ended_at, len(notified_titles())) == (None, 1)
    fake.hold()
    rounds(4)
    fake.hold(AAPL="10 or so")
    rounds(2 * 24 * 60)
    assert len(notified_titles()) == 2


@pytest.mark.parametrize("equity", ["NaN", "Infinity", "1e30", "much"])
def test_an_account_that_does_not_fit_is_not_written_and_the_rest_goes_on(
    fake: FakeBroker, equity: str
) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.worth(equity)
    rounds(1, 2)
    assert now(order).status == Status.FILLED
    assert not AccountSnapshot.objects.exists()
    assert Gate.objects.get().broker_error == ""
    assert QuarantinedRow.objects.get().kind == "account"
    assert len(notified_titles()) == 1


def test_a_broker_whose_module_fails_is_as_one_that_does_not_answer(
    fake: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = execution_rows.entry(status=Status.HELD, good_until=make.T0)
    fake.worth(1)
    fake.fail("executions", "deny")  # an empty answer with status 404, which this module cannot read
    rounds(1)
    assert Gate.objects.get().broker_error.startswith("Its answer could not be read: TypeError")
    assert now(order).status == Status.CANCELLED
