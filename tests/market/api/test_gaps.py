from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from market.models import Gap
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/gaps/"


def gap(symbol: str = "AAPL", timeframe: str = "15m", reason: str = "provider", hour: int = 0) -> Gap:
    first = make.T0 + timedelta(hours=hour)
    return Gap.objects.create(
        symbol=symbol,
        timeframe=timeframe,
        first_at=first,
        last_at=first + timedelta(minutes=15),
        bars=2,
        reason=reason,
        found_at=first + timedelta(hours=1),
    )


def test_a_gap_says_what_is_missing_and_why(reader: APIClient) -> None:
    gap()
    assert reader.get(URL).json()["results"] == [
        {
            "symbol": "AAPL",
            "timeframe": "15m",
            "first_at": "2024-07-03T14:00:00Z",
            "last_at": "2024-07-03T14:15:00Z",
            "bars": 2,
            "reason": "provider",
            "found_at": "2024-07-03T15:00:00Z",
            "attempts": 0,
            "next_attempt_at": None,
        }
    ]


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("", ["TSLA", "AAPL", "MSFT"]),
        ("symbol=AAPL,MSFT", ["AAPL", "MSFT"]),
        ("timeframe=1d", ["MSFT"]),
        ("reason=outage", ["TSLA"]),
        ("symbol=AAPL&reason=outage", []),
    ],
)
def test_the_list_is_filtered_newest_first(reader: APIClient, query: str, symbols: list[str]) -> None:
    gap("AAPL")
    gap("MSFT", timeframe="1d")
    gap("TSLA", reason="outage", hour=1)
    assert [row["symbol"] for row in reader.get(f"{URL}?{query}").json()["results"]] == symbols


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("reason=holiday", "Choose from: no_trade, provider, outage."),
        ("timeframe=1M", "Choose from: 1m, 5m, 15m, 1h, 1d, 1w."),
        ("symbol=ZZZ", "ZZZ: no such instrument."),
        ("kind=long", "kind is not a known parameter. Choose from: symbol, timeframe, reason, limit, offset"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code in (400, 422)
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("gaps", [1, 20])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, count_queries: CountQueries, gaps: int
) -> None:
    for hour in range(gaps):
        gap(hour=hour)
    with count_queries("GET /api/v1/gaps/"):  # two for the token, two for the role, the count, the page
        assert len(reader.get(URL).json()["results"]) == gaps


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
