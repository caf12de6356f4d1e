import pytest
from rest_framework.test import APIClient

from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/corporate-actions/"


@pytest.fixture(autouse=True)
def facts(db: None) -> None:
    for symbol in ("AAPL", "MSFT"):
        make.instrument(symbol)
    make.action(ex_date="2024-05-10", amount="0.25")
    make.action(ex_date="2024-05-10", amount="0.24", ended_at=make.T0)
    make.action(ex_date="2020-08-31", kind="split", ratio=4)
    make.action("MSFT", ex_date="2024-08-15", amount="0.75")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 4),
        ("?symbol=AAPL", 3),
        ("?kind=split", 1),
        ("?current=true", 3),
        ("?since=2024-01-01&until=2024-06-30&current=true", 1),
    ],
)
def test_they_are_listed_and_filtered(reader: APIClient, query: str, count: int) -> None:
    assert reader.get(URL + query).json()["count"] == count


def test_a_fact_with_its_figures_as_text(reader: APIClient) -> None:
    newest = reader.get(URL).json()["results"][0]
    assert (newest["symbol"], newest["amount"], newest["ended_at"]) == ("MSFT", "0.75000000", None)


def test_a_stranger_may_not(db: None) -> None:
    assert APIClient().get(URL).status_code == 401


def test_nobody_writes_them_here(reader: APIClient) -> None:
    assert reader.post(URL, {}).status_code in (403, 405)


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("api corporate actions"):
        reader.get(URL)
