"""GET /api/v1/signals/"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from signals import lifecycle
from signals.models import Signal
from tests import make
from tests.query_counts import CountQueries
from tests.signals.api.conftest import Pending

URL = "/api/v1/signals/"
SOON: dict[str, Any] = {"expires_at": datetime(2124, 7, 3, 17, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT", "TSLA")


def symbols(answer: Any) -> list[str]:
    return [row["symbol"] for row in answer.json()["results"]]


def test_a_signal_says_what_it_is_and_why(reader: APIClient) -> None:
    signal = make.signal(**SOON)
    assert reader.get(URL).json()["results"] == [
        {
            "id": str(signal.pk),
            "symbol": "AAPL",
            "strategy_id": "macd_crossover_v1",
            "timeframe": "1d",
            "signal_type": "BUY",
            "confidence": "0.9000",
            "entry_price": "185.500000",
            "stop_loss": "180.500000",
            "take_profit": "191.750000",
            "second_target": "195.500000",
            "reward_to_risk": "1.2500",
            "reasoning": "MACD +0.3 crossed above its signal line +0.1 at 185.50.",
            "status": "pending",
            "ended_at": None,
            "ended_reason": "",
            "superseded_by": None,
            "is_conflicting": False,
            "bar_opened_at": "2024-07-02T00:00:00Z",
            "generated_at": "2024-07-02T20:00:00Z",
            "created_at": "2024-07-02T20:21:00Z",
            "expires_at": "2124-07-03T17:00:00Z",
            "provider": "alpaca",
            "feed": "live",
            "opinion": None,
        }
    ]


def test_an_overdue_signal_reads_as_expired_whether_it_is_marked_so_or_not(reader: APIClient) -> None:
    make.signal()
    before = reader.get(URL).json()["results"]
    assert [before[0][name] for name in ("status", "ended_at", "ended_reason")] == [
        "expired",
        "2024-07-03T17:00:00Z",
        "nobody decided in time",
    ]
    lifecycle.sweep(timezone.now())
    assert reader.get(URL).json()["results"] == before


def test_a_superseded_signal_names_the_one_that_took_its_place(reader: APIClient) -> None:
    newer = make.signal("MSFT", **SOON)
    make.signal(status=Signal.Status.CANCELLED, ended_reason="superseded", superseded_by=newer)
    older = reader.get(f"{URL}?symbol=AAPL").json()["results"][0]
    assert (older["superseded_by"], older["ended_reason"]) == (str(newer.pk), "superseded")


@pytest.mark.parametrize(
    ("status", "expected"),
    [("pending", ["AAPL"]), ("expired", ["MSFT", "TSLA"]), ("cancelled", ["IBM"]), ("rejected", [])],
)
def test_the_status_that_is_filtered_by_is_the_one_in_force(
    reader: APIClient, status: str, expected: list[str]
) -> None:
    make.signal("AAPL", **SOON)
    make.signal("MSFT")
    make.signal("TSLA", status=Signal.Status.EXPIRED)
    make.signal("IBM", status=Signal.Status.CANCELLED)
    answer = reader.get(f"{URL}?status={status}")
    assert sorted(symbols(answer)) == expected
    assert {row["status"] for row in answer.json()["results"]} <= {status}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["TSLA", "AAPL", "MSFT"]),
        ("symbol=msft", ["MSFT"]),
        ("symbol=MSFT,TSLA", ["TSLA", "MSFT"]),
        ("strategy=macd_crossover_v1", ["AAPL", "MSFT"]),
        ("strategy=rsi_momentum_v1,ma_crossover_v1", ["TSLA"]),
        ("signal_type=SELL", ["TSLA"]),
        ("timeframe=15m", ["MSFT"]),
        ("min_confidence=0.9", ["AAPL"]),
        ("min_confidence=0.7", ["TSLA", "AAPL"]),
        ("generated_after=2024-07-02T20:00:00Z", ["TSLA", "AAPL"]),
        ("generated_before=2024-07-02T20:00:00Z", ["MSFT"]),
        ("generated_after=2024-07-01&generated_before=2024-07-02", ["MSFT"]),
        ("symbol=AAPL&signal_type=SELL", []),
        ("ordering=generated_at", ["MSFT", "AAPL", "TSLA"]),
        ("ordering=-generated_at", ["TSLA", "AAPL", "MSFT"]),
        ("ordering=confidence", ["MSFT", "TSLA", "AAPL"]),
        ("ordering=-confidence", ["AAPL", "TSLA", "MSFT"]),
    ],
)
def test_the_list_is_filtered_and_ordered(reader: APIClient, query: str, expected: list[str]) -> None:
    earlier = datetime(2024, 7, 1, 20, tzinfo=UTC)
    make.signal("AAPL", **SOON)
    make.signal("MSFT", timeframe="15m", confidence=Decimal("0.6"), generated_at=earlier, **SOON)
    later = {"generated_at": make.T0, "confidence": Decimal("0.7")}
    make.sell("TSLA", **later | SOON)
    assert symbols(reader.get(f"{URL}?{query}")) == expected


@pytest.mark.parametrize("order", ["generated_at", "-generated_at", "confidence", "-confidence"])
def test_ties_are_broken_by_id_so_that_pages_neither_repeat_nor_miss(reader: APIClient, order: str) -> None:
    ids = sorted(str(make.signal(symbol).pk) for symbol in ("AAPL", "MSFT", "TSLA"))
    pages = [reader.get(f"{URL}?ordering={order}&limit=1&offset={n}").json() for n in range(3)]
    assert [page["results"][0]["id"] for page in pages] == ids
    assert {page["count"] for page in pages} == {3}


def test_opposite_pending_signals_are_conflicting(reader: APIClient, pending: Pending) -> None:
    pending("AAPL")
    make.sell("AAPL", **SOON)
    pending("MSFT")
    make.sell("MSFT")  # overdue
    listed = reader.get(f"{URL}?status=pending").json()["results"]
    assert {(row["symbol"], row["is_conflicting"]) for row in listed} == {("AAPL", True), ("MSFT", False)}


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("status=open", "open is not a known value. Choose from: pending, approved, rejected, expired"),
        ("symbol=ZZZ", "ZZZ: no such instrument."),
        ("strategy=magic", "magic is not a known value. Choose from: rsi_momentum_v1, macd_crossover_v1"),
        ("strategy=macd_crossover_v1,magic", "magic is not a known value."),
        ("strategy=,", "Name a strategy. Choose from: rsi_momentum_v1"),
        ("signal_type=buy", "buy is not a known value. Choose from: BUY, SELL."),
        ("timeframe=1M", "Choose from: 1m, 5m, 15m, 1h, 1d, 1w."),
        ("min_confidence=1.5", "min_confidence: Ensure this value is less than or equal to 1."),
        ("min_confidence=high", "min_confidence: Enter a number."),
        ("generated_after=soon", "generated_after: Give an instant such as"),
        ("ordering=symbol", "Choose from: -generated_at, generated_at, -confidence, confidence."),
        ("colour=red", "colour is not a known parameter. Choose from: status, symbol, list, strategy,"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code == (422 if "no such" in complaint else 400)
    assert answer["Content-Type"] == "application/problem+json"
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("signals", [1, 20])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, count_queries: CountQueries, pending: Pending, signals: int
) -> None:
    for n in range(signals):
        pending(f"S{n}")
        make.sell(f"S{n}", bar_opened_at=make.T0 - timedelta(days=n), **SOON)
    with count_queries("GET /api/v1/signals/"):  # two for the token, two for the role, the count, the page
        assert len(symbols(reader.get(f"{URL}?status=pending"))) == 2 * signals


def test_signals_are_raised_by_strategies_alone(trader: APIClient) -> None:
    assert trader.post(URL, {"symbol": "AAPL"}).status_code in (403, 405)
    assert not Signal.objects.exists()


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
