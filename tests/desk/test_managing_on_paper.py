"""The default installation: what is held on paper is moved, trailed and closed in part, by page and API."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from approvals import execution
from approvals.brokers.base import Leg
from approvals.brokers.paper import SPEC
from approvals.models import Fill, Order, OrderLeg, PaperChange
from market.models import Quote
from tests import make
from tests.conformance.broker import paper
from tests.conformance.broker.bench import Bench
from tests.conformance.broker.jax import Jax

pytestmark = pytest.mark.django_db
MANAGE = "/positions/AAPL/manage/"


@pytest.fixture
def jax(settings: Settings) -> Iterator[Jax]:
    settings.BROKER = "paper"
    with paper.counterpart() as behind:
        jax = Jax(Bench(SPEC, behind), settings)
        with mock.patch.object(timezone, "now", side_effect=lambda: jax.bench.now):
            yield jax


@pytest.fixture
def order(jax: Jax) -> Order:
    """10 shares bought at 100, with a stop at 95 and a target at 110, at 101 now."""
    order = jax.bought()
    make.quote("AAPL", 101.0, jax.bench.now)
    return order


@pytest.fixture
def trader(client: Client) -> Client:
    client.force_login(make.trader())
    return client


def press(client: Client, jax: Jax, order: Order, act: str, **values: str) -> str:
    """Press a button of the page, and let the worker ask the broker."""
    sent = {"act": act, "etag": Order.objects.get(pk=order.pk).fingerprint(), "notes": "", **values}
    answer = client.post(f"/orders/{order.pk}/exits/", sent, follow=True).content.decode()
    work(jax, order)
    return answer


def work(jax: Jax, order: Order) -> None:
    execution.change_exits(order.pk, jax.bench.now)
    jax.bench.wait()
    jax.reconcile()


def levels(order: Order) -> dict[str, Decimal | None]:
    return dict(OrderLeg.objects.filter(order=order).values_list("leg", "level"))


def test_a_stop_and_a_target_are_moved_and_work_there(jax: Jax, order: Order, trader: Client) -> None:
    page = trader.get(MANAGE).content.decode()
    assert f'action="/orders/{order.pk}/exits/"' in page
    assert "Asked for." in press(trader, jax, order, "move", stop="98", target="105")
    order.refresh_from_db()
    assert (order.stop_now, order.target_now) == (Decimal(98), Decimal(105))
    assert levels(order) == {"entry": 101, "stop": 98, "target": 105}
    jax.fill(order, Leg.STOP, price=Decimal(98))
    assert jax.behind.held("AAPL") == 0
    assert Fill.objects.filter(order=order, leg="stop").exists()
    jax.agrees()


def test_a_stop_goes_to_break_even(jax: Jax, order: Order, trader: Client) -> None:
    press(trader, jax, order, "break-even")
    order.refresh_from_db()
    assert order.stop_now is not None
    assert Decimal(100) <= order.stop_now < Decimal("100.1")
    assert levels(order)["stop"] == order.stop_now


def test_a_stop_that_is_moved_away_is_asked_about(jax: Jax, order: Order, trader: Client) -> None:
    assert "Confirm that this is meant" in press(trader, jax, order, "move", stop="94")
    assert levels(order)["stop"] == 95
    press(trader, jax, order, "move", stop="94", confirm="on")
    assert levels(order)["stop"] == 94


def test_a_stop_trails_the_price(jax: Jax, order: Order, trader: Client) -> None:
    press(trader, jax, order, "trail", kind="percent", distance="2")
    Quote.objects.update(price=104.0, as_of=jax.bench.now, received_at=jax.bench.now)
    jax.reconcile(2)
    assert levels(order)["stop"] == Decimal("101.92")
    assert PaperChange.objects.count() == 2


def test_a_part_is_closed_and_the_rest_keeps_its_exits(jax: Jax, order: Order, trader: Client) -> None:
    page = trader.get("/positions/AAPL/close/").content.decode()
    assert "what is left keeps its stop and target" in page
    trader.post("/positions/AAPL/close/", {"quantity": "4", "shown": "10", "notes": ""})
    closing = Order.objects.get(kind=Order.Kind.CLOSE)
    jax.submit(closing)
    assert jax.behind.stops("AAPL") == 10
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held("AAPL") == jax.behind.stops("AAPL") == 6
    press(trader, jax, order, "move", stop="98")
    jax.fill(order, Leg.STOP, price=Decimal(98))
    assert jax.behind.held("AAPL") == 0
    jax.agrees()


def test_the_api_moves_them_too(jax: Jax, order: Order) -> None:
    client = APIClient()
    client.force_authenticate(make.trader())
    etag = client.get(f"/api/v1/orders/{order.pk}/exits/").headers["ETag"]
    answer = client.post(
        f"/api/v1/orders/{order.pk}/move/", {"stop_loss": "98"}, format="json", headers={"If-Match": etag}
    )
    assert answer.status_code == 202
    work(jax, order)
    assert levels(order)["stop"] == 98


def test_a_move_whose_answer_was_lost_is_made_once(jax: Jax, order: Order, trader: Client) -> None:
    """The worker dies after the account has moved it: it asks again under the same id."""
    sent = {"act": "move", "etag": Order.objects.get(pk=order.pk).fingerprint(), "stop": "98", "notes": ""}
    trader.post(f"/orders/{order.pk}/exits/", sent)
    change = order.exit_changes.get()
    jax.bench.broker.replace(order.pk, Leg.STOP, level=change.level, change_id=change.pk)
    jax.bench.wait(timedelta(minutes=1).total_seconds())
    work(jax, order)
    assert PaperChange.objects.count() == 1
    assert order.exit_changes.get().state == "done"
