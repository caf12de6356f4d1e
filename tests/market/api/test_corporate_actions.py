from datetime import date
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from market.models import Candle, CorporateAction, Instrument, SymbolChange
from tests import make
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

URL = "/api/v1/corporate-actions/"
DIVIDEND: dict[str, object] = {
    "symbol": "AAPL",
    "kind": "dividend",
    "ex_date": "2024-08-12",
    "amount": "0.26",
    "currency": "usd",
    "pay_date": "2024-08-15",
    "why": "notice",
}


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


def test_who_only_reads_records_nothing(reader: APIClient) -> None:
    assert reader.post(URL, DIVIDEND, format="json").status_code == 403
    assert reader.post(f"{URL}1/withdraw/", {"why": "wrong"}, format="json").status_code == 403


@pytest.mark.parametrize("scope", ["read", "propose", "decide"])
def test_a_narrower_token_of_an_operator_records_nothing(olga: User, scope: str) -> None:
    assert with_token(olga, scope).post(URL, DIVIDEND, format="json").status_code == 403


def test_a_dividend_is_recorded_with_who_and_why_and_once(operator: APIClient) -> None:
    made = operator.post(URL, DIVIDEND, format="json")
    assert (made.status_code, made.json()["amount"], made.json()["source"]) == (201, "0.26000000", "person")
    fact = CorporateAction.objects.get(pk=made.json()["id"])
    assert (str(fact.recorded_by), fact.why, fact.pay_date) == ("olga", "notice", date(2024, 8, 15))
    again = operator.post(URL, DIVIDEND, format="json")
    assert (again.status_code, again.json()["id"]) == (200, fact.pk)
    assert LogEntry.objects.count() == 1


def test_it_takes_the_place_of_a_providers_of_that_day(operator: APIClient) -> None:
    operator.post(URL, DIVIDEND | {"ex_date": "2024-05-10"}, format="json")
    standing = CorporateAction.objects.current().get(symbol="AAPL", kind="dividend")
    assert (standing.amount, standing.source) == (Decimal("0.26"), "person")


def test_a_change_of_symbol_is_followed_at_once_and_once(operator: APIClient) -> None:
    make.candle("AAPL", "2024-07-01", 100.0)
    change = {"symbol": "aapl", "kind": "symbol change", "ex_date": "2024-07-02", "new_symbol": "orch"}
    for status in (201, 200):
        assert operator.post(URL, change | {"why": "notice"}, format="json").status_code == status
    assert (SymbolChange.objects.get().new, str(SymbolChange.objects.get().followed_by)) == ("ORCH", "olga")
    assert Candle.objects.get().symbol == "ORCH"


def test_a_change_of_symbol_that_cannot_be_followed_is_not_recorded(operator: APIClient) -> None:
    make.signal("AAPL")
    make.signal("MSFT")
    change = {"symbol": "AAPL", "kind": "symbol change", "ex_date": "2024-07-02", "new_symbol": "MSFT"}
    refused = operator.post(URL, change | {"why": "notice"}, format="json")
    assert (refused.status_code, "stay apart" in refused.json()["detail"]) == (409, True)
    assert not CorporateAction.objects.filter(kind="symbol change").exists()


def test_a_delisting_is_followed_and_undone_when_it_is_withdrawn(operator: APIClient) -> None:
    delisting = {"symbol": "AAPL", "kind": "delisting", "ex_date": "2024-07-01", "why": "notice"}
    made = operator.post(URL, delisting, format="json").json()
    assert not Instrument.objects.get(pk="AAPL").watched
    address = f"{URL}{made['id']}/withdraw/"
    withdrawn = operator.post(address, {"why": "of another share"}, format="json")
    assert (withdrawn.status_code, withdrawn.json()["ended_at"] is None) == (200, False)
    assert Instrument.objects.get(pk="AAPL").watched
    assert operator.post(address, {"why": "again"}, format="json").status_code == 409


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"amount": "0"}, 422),
        ({"amount": 0.26}, 400),
        ({"amount": "-1"}, 400),
        ({"currency": ""}, 422),
        ({"currency": "dollars"}, 400),
        ({"why": ""}, 400),
        ({"kind": "split"}, 422),
        ({"kind": "split", "ratio": "1"}, 422),
        ({"kind": "symbol change"}, 422),
        ({"kind": "symbol change", "new_symbol": "AAPL"}, 422),
        ({"kind": "gift"}, 400),
        ({"ex_date": "15.8.2024"}, 400),
        ({"symbol": "A B C"}, 400),
        ({"source": "alpaca"}, 400),
        ({"symbol": "NOPE"}, 409),
    ],
)
def test_what_is_no_fact_is_refused(operator: APIClient, change: dict[str, object], status: int) -> None:
    assert operator.post(URL, DIVIDEND | change, format="json").status_code == status
    assert CorporateAction.objects.count() == 4


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("api corporate actions"):
        reader.get(URL)


def test_what_asks_is_answered_once_by_who_may(operator: APIClient, reader: APIClient) -> None:
    Instrument.objects.update(watched=True)
    symbol = Instrument.objects.values_list("pk", flat=True)[0]
    today = timezone.now()
    fact = make.action(symbol, str(today.date()), kind="rights", ratio=1, recorded_at=today)
    assert [row["id"] for row in reader.get(URL, {"asks": "true"}).json()["results"]] == [fact.pk]
    address, body = f"{URL}{fact.pk}/answer/", {"text": "the rights were sold"}
    assert reader.post(address, body, format="json").status_code == 403
    assert operator.post(address, body, format="json").json()["answer"] == "the rights were sold"
    assert operator.post(address, body, format="json").status_code == 409
    assert reader.get(URL, {"asks": "true"}).json()["results"] == []
