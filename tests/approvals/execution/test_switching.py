"""Another broker than the one where something of ours is: nothing is sent, and it is said why."""

import pytest

from approvals.execution import reconcile_orders, switching
from approvals.models import Gate, Order
from tests import make
from tests.make import T0

pytestmark = pytest.mark.django_db


def test_what_works_at_another_broker_closes_the_gate() -> None:
    make.july_2024()
    make.order(status=Order.Status.SUBMITTED, broker="alpaca", submitted_at=T0)
    reconcile_orders(T0)
    gate = Gate.objects.get()
    assert not gate.is_open
    assert gate.broker_error == (
        "BROKER is paper, but AAPL has orders that work at alpaca. Set BROKER=alpaca again, close and cancel "
        "there, and change it then."
    )


def test_what_is_held_at_another_broker_is_named() -> None:
    order = make.order(status=Order.Status.FILLED, filled_quantity=10, broker="alpaca")
    make.fill(order, broker="alpaca")
    assert "AAPL is held" in switching.elsewhere("paper")
    assert switching.elsewhere("alpaca") == ""


def test_what_has_ended_there_is_in_nobodys_way() -> None:
    make.order(status=Order.Status.CANCELLED, broker="alpaca", ended_at=T0)
    assert switching.elsewhere("paper") == ""


def test_another_account_on_paper_is_named_by_its_setting() -> None:
    order = make.order(status=Order.Status.FILLED, filled_quantity=10, broker="paper")
    make.fill(order, broker="paper")
    assert switching.elsewhere("paper:swing") == (
        "PAPER_ACCOUNT is swing, but AAPL is held at paper. Set PAPER_ACCOUNT=paper again, close and cancel "
        "there, and change it then."
    )
