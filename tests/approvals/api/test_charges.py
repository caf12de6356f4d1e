"""GET /api/v1/charges/ and what a trade says of charges and of commissions that are not known."""

from decimal import Decimal

import pytest
from rest_framework.test import APIClient

from approvals.models import Charge
from approvals.positions import trades
from tests import make
from tests.approvals.positions.trades.rows import HOUR, LATER, entry, leave
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db
URL = "/api/v1/charges/"


@pytest.fixture(autouse=True)
def _market() -> None:
    make.only("AAPL", "MSFT")


def charge(number: str, kind: str = "fee", symbol: str = "AAPL") -> Charge:
    money = {"amount": Decimal("-0.13"), "currency": "USD", "what": "TAF fee"}
    at = {"at": make.T0 + HOUR, "recorded_at": make.T0 + 2 * HOUR}
    return Charge.objects.create(broker="paper", charge_id=number, kind=kind, symbol=symbol, **money, **at)


def test_each_says_its_kind_and_what_it_is_for(reader: APIClient) -> None:
    row = charge("C1")
    (answer,) = reader.get(URL).json()["results"]
    assert (answer["id"], answer["kind"], answer["amount"], answer["currency"]) == (
        row.pk,
        "fee",
        "-0.1300",
        "USD",
    )
    assert reader.get(f"{URL}{row.pk}/").json() == answer


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 2), ("?kind=interest", 1), ("?symbol=AAPL", 1), ("?charged_after=2024-07-04T00:00:00Z", 0)],
)
def test_filters(reader: APIClient, query: str, count: int) -> None:
    charge("C1")
    charge("C2", "interest", "")
    assert len(reader.get(f"{URL}{query}").json()["results"]) == count


def test_a_stranger_sees_none() -> None:
    assert APIClient().get(URL).status_code == 401


def test_a_trade_says_what_was_charged_and_what_is_not_known(reader: APIClient) -> None:
    leave(entry(), "192", make.T0 + HOUR, commission_unknown="The broker has not told it yet.")
    charge("C1")
    trades.refresh(LATER)
    (row,) = reader.get("/api/v1/trades/").json()["results"]
    assert (row["charges"], row["net"], row["commissions_unknown"]) == ("-0.130000", "59.870000", 1)


def test_a_position_says_that_a_commission_is_not_known(reader: APIClient) -> None:
    make.fill(entry(), 5, commission_unknown="The broker has not told it yet.")
    (row,) = reader.get("/api/v1/positions/").json()["results"]
    assert row["commissions_unknown"] == 1


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    charge("C1")
    with count_queries(f"GET {URL}"):
        reader.get(URL)
    charge("C2")
    with count_queries(f"GET {URL}"):
        reader.get(URL)
