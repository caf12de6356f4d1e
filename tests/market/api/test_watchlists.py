from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from rest_framework.test import APIClient

from market.imports.master import watchlists
from market.models import Instrument, Watchlist
from tests import make
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

LISTS, ENTRIES = "/api/v1/watchlists/", "/api/v1/watchlist-entries/"


@pytest.fixture
def tech(db: None) -> Watchlist:
    make.only("AAPL", "MSFT")
    return watchlists.create("Tech", by=make.trader("bob"), at=timezone.now(), with_watched=True)


@pytest.fixture
def trader(tech: Watchlist) -> APIClient:
    return with_token(make.trader())


def symbols(client: APIClient, tech: Watchlist) -> list[str]:
    return [row["symbol"] for row in client.get(ENTRIES, {"watchlist": tech.pk}).json()["results"]]


def test_the_list_says_how_many_there_are(
    reader: APIClient, tech: Watchlist, count_queries: CountQueries
) -> None:
    with count_queries("GET /api/v1/watchlists/"):
        answer = reader.get(LISTS)
    (row,) = answer.json()["results"]
    assert (row["name"], row["size"], row["created_by"]) == ("Tech", 2, "bob")


def test_entries_come_in_their_order(reader: APIClient, tech: Watchlist, count_queries: CountQueries) -> None:
    with count_queries("GET /api/v1/watchlist-entries/"):
        answer = reader.get(ENTRIES)
    assert [(row["symbol"], row["position"]) for row in answer.json()["results"]] == [
        ("AAPL", 1),
        ("MSFT", 2),
    ]


def test_a_list_is_made_renamed_and_deleted(trader: APIClient) -> None:
    made = trader.post(LISTS, {"name": " Banks "})
    assert (made.status_code, made.json()["name"], made.json()["created_by"]) == (201, "Banks", "ann")
    address = f"{LISTS}{made.json()['id']}/"
    assert trader.patch(address, {"name": "tech"}).status_code == 409
    assert trader.patch(address, {"name": "Insurers"}).json()["name"] == "Insurers"
    assert trader.patch(address, {}).json()["name"] == "Insurers"
    assert (trader.delete(address).status_code, trader.get(address).status_code) == (204, 404)


def test_an_entry_is_added_in_any_spelling_noted_moved_and_removed(
    trader: APIClient, tech: Watchlist
) -> None:
    body = {"watchlist": tech.pk, "symbol": "brk-b", "note": "Cheap?"}
    added = trader.post(ENTRIES, body)
    assert (added.status_code, added.json()["symbol"]) == (201, "BRK.B")
    assert Instrument.objects.get(pk="BRK.B").name == "Berkshire Hathaway Inc. Class B"
    assert trader.post(ENTRIES, body).status_code == 200
    address = f"{ENTRIES}{added.json()['id']}/"
    moved = trader.patch(address, {"move": "up", "note": "Yes."}, headers={"If-Match": added["ETag"]})
    assert (moved.json()["position"], moved.json()["note"]) == (2, "Yes.")
    assert symbols(trader, tech) == ["AAPL", "BRK.B", "MSFT"]
    assert trader.delete(address).status_code == 204
    assert symbols(trader, tech) == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"symbol": "APPL"}, 422, "It looks like AAPL."),
        ({"watchlist": 10**9}, 422, "no such watchlist"),
        ({"symbol": ""}, 400, "blank"),
        ({"note": "x" * 501}, 400, "500 characters"),
        ({"colour": "red"}, 400, "not a known field"),
    ],
)
def test_an_unfit_entry_is_refused(
    trader: APIClient, tech: Watchlist, fields: dict[str, Any], status: int, said: str
) -> None:
    answer = trader.post(ENTRIES, {"watchlist": tech.pk, "symbol": "IBM"} | fields)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert tech.entries.count() == 2


