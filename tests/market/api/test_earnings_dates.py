import pytest
from rest_framework.test import APIClient

from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/earnings-dates/"


@pytest.fixture(autouse=True)
def facts(db: None) -> None:
    for symbol in ("AAPL", "MSFT"):
        make.instrument(symbol)
    make.earnings(day="2024-05-02", is_confirmed=True)
    make.earnings(day="2024-05-02", ended_at=make.T0)
    make.earnings("MSFT", day="2024-08-15", time="before")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?symbol=AAPL", 2),
        ("?time=before", 1),
        ("?confirmed=true", 1),
        ("?current=true", 2),
        ("?since=2024-01-01&until=2024-06-30&current=true", 1),
    ],
)
def test_they_are_listed_and_filtered(reader: APIClient, query: str, count: int) -> None:
    assert reader.get(URL + query).json()["count"] == count


def test_a_stranger_may_not_and_nobody_writes_them_here(reader: APIClient) -> None:
    assert APIClient().get(URL).status_code == 401
    assert reader.post(URL, {}).status_code in (403, 405)


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("api earnings dates"):
        reader.get(URL)
