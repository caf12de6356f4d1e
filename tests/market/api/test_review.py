"""Data to review by the API: listed, seen with its version, decided about."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from market.models import Candle, Gap
from tests import make
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

URL = "/api/v1/data-to-review/"
BAR = "bar:AAPL:1d:1717459200"


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    make.only("AAPL", "MSFT")
    for day in range(1, 8):
        make.candle("AAPL", f"2024-06-{day:02}", 100.0 + day)
    Candle.objects.filter(opened_at__day=4).update(low=10.0, suspect=True)
    make.move("MSFT")
    gap()


def gap(hours: int = 0) -> Gap:
    at = make.T0 - timedelta(hours=hours)
    return Gap.objects.create(
        symbol="MSFT", timeframe="15m", first_at=at, last_at=at, bars=1, reason="outage", found_at=at
    )


@pytest.fixture
def operator(db: None) -> APIClient:
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    return with_token(user)


def decide(client: APIClient, act: str = "accept", item: str = BAR, **others: str) -> Any:
    body = {"act": act, "why": "seen on the tape"} | others
    body.setdefault("version", client.get(f"{URL}{item}/").json()["version"])
    return client.post(f"{URL}{item}/decide/", body, format="json")


def test_an_item_says_what_it_is_and_which_version(reader: APIClient) -> None:
    item = reader.get(f"{URL}{BAR}/").json()
    assert len(item.pop("version")) == 16
    assert item == {
        "id": BAR,
        "kind": "suspect",
        "symbol": "AAPL",
        "timeframe": "1d",
        "at": "2024-06-04T00:00:00Z",
        "source": "alpaca",
        "says": "open 104, high 104, low 10, close 104",
        "acts": ["accept", "drop", "fetch"],
    }


@pytest.mark.parametrize(
    ("query", "kinds"),
    [
        ("", ["gap", "move", "suspect"]),
        ("symbol=msft", ["gap", "move"]),
        ("kind=suspect", ["suspect"]),
        ("symbol=MSFT&kind=suspect", []),
    ],
)
def test_filters(reader: APIClient, query: str, kinds: list[str]) -> None:
    assert [row["kind"] for row in reader.get(f"{URL}?{query}").json()["results"]] == kinds


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    for hours in range(1, 30):
        gap(hours)
    with count_queries("api data to review"):
        assert reader.get(URL).status_code == 200


def test_a_bar_is_accepted_and_waits_no_more(operator: APIClient) -> None:
    assert decide(operator).json() == {"id": BAR, "waits": False}
    assert not Candle.objects.filter(suspect=True).exists()
    assert LogEntry.objects.get().user.username == "olga"
    assert operator.get(f"{URL}{BAR}/").status_code == 404


def test_a_bar_is_dropped(operator: APIClient) -> None:
    assert decide(operator, "drop").status_code == 200
    assert not Candle.objects.filter(opened_at__day=4).exists()


def test_what_has_changed_is_refused(operator: APIClient) -> None:
    answer = decide(operator, version="an older one")
    assert answer.status_code == 409
    assert "changed while you looked" in answer.json()["detail"]


def test_what_is_not_done_with_a_kind_is_refused(operator: APIClient) -> None:
    item = operator.get(f"{URL}?kind=gap").json()["results"][0]["id"]
    assert decide(operator, "drop", item).status_code == 409
    assert decide(operator, "accept", item).json()["waits"] is False


@pytest.mark.parametrize("body", [{"act": "real"}, {"why": ""}, {"why": "x" * 501}, {"act": "sell"}])
def test_half_a_decision_is_refused(operator: APIClient, body: dict[str, str]) -> None:
    assert decide(operator, **{"version": "x"} | body).status_code == 400


@pytest.mark.parametrize("item", ["bar:AAPL:1d:0", "bar:AAPL", "gap:0", "gap:x", "house:1", "bar:%00:1d:1"])
def test_what_does_not_wait_is_not_found(operator: APIClient, item: str) -> None:
    assert operator.get(f"{URL}{item}/").status_code == 404
    assert operator.post(f"{URL}{item}/decide/", {}, format="json").status_code == 404


def test_who_only_reads_decides_nothing(reader: APIClient, stranger: APIClient) -> None:
    assert decide(reader).status_code == 403
    assert stranger.get(URL).status_code == 401
    assert Candle.objects.filter(suspect=True).exists()
