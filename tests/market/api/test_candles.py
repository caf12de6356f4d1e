import csv
import io
from datetime import timedelta
from time import process_time

import pytest
from rest_framework.test import APIClient

from market import store
from market.models import Candle
from market.prices import Feed, Timeframe
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/candles/"
ASK: dict[str, str | int] = {"symbol": "AAPL", "timeframe": "15m"}


@pytest.fixture(autouse=True)
def candles(db: None) -> None:
    """Five bars of a quarter of an hour, closing at 10 to 14, and one daily bar."""
    bars = make.bars([10.0, 11.0, 12.0, 13.0, 14.0])
    store.write_candles({"AAPL": bars}, Timeframe.M15, provider="alpaca", feed=Feed.LIVE)
    make.candle("AAPL", "2024-07-02", 80.0)


def closes(reader: APIClient, **query: str | int) -> list[float]:
    return [row["close"] for row in reader.get(URL, ASK | query).json()["results"]]


def test_a_bar_comes_with_its_source_and_its_state(reader: APIClient) -> None:
    answer = reader.get(URL, ASK | {"limit": 1}).json()
    assert answer["results"] == [
        {
            "opened_at": "2024-07-03T15:00:00Z",
            "open": 13.0,
            "high": 14.0,
            "low": 13.0,
            "close": 14.0,
            "volume": 1000,
            "vwap": None,
            "session": "regular",
            "is_final": True,
            "suspect": False,
            "revisions": 0,
            "provider": "alpaca",
            "feed": "live",
        }
    ]


def test_the_newest_bars_come_newest_last(reader: APIClient) -> None:
    assert closes(reader) == [10.0, 11.0, 12.0, 13.0, 14.0]
    assert closes(reader, limit=2) == [13.0, 14.0]


def test_the_answer_says_where_earlier_bars_are(reader: APIClient) -> None:
    newest = reader.get(URL, ASK | {"limit": 3}).json()
    earlier = reader.get(newest["earlier"]).json()
    assert [row["close"] for row in earlier["results"]] == [10.0, 11.0]
    assert (newest["count"], earlier["count"], earlier["earlier"]) == (3, 2, None)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"from": "2024-07-03T14:30:00Z"}, [12.0, 13.0, 14.0]),
        ({"to": "2024-07-03T14:30:00Z"}, [10.0, 11.0]),
        ({"from": "2024-07-03T10:15:00-04:00", "to": "2024-07-03T14:31"}, [11.0, 12.0]),
        ({"from": "2024-07-04"}, []),
    ],
)
def test_from_is_inclusive_and_to_is_not(
    reader: APIClient, span: dict[str, str], expected: list[float]
) -> None:
    assert closes(reader, **span) == expected


def test_a_daily_bar_is_stamped_with_its_date(reader: APIClient) -> None:
    (day,) = reader.get(URL, {"symbol": "aapl", "timeframe": "1d"}).json()["results"]
    assert day["opened_at"] == "2024-07-02T00:00:00Z"


@pytest.mark.parametrize(("query", "accept"), [({"format": "csv"}, "*/*"), ({}, "text/csv")])
def test_csv_holds_the_same_rows(reader: APIClient, query: dict[str, str], accept: str) -> None:
    answer = reader.get(URL, ASK | query | {"limit": 2}, HTTP_ACCEPT=accept)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert [(row["opened_at"], row["close"], row["vwap"]) for row in rows] == [
        ("2024-07-03T14:45:00Z", "13.0", ""),
        ("2024-07-03T15:00:00Z", "14.0", ""),
    ]


@pytest.mark.parametrize(
    ("volume", "in_json", "in_csv"), [(1_200, "1200", "1200"), (0.5, "0.5", "0.5"), (None, "null", "")]
)
def test_whole_volumes_are_written_whole(
    reader: APIClient, volume: float | None, in_json: str, in_csv: str
) -> None:
    Candle.objects.update(volume=volume)
    assert f'"volume":{in_json},"vwap"' in reader.get(URL, ASK | {"limit": 1}).content.decode()
    assert (
        reader.get(URL, ASK | {"limit": 1, "format": "csv"}).content.decode().splitlines()[1].split(",")[5]
        == in_csv
    )


def test_a_problem_is_a_problem_in_csv_too(reader: APIClient) -> None:
    answer = reader.get(f"{URL}?format=csv&symbol=AAPL")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"symbol": "AAPL"}, "timeframe: This field is required."),
        ({"timeframe": "1d"}, "symbol: This field is required."),
        (ASK | {"symbol": "ZZZ"}, "ZZZ: no such instrument."),
        (ASK | {"timeframe": "2h"}, "2h is not a known value. Choose from: 1m, 5m, 15m, 1h, 1d, 1w."),
        (ASK | {"limit": 10_001}, "limit: Ensure this value is less than or equal to 10000."),
        (ASK | {"limit": "many"}, "limit: Enter a whole number."),
        (ASK | {"from": "yesterday"}, "from: Give an instant such as 2024-07-03T14:00:00Z"),
        (ASK | {"offset": 5}, "offset is not a known parameter."),
    ],
)
def test_what_is_not_known_is_refused(reader: APIClient, query: dict[str, str | int], complaint: str) -> None:
    answer = reader.get(URL, query)
    assert answer.status_code in (400, 422)
    assert complaint in answer.json()["detail"]


def test_candles_are_never_counted(reader: APIClient, count_queries: CountQueries) -> None:
    # two for the token, two for the role, the instrument, the rows
    with count_queries("GET /api/v1/candles/") as queries:
        assert len(closes(reader)) == 5
    assert "count(" not in str(queries.captured_queries).lower()


def test_ten_thousand_bars_take_a_moment(reader: APIClient) -> None:
    start = make.T0 - timedelta(days=30)
    bars = make.bars([100.0 + n % 7 for n in range(10_050)], start, Timeframe.M1)
    store.write_candles({"AAPL": bars}, Timeframe.M1, provider="alpaca", feed=Feed.LIVE)
    begun = process_time()
    answer = reader.get(URL, ASK | {"timeframe": "1m", "limit": 10_000})
    took = process_time() - begun
    assert answer.json()["count"] == 10_000
    assert took < 2, "about a tenth of a second is usual"


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL, ASK).status_code == 401
