"""Exchange rates in the admin: a list to read."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from market.models import Instrument
from tests import make
from tests.query_counts import CountQueries

URL = "/admin/market/currencypair/"


@pytest.fixture(autouse=True)
def rates(db: None) -> None:
    make.needed("EUR/USD")
    make.quote("EUR/USD", 1.08, timezone.now() - timedelta(seconds=30))
    make.needed("USD/JPY", problem="the plan has none")


def test_each_is_listed_with_its_age_or_why_there_is_none(operator: Client) -> None:
    page = operator.get(URL).content.decode()
    for text in ("1.08", "30 s", "alpaca, live", "usable", "no rate came; the plan has none"):
        assert text in page
    assert "the plan has none" in operator.get(f"{URL}USD_2FJPY/change/").content.decode()


def test_nobody_writes_them(operator: Client) -> None:
    assert operator.post(URL, {}).status_code == 403
    assert operator.post(f"{URL}EUR_2FUSD/change/", {"symbol": "X"}).status_code == 403


def test_the_list_takes_as_many_queries_for_many(operator: Client, count_queries: CountQueries) -> None:
    with count_queries("admin exchange rates"):
        operator.get(URL)
    for symbol in ("GBP/USD", "USD/CHF", "USD/ZAR"):
        make.needed(symbol)
    with count_queries("admin exchange rates"):
        operator.get(URL)


@pytest.mark.parametrize(("typed", "stored"), [("GBp", "GBX"), ("gbp", "GBP"), ("ZAc", "ZAC")])
def test_pence_that_a_person_types_are_no_pounds(operator: Client, typed: str, stored: str) -> None:
    values = {"calendar": "24/7", "tick_size": "0.01", "kind": "unknown", "lot_size": "1", "name": ""}
    operator.post("/admin/market/instrument/add/", values | {"symbol": "BRK.B", "currency": typed})
    assert Instrument.objects.get(pk="BRK.B").currency == stored
