"""A second account on paper beside the first, chosen by PAPER_ACCOUNT."""

from decimal import Decimal

from pytest_django.fixtures import Settings

from approvals.execution import reconcile_orders
from approvals.execution.brokerage import configured
from approvals.models import AccountSnapshot, Gate, PaperAccount
from tests.approvals.execution.test_paper_book import MINUTE, aapl, filled
from tests.make import T0

__all__ = ["aapl"]


def test_each_has_cash_orders_and_executions_of_its_own(aapl: None, settings: Settings) -> None:
    client_id = filled()
    first = configured(T0 + 3 * MINUTE)
    assert set(first.holdings()) == {"AAPL"}
    settings.PAPER_ACCOUNT, settings.PAPER_EQUITY = "swing", Decimal(5_000)
    second = configured(T0 + 3 * MINUTE)
    assert (second.name, second.account().cash) == ("paper:swing", Decimal("5000.00"))
    assert (second.holdings(), second.executions(T0), second.orders()) == ({}, [], [])
    assert second.order(client_id) != first.order(client_id)
    assert list(PaperAccount.objects.order_by("pk").values_list("name", flat=True)) == [
        "paper",
        "paper:swing",
    ]
    settings.PAPER_ACCOUNT = "paper"
    assert configured(T0 + 4 * MINUTE).account().cash == Decimal(100_000) - Decimal("9904.00")


def test_its_figures_are_a_curve_of_their_own(aapl: None, settings: Settings) -> None:
    reconcile_orders(T0)
    settings.PAPER_ACCOUNT = "swing"
    reconcile_orders(T0 + MINUTE)
    names = AccountSnapshot.objects.order_by("at").values_list("broker", flat=True)
    assert list(names) == ["paper", "paper:swing"]
    assert Gate.objects.get().broker_error == ""
