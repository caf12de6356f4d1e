from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from pytest_django import Settings
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from market.api.instruments import InstrumentSerializer
from market.models import Instrument
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/instruments/"


@pytest.fixture(autouse=True)
def watchlist(db: None) -> None:
    make.only("AAPL", "MSFT")
    make.round_the_clock(timezone.now(), days=1, ahead=400)


def symbols(answer: Any) -> list[str]:
    return [row["symbol"] for row in answer.json()["results"]]


def test_the_list_is_by_symbol_and_says_what_is_known(reader: APIClient) -> None:
    first = reader.get(URL, {"watched": "true"}).json()["results"][0]
    assert first == {
        "symbol": "AAPL",
        "name": "Apple",
        "exchange": "",
        "kind": "unknown",
        "calendar": "XNYS",
        "currency": "USD",
        "tick_size": "0.010000",
        "lot_size": 1,
        "status": "unknown",
        "delisted_on": None,
        "borrowable": None,
        "details_from": "",
        "details_at": None,
        "watched": True,
        "split_pending_since": None,
    }


def test_the_list_is_filtered_by_watched(reader: APIClient) -> None:
    assert symbols(reader.get(URL, {"watched": "true"})) == ["AAPL", "MSFT"]
    assert "AAPL" not in symbols(reader.get(URL, {"watched": "false"}))


@pytest.mark.parametrize("query", ["status=delisted", "kind=ETF"])
def test_the_list_is_filtered_by_status_and_kind(reader: APIClient, query: str) -> None:
    Instrument.objects.filter(pk="MSFT").update(status="delisted", kind="ETF")
    assert symbols(reader.get(f"{URL}?{query}")) == ["MSFT"]


def test_the_list_comes_in_pages(reader: APIClient) -> None:
    page = reader.get(f"{URL}?limit=1&offset=1&watched=true")
    assert (symbols(page), page.json()["count"], page.json()["next"]) == (["MSFT"], 2, None)
    assert page.json()["previous"] == "http://testserver/api/v1/instruments/?limit=1&watched=true"


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, count_queries: CountQueries
) -> None:
    with count_queries(
        "GET /api/v1/instruments/"
    ):  # two for the token, two for the role, the count, the page
        assert len(symbols(reader.get(URL))) == 10


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("watched=perhaps", "watched: perhaps is not a known value. Choose from: true, false."),
        ("colour=red", "colour: colour is not a known parameter. Choose from: watched, status, kind"),
        ("limit=1001", "limit: Ensure this value is less than or equal to 1000."),
        ("limit=0", "limit: Ensure this value is greater than or equal to 1."),
        ("offset=-1", "offset: Ensure this value is greater than or equal to 0."),
        ("limit=1&limit=2", "limit: Give it once. Several values are separated by commas."),
        ("format=csv", "format: csv is not a known value. Choose from: json."),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("address", ["AAPL/", "AAPL", "aapl/"])
def test_one_is_found_by_its_symbol(reader: APIClient, address: str) -> None:
    assert reader.get(URL + address).json()["name"] == "Apple"


@pytest.mark.parametrize("symbol", ["BRK.B", "BTC/USD"])
def test_a_symbol_with_a_dot_or_a_slash_has_an_address(reader: APIClient, symbol: str) -> None:
    make.instrument(symbol)
    assert reader.get(f"{URL}{symbol}/").json()["symbol"] == symbol


def test_an_added_one_is_watched_and_written_down(editor: APIClient) -> None:
    answer = editor.post(URL, {"symbol": " brk.b ", "name": "Berkshire", "calendar": "24/7"})
    assert (answer.status_code, answer.json()["symbol"]) == (201, "BRK.B")
    assert Instrument.objects.get(symbol="BRK.B").watched
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id, entry.get_change_message()) == ("editor", "BRK.B", "Added.")


