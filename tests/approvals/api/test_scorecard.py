import json

import pytest
from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from signals.trades import End
from tests import make
from tests.approvals.outcome_rows import outcome
from tests.market.api.conftest import nobody, stranger, with_token
from tests.query_counts import CountQueries

__all__ = ["nobody", "stranger"]

URL = "/api/v1/scorecard/"


@pytest.fixture
def viewer(db: None) -> APIClient:
    user = User.objects.create_user("viewer")
    user.user_permissions.add(Permission.objects.get(codename="view_outcome"))
    return with_token(user)


def test_a_row_has_the_signals_and_the_decisions(viewer: APIClient) -> None:
    outcome(0, "signal", "approved")
    outcome(0, "decision", "approved", End.STOP)
    answer = viewer.get(URL).json()
    [row] = answer["results"]
    assert (row["strategy"], row["timeframe"], row["symbol"], row["user"]) == (
        "macd_crossover_v1",
        "1d",
        None,
        None,
    )
    assert (row["signals"], row["approved"], row["rejected"], row["expired"], row["void"]) == (1, 1, 0, 0, 0)
    assert row["signal_ledger"]["average_r"] == 1.0
    assert row["decision_ledger"]["approved"]["average_r"] == -1.0
    assert row["rejections"]["listed"][0] | {"signal": ""} == {
        "signal": "",
        "symbol": "AAPL",
        "signal_type": "BUY",
        "decided": "approved",
        "decided_at": "2024-01-01T20:00:00Z",
        "r": -1.0,
        "end": "stop",
    }
    assert row["computed_at"] == "2024-07-03T14:00:00Z"


def test_what_is_not_known_is_null_and_never_nan(viewer: APIClient) -> None:
    outcome(0, end=End.OPEN)
    text = viewer.get(URL).content.decode()
    json.loads(text, parse_constant=pytest.fail)
    ledger = json.loads(text)["results"][0]["signal_ledger"]
    unknown = {name for name, value in ledger.items() if value is None}
    rates = {"target_rate", "average_r"}
    assert unknown == {"luck", "timeout_rate", "average_planned_r"} | {
        f"{a}{b}" for a in rates for b in ("", "_low", "_high")
    }


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", [("macd_crossover_v1", "15m"), ("macd_crossover_v1", "1d"), ("rsi_momentum_v1", "1d")]),
        ("by=strategy", [("macd_crossover_v1", None), ("rsi_momentum_v1", None)]),
        ("by=all", [(None, None)]),
        ("by=timeframe&strategy=macd_crossover_v1", [(None, "15m"), (None, "1d")]),
        ("timeframe=15m", [("macd_crossover_v1", "15m")]),
        ("symbol=MSFT", [("rsi_momentum_v1", "1d")]),
        ("user=Ann", [("rsi_momentum_v1", "1d")]),
        ("since=2024-01-02T00:00:00Z", [("macd_crossover_v1", "15m"), ("rsi_momentum_v1", "1d")]),
        ("until=2024-01-02", [("macd_crossover_v1", "1d")]),
        ("limit=1&offset=1", [("macd_crossover_v1", "1d")]),
    ],
)
def test_it_is_filtered_and_grouped(viewer: APIClient, query: str, rows: list[tuple[str, str]]) -> None:
    make.instrument("MSFT")
    outcome(0)
    outcome(1, timeframe="15m")
    outcome(2, "decision", "rejected", strategy_id="rsi_momentum_v1", symbol="MSFT")
    cards = viewer.get(f"{URL}?{query}").json()["results"]
    assert [(row["strategy"], row["timeframe"]) for row in cards] == rows


def test_rows_by_user_name_who_decided(viewer: APIClient) -> None:
    outcome(0, "decision", "approved")
    outcome(1, "decision", "expired")
    rows = viewer.get(f"{URL}?by=user").json()["results"]
    assert [(row["user"], row["approved"], row["expired"]) for row in rows] == [("Ann", 1, 0), (None, 0, 1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [("by=mood", "by"), ("by=all,user", "by"), ("user=nobody", "user"), ("since=x", "since"), ("x=1", "x")],
)
def test_what_it_does_not_know_is_refused(viewer: APIClient, query: str, field: str) -> None:
    answer = viewer.get(f"{URL}?{query}")
    assert answer.status_code in (400, 422)
    assert field in answer.json()["errors"]


def test_without_outcomes_it_is_empty(viewer: APIClient) -> None:
    assert viewer.get(URL).json()["results"] == []


def test_a_stranger_may_not(stranger: APIClient, nobody: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert nobody.get(URL).status_code == 403


def test_it_takes_as_many_queries_for_many_rows(viewer: APIClient, count_queries: CountQueries) -> None:
    outcome(0, "decision", "approved")
    with count_queries("GET /api/v1/scorecard/"):
        viewer.get(f"{URL}?by=symbol")
    for n, symbol in enumerate(("MSFT", "TSLA", "NVDA")):
        outcome(n + 1, "decision", "approved", symbol=symbol)
    with count_queries("GET /api/v1/scorecard/"):
        assert len(viewer.get(f"{URL}?by=symbol").json()["results"]) == 4


def test_what_opinions_were_worth_is_told_by_analyst(viewer: APIClient) -> None:
    stored = outcome(group="approved")
    outcome(0, "decision", "approved")
    make.opinion(stored.signal, agent_suggestion="PASS")
    [row] = viewer.get("/api/v1/scorecard/analysts/").json()
    assert (row["analyst"], row["cases"], row["agreement"]) == ("rules", 1, 0.0)
    assert row["said"]["against"]["targets"] == 1
    assert row["approved_against"]["average_r"] == 1.0


def test_a_stranger_is_not_told_of_opinions(stranger: APIClient) -> None:
    assert stranger.get("/api/v1/scorecard/analysts/").status_code == 401
