"""The search for what to add, and what a provider says of what is added."""

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from market.models import Instrument
from tests import make
from tests.loopback import alpaca, bridge
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries
from tests.vendors import Alpaca, IBBridge, faults

__all__ = ["alpaca", "bridge"]
URL = "/api/v1/instruments/search/"


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")


@pytest.fixture
def trader() -> APIClient:
    return with_token(make.trader())


def test_the_stored_ones_come_before_what_a_provider_lists(
    trader: APIClient, alpaca: Alpaca, count_queries: CountQueries
) -> None:
    make.instrument("APLE", watched=False)
    Instrument.objects.filter(pk="APLE").update(name="Apple Hospitality")
    with count_queries("GET /api/v1/instruments/search/"):
        answer = trader.get(URL, {"q": "apple"}).json()
    assert [(row["symbol"], row["watched"]) for row in answer["results"]] == [("AAPL", True), ("APLE", False)]
    (found,) = trader.get(URL, {"q": "berkshire"}).json()["results"]
    assert (found["symbol"], found["watched"], found["kind"]) == ("BRK.B", None, "share")


@pytest.mark.parametrize("q", ["brk-b", "BRK B", "BRKB"])
def test_any_spelling_finds_it(trader: APIClient, alpaca: Alpaca, q: str) -> None:
    assert [row["symbol"] for row in trader.get(URL, {"q": q}).json()["results"]] == ["BRK.B"]


def test_a_name_in_letters_of_other_languages_finds_it(trader: APIClient, alpaca: Alpaca) -> None:
    make.instrument("NESN", watched=False)
    Instrument.objects.filter(pk="NESN").update(name="Nestlé")
    results = trader.get(URL, {"q": "nestlé"}).json()["results"]
    assert [row["symbol"] for row in results] == ["NESN"]


def test_what_nobody_has_says_what_it_looks_like(trader: APIClient, alpaca: Alpaca) -> None:
    answer = trader.get(URL, {"q": "AAPL240719C00190000"}).json()
    assert (answer["results"], answer["provider"]) == ([], "alpaca")
    assert "It looks like an option" in answer["reason"]


def test_a_provider_that_fails_is_told_of(trader: APIClient, alpaca: Alpaca) -> None:
    alpaca.fail(faults.status(503))
    answer = trader.get(URL, {"q": "berkshire"})
    assert (answer.status_code, "503" in answer.json()["detail"]) == (503, True)
    assert answer["Retry-After"] == "60"
    stored = trader.get(URL, {"q": "aapl"}).json()
    assert ([row["symbol"] for row in stored["results"]], "503" in stored["reason"]) == (["AAPL"], True)


def test_without_a_provider_that_can_be_asked_it_says_so(trader: APIClient, bridge: IBBridge) -> None:
    assert "IB Bridge cannot be asked" in trader.get(URL, {"q": "berkshire"}).json()["detail"]


@pytest.mark.parametrize("query", [{}, {"q": " "}, {"q": "x" * 41}])
def test_what_is_no_search_is_refused(trader: APIClient, query: dict[str, str]) -> None:
    assert trader.get(URL, query).status_code == 400


def test_who_edits_no_lists_and_a_narrower_token_search_what_is_stored(
    reader: APIClient, nobody: APIClient, alpaca: Alpaca
) -> None:
    for client in (reader, with_token(make.trader("cat"), "decide")):
        answer = client.get(URL, {"q": "aapl"}).json()
        assert [row["symbol"] for row in answer["results"]] == ["AAPL"]
        assert "Only stored instruments" in answer["reason"]
    assert alpaca.visits == []
    assert nobody.get(URL, {"q": "apple"}).status_code == 403


def test_an_added_one_is_filled_in_by_the_provider(editor: APIClient, alpaca: Alpaca) -> None:
    added = editor.post("/api/v1/instruments/", {"symbol": "brk-b", "name": "Berkshire"}).json()
    assert (added["symbol"], added["name"], added["exchange"], added["kind"]) == (
        "BRK.B",
        "Berkshire",
        "XNYS",
        "share",
    )
    assert (added["details_from"], added["warning"]) == ("alpaca", "")


def test_an_added_one_that_is_delisted_or_unknown_is_warned_of(editor: APIClient, alpaca: Alpaca) -> None:
    gone = editor.post("/api/v1/instruments/", {"symbol": "TWTR"}).json()
    assert (gone["watched"], gone["status"]) == (False, "delisted")
    assert "delisted: added for its history only" in gone["warning"]
    slip = editor.post("/api/v1/instruments/", {"symbol": "APPL"}).json()
    assert "Alpaca does not have it. It looks like AAPL." in slip["warning"]
