"""The page that closes a delisted share: which price, what it makes, then at that very price."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from approvals.models import Order
from market.ingestion import delistings
from tests import make

PAGE = "/positions/AAPL/close/"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def _delisted(db: None) -> None:
    make.only("AAPL")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 185.6)
    make.held("AAPL", 10, "185.00")
    make.action(ex_date="2024-07-03", kind="delisting")
    delistings.follow_due(make.T0)


def test_the_last_price_is_offered_with_its_day(trader: Client) -> None:
    html = trader.get(PAGE).content.decode()
    for expected in ('value="185.6"', "of 2024-07-03", "makes", "+6.00", "Close the position at 185.60 USD"):
        assert expected in html, expected


def test_another_price_says_first_what_it_makes(trader: Client) -> None:
    html = trader.get(PAGE, {"price": "0", "notes": "worthless"}).content.decode()
    assert "Close the position at 0.00 USD" in html
    assert "1,850.00" in html
    assert not Order.objects.filter(kind="close").exists()


def test_it_is_closed_at_what_was_shown(trader: Client) -> None:
    trader.post(PAGE, {"shares": "10", "price": "0", "notes": "worthless"})
    order = Order.objects.get(kind="close")
    assert (order.settlement_price, order.decisions.get().notes) == (Decimal(0), "worthless")


@pytest.mark.parametrize(
    "values", [{"price": "1"}, {"price": "x", "notes": "y"}, {"price": "-1", "notes": "y"}]
)
def test_without_a_reason_or_a_price_nothing_can_be_pressed(trader: Client, values: dict[str, str]) -> None:
    assert "Close the position at" not in trader.get(PAGE, values).content.decode()
    trader.post(PAGE, values)
    assert not Order.objects.filter(kind="close").exists()


def test_what_the_broker_settles_is_recorded_by_hand_alone(trader: Client, settings: Any) -> None:
    settings.BROKER = "tests.approvals.broker.client:SPEC"
    html = trader.get(PAGE).content.decode()
    assert "the broker settles it" in html
    assert "Record the settlement at" not in html
    values = {"price": "12.5", "on": "2024-07-03", "notes": "by letter"}
    assert "Record the settlement at 12.50 USD" in trader.get(PAGE, values).content.decode()
    html = trader.post(PAGE, {**values, "shares": "10"}, follow=True).content.decode()
    assert "Settled by hand at 12.5, as of 2024-07-03" in html
