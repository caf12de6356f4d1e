"""An account with real money is neither asked nor sent anything unless LIVE_TRADING names its number."""

import pytest
from pytest_django import Settings

from approvals import execution
from approvals.models import AccountSnapshot, Gate
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now


@pytest.fixture
def live(fake: FakeBroker, settings: Settings) -> FakeBroker:
    """The broker with real money, whose account is U1234567, which LIVE_TRADING names."""
    settings.BROKER, settings.LIVE_TRADING = "tests.approvals.broker.client:REAL", "U1234567"
    fake.account(account_id="U1234567")
    return fake


def test_the_named_account_is_traded(live: FakeBroker) -> None:
    assert execution_rows.sent().status == Status.SUBMITTED


@pytest.mark.parametrize("number", ["U7654321", "", "u1234567", "U1234567 ", "U12345678"])
def test_any_other_account_is_sent_nothing_and_not_read(live: FakeBroker, number: str) -> None:
    live.account(account_id=number)
    order = execution_rows.sent()
    assert (order.status, live.received(order.pk)) == (Status.HELD, 0)
    assert "LIVE_TRADING is U1234567" in order.status_reason
    execution.reconcile_orders(make.T0 + MINUTE)
    assert "LIVE_TRADING is U1234567" in Gate.objects.get().broker_error
    assert not AccountSnapshot.objects.exists()


def test_an_account_that_cannot_be_seen_is_sent_nothing(live: FakeBroker) -> None:
    live.fail("account", "500 after")
    order = execution_rows.sent()
    assert (order.status, live.received(order.pk)) == (Status.HELD, 0)


def test_a_paper_account_needs_no_number(fake: FakeBroker, settings: Settings) -> None:
    settings.LIVE_TRADING = "U1234567"
    assert execution_rows.sent().status == Status.SUBMITTED


def test_a_blocked_account_takes_no_entries_and_says_why(fake: FakeBroker) -> None:
    fake.account(is_blocked="pattern day trading")
    execution.reconcile_orders(make.T0 + MINUTE)
    assert "takes no orders: pattern day trading" in Gate.objects.get().broker_error
    order = now(execution_rows.entry(at=make.T0 + MINUTE))
    execution.submit_order(order.pk, make.T0 + MINUTE)
    assert now(order).status == Status.HELD
