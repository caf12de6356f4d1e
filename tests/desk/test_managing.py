"""The page on which stops and targets are moved."""

import re
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from approvals.models import ExitChange, Order, TrailingStop
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world(settings: Any) -> Any:
    settings.BROKER = "tests.approvals.broker.client:SPEC"
    make.only("AAPL")
    make.july_2024()
    make.quote("AAPL", 185.60, make.T0)
    make.ready()
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture
def trader(client: Client) -> Client:
    client.force_login(make.trader())
    return client


def press(client: Client, order: Order, act: str, **values: str) -> str:
    sent = {"act": act, "etag": Order.objects.get(pk=order.pk).fingerprint(), "notes": "why", **values}
    answer = client.post(f"/orders/{order.pk}/exits/", sent, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_where_they_stand_with_forms_that_work_without_scripts(trader: Client) -> None:
    order = make.held()
    assert "/positions/AAPL/manage/" in trader.get("/positions/").content.decode()
    page = trader.get("/positions/AAPL/manage/").content.decode()
    assert re.findall(r'name="(stop|target)" value="([\d.]+)"', page) == [
        ("stop", "180.50"),
        ("target", "191.75"),
    ]
    assert page.count(f'action="/orders/{order.pk}/exits/"') == 2


def test_what_cannot_be_moved_says_why_and_has_no_form(trader: Client, settings: Any) -> None:
    settings.BROKER = "tests.approvals.execution.test_changes:UNABLE"
    make.held()
    page = trader.get("/positions/AAPL/manage/").content.decode()
    assert "changes no stop or target that works" in page
    assert "/exits/" not in page


def test_what_was_sold_short_is_not_called_bought(trader: Client) -> None:
    make.held(quantity=-10)
    assert "10 sold short" in trader.get("/positions/AAPL/manage/").content.decode()


def test_each_button_does_what_it_says(trader: Client) -> None:
    order = make.held()
    page = press(trader, order, "move", stop="182", target="")
    assert "Asked for." in page
    assert "is being moved from 180.50 to 182.00" in page
    ExitChange.objects.all().delete()
    press(trader, order, "break-even")
    assert ExitChange.objects.get().level == Decimal("185.50")
    ExitChange.objects.all().delete()
    page = press(trader, order, "trail", kind="percent", distance="2", after_r="1")
    assert "trails 2 % behind the best price, from +1 R on" in page
    assert "trails" not in press(trader, order, "untrail").partition("<main")[2].partition("<details")[0]
    assert TrailingStop.objects.get().ended_reason == "Ended by ann."


@pytest.mark.parametrize(
    ("act", "values", "why"),
    [
        ("move", {"stop": "178"}, "Confirm that this is meant"),
        ("move", {"stop": "186"}, "at or beyond the price"),
        ("move", {"stop": "low"}, "cannot be read"),
        ("move", {"stop": "182", "etag": "another"}, "has changed since you looked"),
        ("trail", {"kind": "percent", "distance": "100"}, "below 100 per cent"),
        ("trail", {"kind": "hours", "distance": "1"}, "cannot be read"),
        ("dance", {}, "cannot be read"),
    ],
)
def test_a_refusal_says_why(trader: Client, act: str, values: dict[str, str], why: str) -> None:
    assert why in press(trader, make.held(), act, **values)
    assert not ExitChange.objects.exists()


def test_more_risk_with_the_box_ticked_is_asked_for(trader: Client) -> None:
    press(trader, make.held(), "move", stop="178", confirm="on")
    assert ExitChange.objects.get().level == 178


def test_nothing_to_manage_is_said(trader: Client) -> None:
    assert "works" in trader.get("/positions/AAPL/manage/").content.decode()
    assert trader.get("/positions/NOPE/manage/").status_code == 404


def test_it_is_for_those_who_may_trade(client: Client) -> None:
    order = make.held()
    client.force_login(User.objects.create_user("vic"))
    assert client.get("/positions/AAPL/manage/").status_code == 403
    assert client.post(f"/orders/{order.pk}/exits/", {"act": "move"}).status_code == 403


class TestPutBack:
    @pytest.fixture(autouse=True)
    def _bare(self, _world: Any) -> None:
        make.held()
        Order.objects.update(exits_working=False)

    def put_back(self, client: Client, **values: str) -> str:
        sent = {"stop": "181", "target": "191.75", "shares": "10", "notes": "it was gone"} | values
        answer = client.post("/positions/AAPL/protect/", sent, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    def test_shares_without_a_stop_have_a_form_filled_in_with_where_it_stood(self, trader: Client) -> None:
        page = trader.get("/positions/AAPL/manage/").content.decode()
        assert "10 shares without a stop" in page
        assert re.findall(r'name="(stop|target)" value="([\d.]+)"', page) == [
            ("stop", "180.50"),
            ("target", "191.75"),
        ]

    def test_a_press_puts_it_back_once(self, trader: Client) -> None:
        assert "A stop for 10 AAPL is on its way" in self.put_back(trader)
        assert "on its way already" in self.put_back(trader)
        order = Order.objects.protections().get()
        assert (order.stop_loss, order.take_profit, order.decisions.get().notes) == (
            Decimal(181),
            Decimal("191.75"),
            "it was gone",
        )

    def test_other_shares_than_were_shown_are_not_guarded(self, trader: Client) -> None:
        assert "the page said 7" in self.put_back(trader, shares="7")

    def test_figures_that_cannot_be_read_change_nothing(self, trader: Client) -> None:
        assert "cannot be read" in self.put_back(trader, stop="low")
        assert not Order.objects.protections().exists()

    def test_a_broker_that_takes_none_says_why(self, trader: Client, settings: Any) -> None:
        settings.BROKER = "tests.approvals.execution.test_protect:UNABLE"
        page = trader.get("/positions/AAPL/manage/").content.decode()
        assert "takes no stop for shares that are held" in page
        assert "/protect/" not in page

    def test_a_viewer_may_not(self, client: Client) -> None:
        client.force_login(User.objects.create_user("vera"))
        answer = client.post("/positions/AAPL/protect/", {"stop": "181", "shares": "10"})
        assert answer.status_code == 403
