import pytest
from rest_framework.test import APIClient

from market.models import EarningsDate
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/earnings-dates/"
REPORT = {"symbol": "MSFT", "date": "2024-08-20", "time": "after", "why": "calendar"}


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


def test_a_stranger_may_not_and_who_only_reads_records_nothing(reader: APIClient) -> None:
    assert APIClient().get(URL).status_code == 401
    assert reader.post(URL, REPORT, format="json").status_code == 403


def test_a_date_is_recorded_in_place_of_those_near_it_and_once(operator: APIClient) -> None:
    for status in (201, 200):
        assert operator.post(URL, REPORT, format="json").status_code == status
    fact = EarningsDate.objects.current().get(symbol="MSFT")
    assert (str(fact.date), fact.time, fact.source, fact.why) == ("2024-08-20", "after", "person", "calendar")


def test_a_wrong_one_is_withdrawn_once(operator: APIClient) -> None:
    address = f"{URL}{EarningsDate.objects.current().get(symbol='MSFT').pk}/withdraw/"
    for status in (200, 409):
        assert operator.post(address, {"why": "wrong"}, format="json").status_code == status


@pytest.mark.parametrize(
    ("change", "status"),
    [({"time": "noon"}, 400), ({"why": " "}, 400), ({"date": "soon"}, 400), ({"symbol": "NOPE"}, 409)],
)
def test_what_is_no_fact_is_refused(operator: APIClient, change: dict[str, str], status: int) -> None:
    assert operator.post(URL, REPORT | change, format="json").status_code == status
    assert EarningsDate.objects.count() == 3


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("api earnings dates"):
        reader.get(URL)
