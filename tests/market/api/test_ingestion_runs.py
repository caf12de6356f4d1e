from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from market.models import IngestionRun
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/ingestion-runs/"


def run(minute: int, kind: str = "quotes", outcome: str = "finished") -> IngestionRun:
    started = make.T0 + timedelta(minutes=minute)
    return IngestionRun.objects.create(
        kind=kind,
        outcome=outcome,
        started_at=started,
        finished_at=started + timedelta(seconds=2),
        asked=10,
        stored=9,
        failed=1,
        rows=9,
        providers={"alpaca": {"asked": 10, "stored": 9, "failed": 1, "seconds": 1.5}},
        failures={"TSLA": "alpaca: no such symbol"},
        rejected={"price_not_positive": {"count": 1, "example": "TSLA 0.0"}},
    )


def test_a_run_says_what_failed_and_what_was_refused(reader: APIClient) -> None:
    stored = run(0)
    assert reader.get(f"{URL}{stored.pk}/").json() == {
        "id": stored.pk,
        "kind": "quotes",
        "outcome": "finished",
        "started_at": "2024-07-03T14:00:00Z",
        "finished_at": "2024-07-03T14:00:02Z",
        "asked": 10,
        "stored": 9,
        "failed": 1,
        "waiting": 0,
        "rows": 9,
        "providers": {"alpaca": {"asked": 10, "stored": 9, "failed": 1, "seconds": 1.5}},
        "failures": {"TSLA": "alpaca: no such symbol"},
        "rejected": {"price_not_positive": {"count": 1, "example": "TSLA 0.0"}},
    }


def test_the_newest_come_first(reader: APIClient) -> None:
    runs = [run(0).pk, run(2).pk, run(1).pk, run(2).pk]
    listed = [row["id"] for row in reader.get(URL).json()["results"]]
    assert listed == [runs[3], runs[1], runs[2], runs[0]]


@pytest.mark.parametrize(("query", "count"), [("kind=quotes", 1), ("outcome=skipped", 1), ("", 2)])
def test_the_list_is_filtered(reader: APIClient, query: str, count: int) -> None:
    run(0)
    run(1, kind="candles", outcome="skipped")
    assert reader.get(f"{URL}?{query}").json()["count"] == count


def test_an_unknown_kind_is_refused_with_those_that_exist(reader: APIClient) -> None:
    answer = reader.get(f"{URL}?kind=orders")
    assert answer.status_code == 400
    assert "orders is not a known value. Choose from: quotes, candles, backfill." in answer.json()["detail"]


@pytest.mark.parametrize("runs", [1, 20])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, count_queries: CountQueries, runs: int
) -> None:
    for minute in range(runs):
        run(minute)
    with count_queries(
        "GET /api/v1/ingestion-runs/"
    ):  # two for the token, two for the role, the count, the page
        assert len(reader.get(URL).json()["results"]) == runs


@pytest.mark.parametrize("number", ["0", "999999999999999999", "99999999999999999999999"])
def test_a_run_that_never_was_is_not_found(reader: APIClient, number: str) -> None:
    assert reader.get(f"{URL}{number}/").status_code == 404


def test_runs_are_recorded_not_written(editor: APIClient) -> None:
    assert editor.post(URL, {"kind": "quotes"}).status_code in (403, 405)
    assert not IngestionRun.objects.exists()


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
