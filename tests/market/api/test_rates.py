from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/rates/"


@pytest.fixture(autouse=True)
def rates(db: None) -> None:
    make.needed("EUR/USD")
    make.quote("EUR/USD", 1.08, timezone.now() - timedelta(seconds=30), bid=1.079, ask=1.081)
    make.needed("USD/JPY", problem="Alpaca's plan has no rates of currencies")


def test_each_needed_pair_is_listed_with_its_rate_or_why_there_is_none(reader: APIClient) -> None:
    euro, yen = reader.get(URL).json()["results"]
    assert (euro["pair"], euro["rate"], euro["provider"], euro["age_seconds"]) == (
        "EUR/USD",
        1.08,
        "alpaca",
        30,
    )
    assert (euro["usable"], euro["why_none"], euro["doubt"]) == (True, "", "")
    assert (yen["rate"], yen["usable"], yen["why_none"]) == (None, False, "no rate came")
    assert yen["problem"] == "Alpaca's plan has no rates of currencies"


def test_one_is_read_by_its_pair(reader: APIClient) -> None:
    assert reader.get(f"{URL}eur/usd/").json()["rate"] == 1.08
    assert reader.get(f"{URL}GBP/USD/").status_code == 404


def test_they_are_not_among_the_quotes_of_instruments(reader: APIClient) -> None:
    assert reader.get("/api/v1/quotes/").json()["count"] == 0
    assert reader.get("/api/v1/quotes/EUR/USD/").status_code == 404
    make.instrument("EUR/USD", "24/7")  # watched by a person
    assert reader.get("/api/v1/quotes/").json()["count"] == 1


def test_a_stranger_may_not_and_nobody_writes_them(reader: APIClient, stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert reader.post(URL, {}).status_code in (403, 405)


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("api rates"):
        reader.get(URL)
    for symbol in ("GBP/USD", "USD/CHF", "USD/ZAR"):
        make.needed(symbol)
    with count_queries("api rates"):
        reader.get(URL)
