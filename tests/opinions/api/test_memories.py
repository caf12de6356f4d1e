import pytest
from rest_framework.test import APIClient

from tests import make
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cases() -> None:
    make.only("AAPL", "MSFT")
    make.memory("BUY AAPL rejected: news. In their words: earnings on Thursday")
    make.memory("BUY MSFT made +1.25 R", symbol="MSFT")


def texts(client: APIClient, query: str = "") -> list[str]:
    return [row["text"][:8] for row in client.get(f"/api/v1/memories/{query}").json()["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["BUY MSFT", "BUY AAPL"]),
        ("?q=earning", ["BUY AAPL"]),
        ("?q=earnings+-news", []),
        ("?symbol=msft", ["BUY MSFT"]),
        ("?q=rejected&symbol=MSFT", []),
        ("?kind=decision", []),
    ],
)
def test_memories_are_found_by_words_and_symbol(reader: APIClient, query: str, expected: list[str]) -> None:
    assert sorted(texts(reader, query)) == sorted(expected)


@pytest.mark.parametrize(("query", "status"), [("?symbol=XXXX", 422), ("?kind=dream", 400)])
def test_what_is_not_known_is_refused(reader: APIClient, query: str, status: int) -> None:
    assert reader.get(f"/api/v1/memories/{query}").status_code == status


def test_the_list_takes_two_queries(reader: APIClient, count_queries: CountQueries) -> None:
    with count_queries("GET /api/v1/memories/"):  # four of them ask who it is
        reader.get("/api/v1/memories/")


def test_a_stranger_may_not_read(stranger: APIClient) -> None:
    assert stranger.get("/api/v1/memories/").status_code == 401