def test_adding_needs_no_closing_slash(editor: APIClient) -> None:
    assert editor.post(URL.rstrip("/"), {"symbol": "IBM", "calendar": "24/7"}).status_code == 201


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("symbol", "AAPL", "already exists"),
        ("symbol", "A PPL", "16 letters, digits"),
        ("symbol", "A\0", "Null characters"),
        ("symbol", True, "Not a valid string"),
        ("symbol", {"a": 1}, "Not a valid string"),
        ("symbol", None, "may not be null"),
        ("calendar", "NOWHERE", "no exchange calendar is called 'NOWHERE'"),
        ("tick_size", "NaN", "valid number"),
        ("tick_size", "-1", "greater than"),
        ("lot_size", 0, "greater than"),
        ("kind", "stock", "not a valid choice"),
        ("watched", [], "valid boolean"),
        ("colour", "red", "not a known field"),
    ],
)
def test_an_unfit_one_is_refused(editor: APIClient, field: str, value: Any, complaint: str) -> None:
    answer = editor.post(URL, {"symbol": "IBM", "calendar": "24/7", field: value})
    status = 422 if complaint.startswith(("already", "no exchange")) else 400
    assert (answer.status_code, list(answer.json()["errors"])) == (status, [field])
    assert complaint in answer.json()["detail"]
    assert not Instrument.objects.filter(symbol="IBM").exists()
    assert not LogEntry.objects.exists()


def test_of_two_who_add_it_at_once_the_second_is_told(watchlist: None) -> None:
    second = InstrumentSerializer(data={"symbol": "IBM", "calendar": "24/7"})
    second.is_valid(raise_exception=True)
    make.instrument("IBM")
    with pytest.raises(ValidationError, match="Someone else has just added it"):
        second.save()


def test_a_change_writes_down_the_fields_that_changed(editor: APIClient) -> None:
    answer = editor.patch(f"{URL}AAPL/", {"watched": False, "name": "Apple"})
    assert (answer.status_code, answer.json()["watched"]) == (200, False)
    assert not Instrument.objects.get(symbol="AAPL").watched
    assert LogEntry.objects.get().get_change_message() == "Changed Watched."


def test_a_change_leaves_alone_what_ingestion_writes_meanwhile(editor: APIClient) -> None:
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=make.T0)
    editor.patch(f"{URL}AAPL/", {"watched": False, "split_pending_since": None})
    assert Instrument.objects.get(symbol="AAPL").split_pending_since == make.T0


def test_the_same_change_twice_is_written_down_once(editor: APIClient) -> None:
    for _ in range(2):
        assert editor.patch(f"{URL}AAPL/", {"watched": False}).status_code == 200
    assert LogEntry.objects.count() == 1


def test_a_symbol_never_changes(editor: APIClient) -> None:
    assert editor.patch(f"{URL}AAPL/", {"symbol": "APPL"}).json()["errors"].keys() == {"symbol"}
    assert Instrument.objects.filter(symbol="AAPL").exists()


@pytest.mark.parametrize("method", ["put", "delete"])
def test_none_is_replaced_or_deleted(editor: APIClient, method: str) -> None:
    assert getattr(editor, method)(f"{URL}AAPL/").status_code in (403, 405)
    assert Instrument.objects.filter(symbol="AAPL").exists()


def test_a_reader_may_not_add_or_change(reader: APIClient) -> None:
    assert reader.post(URL, {"symbol": "IBM", "calendar": "24/7"}).status_code == 403
    assert reader.patch(f"{URL}AAPL/", {"watched": False}).status_code == 403
    assert Instrument.objects.watched().count() == 2


def test_a_stranger_may_not_even_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.post(URL, {"symbol": "IBM"}).status_code == 401


def test_what_the_watchlist_then_asks_too_much_of_is_in_the_answer(
    editor: APIClient, settings: Settings
) -> None:
    settings.DATA_KIND, settings.PROVIDERS = "real", ["ib_bridge"]
    settings.IB_BRIDGE_URL, settings.CANDLE_TIMEFRAMES = "http://127.0.0.1:1", ["1m"]
    make.only(*(f"S{number}" for number in range(6)))
    warning = "7 instruments on 1m need 7.0 requests a minute; IB Bridge allows 6.0"
    added = editor.post(URL, {"symbol": "S6", "calendar": "24/7"}).json()
    assert added["warning"].startswith(warning)
    assert editor.patch(f"{URL}S6/", {"watched": False}).json()["warning"] == ""
    assert editor.patch(f"{URL}S6/", {"watched": True}).json()["warning"].startswith(warning)


@pytest.mark.parametrize("written", ["brk-b", "BRK/B", "BRK.B"])
def test_a_new_one_is_stored_in_our_spelling(editor: APIClient, written: str) -> None:
    entry = {"symbol": written, "calendar": "24/7"}
    assert editor.post(URL, entry).json()["symbol"] == "BRK.B"
    again = editor.post(URL, entry | {"symbol": "BRK-B"})
    assert (again.status_code, Instrument.objects.filter(pk="BRK.B").count()) == (422, 1)
    assert "already exists" in again.content.decode()
