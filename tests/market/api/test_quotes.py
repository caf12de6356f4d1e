from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from market.models import Quote
from tests import make
from tests.query_counts import CountQueries

URL = "/api/v1/quotes/"


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.july_2024()
    make.only("AAPL", "MSFT")
    make.candle("AAPL", "2024-07-02", 80.0)
    make.quote("AAPL", 100.0, bid=99.5, volume=1_000_000, exchange="NASDAQ")
    make.quote("MSFT", 400.0)


def test_a_quote_comes_with_its_change_source_and_times(reader: APIClient) -> None:
    quote = reader.get(f"{URL}AAPL/").json()
    assert quote.pop("age_seconds") == pytest.approx((timezone.now() - make.T0).total_seconds(), abs=10)
    assert quote == {
        "symbol": "AAPL",
        "price": 100.0,
        "previous_close": 80.0,
        "previous_close_on": "2024-07-02",
        "change": 20.0,
        "change_percent": 25.0,
        "bid": 99.5,
        "ask": None,
        "bid_size": None,
        "ask_size": None,
        "volume": 1_000_000,
        "exchange": "NASDAQ",
        "as_of": "2024-07-03T14:00:00Z",
        "received_at": "2024-07-03T14:00:01Z",
        "stale": False,
        "doubt": "",
        "doubtful_price": None,
        "doubtful_as_of": None,
        "book": "",
        "halt": "",
        "provider": "alpaca",
        "feed": "live",
        "delay_seconds": 0,
    }


def test_a_doubtful_price_a_crossed_book_and_a_halt_are_told(reader: APIClient) -> None:
    states = {"doubt": "outside_book", "doubtful_price": 1000.0, "doubtful_as_of": make.T0}
    Quote.objects.filter(symbol="AAPL").update(**states, bid=101.0, ask=100.0, halt="news is pending")
    quote = reader.get(f"{URL}AAPL/").json()
    assert (quote["price"], quote["doubt"], quote["doubtful_price"]) == (100.0, "outside_book", 1000.0)
    assert (quote["book"], quote["halt"]) == ("crossed", "news is pending")


def test_parts_of_a_share_are_told_and_whole_shares_are_whole(reader: APIClient) -> None:
    Quote.objects.filter(symbol="AAPL").update(volume=0.5, bid_size=1_200, ask_size=0.25)
    answer = reader.get(f"{URL}AAPL/")
    assert b'"bid_size":1200,"ask_size":0.25,"volume":0.5,' in answer.content


def test_an_unknown_change_is_null(reader: APIClient) -> None:
    quote = reader.get(f"{URL}msft").json()
    assert (quote["previous_close"], quote["change"], quote["change_percent"]) == (None, None, None)


def test_an_old_quote_in_session_is_stale(reader: APIClient) -> None:
    now = timezone.now()
    make.round_the_clock(now)
    make.instrument("BTC/USD", "24/7")
    make.quote("BTC/USD", as_of=now - timedelta(hours=1))
    assert reader.get(f"{URL}BTC/USD/").json()["stale"] is True


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["AAPL", "MSFT"]),
        ("symbol=msft", ["MSFT"]),
        ("symbol=MSFT,AAPL", ["AAPL", "MSFT"]),
        ("feed=delayed", []),
    ],
)
def test_the_list_is_filtered(reader: APIClient, query: str, expected: list[str]) -> None:
    assert [row["symbol"] for row in reader.get(f"{URL}?{query}").json()["results"]] == expected


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("symbol=ZZZ,AAPL", "ZZZ: no such instrument."),
        ("feed=fast", "fast is not a known value. Choose from: live, delayed, simulated."),
        ("feed=imported", "imported is not a known value. Choose from: live, delayed, simulated."),
        ("symbol=A%00", "Null characters are not allowed."),
    ],
)
def test_what_is_not_known_is_refused(reader: APIClient, query: str, complaint: str) -> None:
    answer = reader.get(f"{URL}?{query}")
    assert answer.status_code in (400, 422)
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("symbols", [1, 12])
def test_the_list_takes_as_many_queries_for_many_as_for_one(
    reader: APIClient, count_queries: CountQueries, symbols: int
) -> None:
    for n in range(symbols):
        make.instrument(f"S{n}")
        make.quote(f"S{n}")
    with count_queries(
        "GET /api/v1/quotes/"
    ):  # two for the token, two for the role, count, page, what they mean
        assert len(reader.get(URL).json()["results"]) == 2 + symbols


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get(URL).status_code == 401
    assert stranger.get(f"{URL}AAPL/").status_code == 401
