"""What is announced of a share stands on its page and on that of its signal."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """The edges read it."""
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def aapl() -> None:
    make.only("AAPL")
    make.july_2024()


def page(client: Client, address: str = "/instruments/AAPL/") -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"amount": "0.24"}, "AAPL goes ex-dividend 0.24 USD on Fri 5 Jul."),
        ({"amount": "0.086928"}, "AAPL goes ex-dividend 0.086928 USD on Fri 5 Jul."),
        ({"kind": "split", "ratio": 4}, "AAPL is split 4:1 on Fri 5 Jul."),
        ({"kind": "split", "ratio": "0.125"}, "AAPL is split 1:8 on Fri 5 Jul."),
        ({"kind": "symbol change", "new_symbol": "APPL"}, "AAPL becomes APPL on Fri 5 Jul."),
        (
            {"kind": "merger", "amount": 54, "currency": "USD", "ratio": "0.5", "new_symbol": "XYZ"},
            "AAPL is merged for 54.00 USD and 0.50 XYZ a share on Fri 5 Jul.",
        ),
        ({"kind": "delisting"}, "AAPL is delisted on Fri 5 Jul."),
    ],
)
def test_what_is_announced_is_said(trader: Client, values: dict[str, Any], says: str) -> None:
    make.action(ex_date="2024-07-05", **values)
    assert says in page(trader)


def test_what_is_past_stands_in_the_table_alone(trader: Client) -> None:
    make.action(ex_date="2024-06-28")
    shown = page(trader)
    assert "announced" not in shown
    assert "2024-06-28" in shown


def test_a_day_of_another_year_has_its_year(trader: Client) -> None:
    make.action(ex_date="2025-01-06")
    assert "on Mon 6 Jan 2025." in page(trader)


def test_what_was_withdrawn_is_not_shown(trader: Client) -> None:
    make.action(ex_date="2024-07-05", ended_at=make.T0)
    assert "ex-dividend" not in page(trader)


def test_a_pending_signal_says_it_too(trader: Client) -> None:
    make.action(ex_date="2024-07-05")
    signal = make.signal()
    assert "AAPL goes ex-dividend 0.24 USD on Fri 5 Jul." in page(trader, f"/signals/{signal.pk}/")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "AAPL reports earnings on Fri 5 Jul after the close, estimated."),
        ({"time": "before"}, "AAPL reports earnings on Fri 5 Jul before the open, estimated."),
        ({"time": "during"}, "AAPL reports earnings on Fri 5 Jul during the session, estimated."),
        (
            {"time": "unknown", "is_confirmed": True},
            "AAPL reports earnings on Fri 5 Jul, time not known, confirmed.",
        ),
    ],
)
def test_an_announced_report_is_said(trader: Client, values: dict[str, Any], says: str) -> None:
    make.earnings(day="2024-07-05", **values)
    make.earnings(day="2024-04-05")
    make.earnings(day="2024-07-08", ended_at=make.T0)
    shown = page(trader)
    assert says in shown
    assert shown.count("reports earnings") == 1


def test_a_pending_signal_says_when_its_company_reports(trader: Client) -> None:
    make.earnings(day="2024-07-03")
    signal = make.signal()
    assert "AAPL reports earnings on Wed 3 Jul after" in page(trader, f"/signals/{signal.pk}/")
