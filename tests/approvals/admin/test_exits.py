"""Getting out from the admin: under a halt and without a broker too."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django_q.models import OrmQ

from approvals.models import BrokerPosition, Order, OrderDecision, TradingHalt
from tests import make

pytestmark = pytest.mark.django_db


def address(row: Model, verb: str) -> str:
    return f"/admin/approvals/{row._meta.model_name}/{row.pk}/{verb}/"


def message_after(client: Client, row: Model, verb: str, **wish: str) -> str:
    page = client.post(address(row, verb), wish, follow=True)
    [message] = page.context["messages"]
    return str(message)


def page_of(client: Client, row: Model) -> str:
    return client.get(address(row, "change")).content.decode()


def a_position(quantity: int = 10) -> BrokerPosition:
    make.only("AAPL")
    make.held(quantity=quantity)
    return BrokerPosition.objects.create(
        symbol="AAPL", quantity=quantity, ours=quantity, average_cost=Decimal(185), seen_at=make.T0
    )


def test_a_position_is_closed_under_a_halt(operator: Client) -> None:
    position = a_position()
    TradingHalt.objects.create(cause="person", reason="odd prices", started_at=make.T0)
    assert (
        message_after(operator, position, "close", notes="enough")
        == "SELL 10 AAPL (Close): about to be sent."
    )
    order = Order.objects.get(kind="close")
    assert (order.side, order.quantity, str(order.requested_by)) == ("SELL", 10, "operator")
    assert (order.decisions.get().notes, OrmQ.objects.count()) == ("enough", 1)


def test_closing_twice_is_the_same_as_once(operator: Client) -> None:
    position = a_position()
    message_after(operator, position, "close")
    assert "is being closed already" in message_after(operator, position, "close")
    assert Order.objects.filter(kind="close").count() == 1


def test_an_order_that_works_is_cancelled(operator: Client) -> None:
    order = make.order(status=Order.Status.SUBMITTED)
    assert "Cancel it" in page_of(operator, order)
    assert message_after(operator, order, "cancel", notes="enough") == "BUY 10 AAPL (Entry): Submitted."
    order.refresh_from_db()
    assert order.cancel_requested_at is not None
    assert OrderDecision.objects.get().notes == "enough"


def test_stop_and_target_are_cancelled_only_when_asked_for(operator: Client) -> None:
    order = make.held()
    assert "cancel with exits" in message_after(operator, order, "cancel")
    assert not OrderDecision.objects.exists()
    message_after(operator, order, "cancel", exits="on")
    assert OrderDecision.objects.get().action == "cancel"


def test_a_held_order_is_dropped(operator: Client) -> None:
    order = make.order(status=Order.Status.HELD)
    page = page_of(operator, order)
    assert "Drop it" in page
    assert "Cancel it" not in page
    assert message_after(operator, order, "drop") == "BUY 10 AAPL (Entry): Cancelled. Dropped by operator."
    assert "was dropped already" in message_after(operator, order, "drop")


def test_what_is_over_has_no_buttons(operator: Client) -> None:
    page = page_of(operator, make.order(status=Order.Status.FILLED, filled_quantity=10))
    assert "Cancel it" not in page
    assert "Drop it" not in page


@pytest.mark.parametrize("verb", ["cancel", "drop"])
def test_a_reader_and_a_stranger_cancel_and_drop_nothing(reader: Client, stranger: Client, verb: str) -> None:
    order = make.order(status=Order.Status.HELD)
    assert reader.post(address(order, verb)).status_code == 403
    assert stranger.post(address(order, verb)).status_code == 302
    order.refresh_from_db()
    assert order.status == Order.Status.HELD
    assert "Drop it" not in page_of(reader, order)


def test_a_reader_and_a_stranger_close_nothing(reader: Client, stranger: Client) -> None:
    position = a_position()
    assert reader.post(address(position, "close")).status_code == 403
    assert stranger.post(address(position, "close")).status_code == 302
    assert not Order.objects.filter(kind="close").exists()
    assert "Close at the market" not in page_of(reader, position)


def test_who_may_change_orders_may_get_out(reader: Client) -> None:
    permission = Permission.objects.get(codename="change_order")
    User.objects.get(username="reader").user_permissions.add(permission)
    position = a_position()
    assert "Close at the market" in page_of(reader, position)
    assert message_after(reader, position, "close").startswith("SELL 10 AAPL")


def test_the_buttons_take_a_post_only(operator: Client) -> None:
    order, position = make.order(), a_position()
    for row, verb in [(order, "cancel"), (order, "drop"), (position, "close")]:
        assert operator.get(address(row, verb)).status_code == 405
