"""GET /api/v1/drifts/, POST /api/v1/drifts/{id}/answer/"""

import pytest
from rest_framework.test import APIClient

from approvals import positions
from approvals.models import AuditEvent, Order
from tests import make
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db
URL = "/api/v1/drifts/"
SOLD = {"answer": "adopt", "price": "184.5", "why": "sold at the broker's page"}


@pytest.fixture(autouse=True)
def held() -> Order:
    make.only("AAPL", "MSFT")
    return make.held()


def test_they_are_listed_with_what_is_gone(reader: APIClient) -> None:
    drift = make.drift(held=4)
    (row,) = reader.get(URL).json()["results"]
    assert (row["id"], row["symbol"], row["ours"], row["held"], row["gone"]) == (drift.pk, "AAPL", 10, "4", 6)
    assert (row["answer"], row["answered_by"]) == (None, None)


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 1), ("?open=true", 1), ("?open=false", 0), ("?symbol=MSFT", 0), ("?cause=split", 0)],
)
def test_filters(reader: APIClient, query: str, count: int) -> None:
    make.drift()
    assert len(reader.get(f"{URL}{query}").json()["results"]) == count


def test_an_answer_closes_what_is_gone_once(trader: APIClient) -> None:
    address = f"{URL}{make.drift().pk}/answer/"
    answer = trader.post(address, SOLD, format="json")
    assert answer.status_code == 200
    assert (answer.json()["answer"], answer.json()["answered_by"], answer.json()["price"]) == (
        *("adopt", "ann", "184.500000"),
    )
    assert positions.of("AAPL").quantity == 0
    assert "sold at the broker's page" in AuditEvent.objects.get(kind="drift answered").text
    assert trader.post(address, SOLD).status_code == 409
    assert Order.objects.filter(kind="close").count() == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"answer": "keep"}, 400),
        ({"why": ""}, 400),
        ({"price": "-1"}, 400),
        ({"price": None}, 409),
        ({"answer": "not_ours", "price": None}, 409),
        ({"answer": "write_off"}, 409),
        ({"by": "ann"}, 400),
    ],
)
def test_what_cannot_be_is_refused(trader: APIClient, change: dict[str, object], status: int) -> None:
    answer = trader.post(f"{URL}{make.drift().pk}/answer/", SOLD | change, format="json")
    assert answer.status_code == status
    assert positions.of("AAPL").quantity == 10


def test_who_may_not(reader: APIClient, stranger: APIClient) -> None:
    address = f"{URL}{make.drift().pk}/answer/"
    assert reader.post(address, SOLD).status_code == 403
    assert stranger.get(URL).status_code == 401
    narrow = with_token(make.trader("bea"), scope="propose")
    assert narrow.post(address, SOLD).status_code == 403
    assert positions.of("AAPL").quantity == 10


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    make.drift()
    with count_queries(f"GET {URL}"):
        reader.get(URL)
    make.drift("MSFT")
    with count_queries(f"GET {URL}"):
        reader.get(URL)