def test_who_may_only_read_changes_nothing(reader: APIClient, tech: Watchlist) -> None:
    entry = tech.entries.first()
    assert entry is not None
    answers = [
        reader.post(LISTS, {"name": "x"}),
        reader.patch(f"{LISTS}{tech.pk}/", {"name": "x"}),
        reader.delete(f"{LISTS}{tech.pk}/"),
        reader.post(ENTRIES, {"watchlist": tech.pk, "symbol": "IBM"}),
        reader.patch(f"{ENTRIES}{entry.pk}/", {"note": "x"}, headers={"If-Match": '"x"'}),
        reader.delete(f"{ENTRIES}{entry.pk}/"),
        reader.post(f"{LISTS}{tech.pk}/import/", {"text": "IBM"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 7


def test_a_token_of_a_narrower_scope_changes_nothing(tech: Watchlist) -> None:
    client = with_token(make.trader("cat"), "decide")
    assert client.get(LISTS).status_code == 200
    assert client.post(LISTS, {"name": "x"}).status_code == 403


def test_who_may_read_no_lists_reads_none(tech: Watchlist) -> None:
    user = User.objects.create_user("dan")
    user.user_permissions.set(Permission.objects.filter(codename="view_instrument"))
    assert with_token(user).get(ENTRIES).status_code == 403


def test_a_stale_edit_is_told_what_it_is_now_and_writes_nothing(trader: APIClient, tech: Watchlist) -> None:
    entry = tech.entries.get(instrument="AAPL")
    address = f"{ENTRIES}{entry.pk}/"
    seen = {"If-Match": trader.get(address)["ETag"]}
    assert trader.patch(address, {"note": "x"}).status_code == 428
    assert trader.patch(address, {"note": "Theirs"}, headers=seen).json()["note"] == "Theirs"
    stale = trader.patch(address, {"note": "Mine"}, headers=seen)
    now = stale.json()
    assert (stale.status_code, now["entry"]["note"]) == (412, "Theirs")
    assert stale["ETag"] == f'"{now["etag"]}"' == trader.get(address)["ETag"]
    assert trader.patch(address, {"note": "Mine"}, headers={"If-Match": stale["ETag"]}).status_code == 200


def test_a_moved_neighbour_makes_no_edit_stale(trader: APIClient, tech: Watchlist) -> None:
    rows = trader.get(ENTRIES, {"watchlist": tech.pk}).json()["results"]
    for row in rows:
        answer = trader.patch(
            f"{ENTRIES}{row['id']}/", {"move": "up"}, headers={"If-Match": f'"{row["etag"]}"'}
        )
        assert answer.status_code == 200


def test_a_pasted_list_says_of_every_line_what_became_of_it(trader: APIClient, tech: Watchlist) -> None:
    address = f"{LISTS}{tech.pk}/import/"
    text = "###Value,NYSE:BRK.B,AAPL,APPL,ES=F"
    assert trader.post(address, {"text": text, "look": True}).json()["already"] == []
    assert tech.entries.count() == 2
    answer = trader.post(address, {"text": text}).json()
    assert [(row["symbol"], row["is_added"]) for row in answer["instruments"]] == [
        ("BRK.B", True),
        ("AAPL", True),
        ("APPL", False),
    ]
    assert "It looks like AAPL." in answer["instruments"][2]["reason"]
    assert (answer["already"], answer["left_out"][0]["given"]) == (["AAPL"], "ES=F")
    assert [(row.instrument_id, row.group) for row in tech.entries.all()][-1] == ("BRK.B", "Value")
    assert trader.post(address, {"text": "AAPL,\n" * 2_001}).status_code == 422


@pytest.mark.parametrize("address", ["instruments", "quotes", "signals"])
def test_other_lists_are_narrowed_to_a_watchlist(trader: APIClient, tech: Watchlist, address: str) -> None:
    make.quote("MSFT", 400.0)
    make.signal("MSFT")
    make.instrument("IBM")
    make.quote("IBM", 200.0)
    make.signal("IBM")
    tech.entries.filter(instrument="AAPL").delete()
    rows = trader.get(f"/api/v1/{address}/?list={tech.pk}").json()["results"]
    assert [row["symbol"] for row in rows] == ["MSFT"]
    missing = trader.get(f"/api/v1/{address}/?list={10**9}")
    assert (missing.status_code, "no such watchlist" in missing.json()["detail"]) == (422, True)
    assert trader.get(f"/api/v1/{address}/?list=x").status_code == 400
