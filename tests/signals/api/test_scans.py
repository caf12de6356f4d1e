"""GET and POST /api/v1/scans/, GET /api/v1/scans/{id}/"""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django_q.models import OrmQ
from rest_framework.test import APIClient

from signals import scan
from signals.models import Scan, StrategyConfig
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/scans/"


def finished(minute: int = 0, **values: Any) -> Scan:
    started = make.T0 + timedelta(minutes=minute)
    ended = {"outcome": Scan.Outcome.FINISHED, "finished_at": started + timedelta(seconds=2)}
    return Scan.objects.create(started_at=started, **ended | values)


def test_a_scan_says_what_it_counted(reader: APIClient) -> None:
    counts = [{"strategy_id": "ma_crossover_v1", "warming_up": 1, "reasons": {"warming_up": "needs 200"}}]
    scan = finished(evaluated=8, stored=1, counts=counts, ended={"bar revised": 2})
    assert reader.get(f"{URL}{scan.pk}/").json() == {
        "id": scan.pk,
        "trigger": "schedule",
        "outcome": "finished",
        "requested_by": None,
        "started_at": "2024-07-03T14:00:00Z",
        "finished_at": "2024-07-03T14:00:02Z",
        "evaluated": 8,
        "stored": 1,
        "counts": counts,
        "ended": {"bar revised": 2},
    }


def test_the_described_counts_are_those_of_a_scan(client: Client, db: None, macd: StrategyConfig) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    [counts] = scan.run(make.T0).counts
    assert described["Counts"]["properties"].keys() == counts.keys()


def test_counts_come_in_the_described_order(reader: APIClient, macd: StrategyConfig) -> None:
    address = f"{URL}{scan.run(make.T0).pk}/"
    [counts] = reader.get(address).json()["counts"]
    assert list(counts)[:4] == ["strategy_id", "timeframe", "symbols", "evaluated"]


def test_the_newest_come_first(reader: APIClient) -> None:
    ids = [finished(minute).pk for minute in (0, 2, 1, 2)]
    listed = [row["id"] for row in reader.get(URL).json()["results"]]
    assert listed == [ids[3], ids[1], ids[2], ids[0]]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("outcome=skipped", 1),
        ("started_after=2024-07-03T14:01:00Z", 2),
        ("started_before=2024-07-03T14:01:00Z", 1),
        ("outcome=finished&started_after=2024-07-03T14:01:00Z", 1),
    ],
)
def test_the_list_is_filtered(reader: APIClient, query: str, count: int) -> None:
    finished(0)
    finished(1)
    finished(2, outcome=Scan.Outcome.SKIPPED)
    assert reader.get(f"{URL}?{query}").json()["count"] == count


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("outcome=lost", "Choose from: queued, running, finished, skipped, broken."),
        ("started_after=soon", "started_after: Give an instant such as"),
        ("symbol=AAPL", "symbol is not a known parameter. Choose from: outcome, started_after"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("scans", [1, 20])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, trader: APIClient, count_queries: CountQueries, scans: int
) -> None:
    for _ in range(scans):
        trader.post(URL)
    with count_queries("GET /api/v1/scans/"):  # two for the token, two for the role, the count, the page
        rows = reader.get(URL).json()["results"]
    assert [row["requested_by"] for row in rows] == ["trader"] * scans


def test_a_scan_that_was_asked_for_is_queued_and_has_an_address(trader: APIClient) -> None:
    answer = trader.post(URL)
    shown = answer.json()
    assert (answer.status_code, shown["outcome"], shown["requested_by"]) == (202, "queued", "trader")
    assert trader.get(answer["Location"]).json() == shown
    assert OrmQ.objects.get().task["args"] == (shown["id"],)


def test_it_is_written_down(trader: APIClient) -> None:
    created = trader.post(URL).json()
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id) == ("trader", str(created["id"]))
    assert entry.get_change_message() == "Asked for."


def test_asking_for_a_scan_says_nothing_else(trader: APIClient) -> None:
    answer = trader.post(URL, {"symbol": "AAPL"})
    assert answer.status_code == 400
    assert "symbol is not a known field. Choose from: none, the body is empty." in answer.json()["detail"]
    assert not Scan.objects.exists()


@pytest.mark.parametrize("number", ["0", "999999999999999999", "99999999999999999999999"])
def test_a_scan_that_never_was_is_not_found(reader: APIClient, number: str) -> None:
    assert reader.get(f"{URL}{number}/").status_code == 404


def test_a_reader_may_not_ask_for_one(reader: APIClient) -> None:
    assert reader.post(URL).status_code == 403
    assert not Scan.objects.exists()


def test_a_stranger_may_not_read_or_ask(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.post(URL).status_code == 401
