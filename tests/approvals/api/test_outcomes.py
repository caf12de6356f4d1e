import pytest
from rest_framework.test import APIClient

from signals.trades import End
from tests import make
from tests.approvals.api.test_scorecard import viewer
from tests.approvals.outcome_rows import outcome
from tests.market.api.conftest import nobody, stranger
from tests.query_counts import CountQueries

__all__ = ["nobody", "stranger", "viewer"]

URL = "/api/v1/outcomes/"


def test_an_outcome_says_how_it_turned_out(viewer: APIClient) -> None:
    stored = outcome(
        0, "decision", "approved", entry=185.0, exit=191.75, entered_at=make.T0, exited_at=make.T0
    )
    assert viewer.get(URL).json()["results"] == [
        {
            "signal": str(stored.signal_id),
            "ledger": "decision",
            "group": "approved",
            "symbol": "AAPL",
            "strategy_id": "macd_crossover_v1",
            "timeframe": "1d",
            "signal_type": "BUY",
            "confidence": "0.7000",
            "generated_at": "2024-01-01T20:00:00Z",
            "since": "2024-01-01T20:00:00Z",
            "decided_by": "Ann",
            "played_on": "1d",
            "end": "target",
            "race": "target",
            "luck": 0.5,
            "entered_at": "2024-07-03T14:00:00Z",
            "entry": 185.0,
            "exited_at": "2024-07-03T14:00:00Z",
            "exit": 191.75,
            "r": 1.0,
            "planned_r": None,
            "is_final": True,
            "computed_at": "2024-07-03T14:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        ("", ["open", "stop", "target"]),
        ("ledger=decision", ["stop"]),
        ("group=rejected", ["stop"]),
        ("timeframe=15m", ["open"]),
        ("strategy=rsi_momentum_v1", []),
        ("limit=1", ["open"]),
    ],
)
def test_the_list_is_filtered_newest_first(viewer: APIClient, query: str, ends: list[str]) -> None:
    outcome(0)
    outcome(1, "decision", "rejected", End.STOP)
    outcome(2, end=End.OPEN, timeframe="15m")
    assert [row["end"] for row in viewer.get(f"{URL}?{query}").json()["results"]] == ends


def test_both_outcomes_of_a_signal_are_found(viewer: APIClient) -> None:
    signal = outcome(0, "signal", "rejected").signal_id
    outcome(0, "decision", "rejected")
    outcome(1)
    rows = viewer.get(f"{URL}?signal={signal}").json()["results"]
    assert {row["ledger"] for row in rows} == {"signal", "decision"}


@pytest.mark.parametrize("query", ["ledger=x", "group=x", "signal=x", "verdict=x"])
def test_what_it_does_not_know_is_refused(viewer: APIClient, query: str) -> None:
    assert viewer.get(f"{URL}?{query}").status_code == 400


def test_a_stranger_may_not(stranger: APIClient, nobody: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert nobody.get(URL).status_code == 403


def test_the_list_takes_as_many_queries_for_many_rows(viewer: APIClient, count_queries: CountQueries) -> None:
    outcome(0, "decision", "approved")
    with count_queries("GET /api/v1/outcomes/"):
        viewer.get(URL)
    for n in range(1, 4):
        outcome(n, "decision", "approved")
    with count_queries("GET /api/v1/outcomes/"):
        assert len(viewer.get(URL).json()["results"]) == 4
