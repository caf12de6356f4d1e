from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from market.models import Split, UnexplainedMove
from tests import make
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

URL = "/api/v1/unexplained-moves/"
REAL = {"answer": "real", "why": "bank run"}


@pytest.fixture
def operator(db: None) -> User:
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    return user


@pytest.fixture
def client(operator: User) -> APIClient:
    return with_token(operator)


def answer(client: APIClient, move: UnexplainedMove, body: dict[str, Any]) -> Any:
    return client.post(f"{URL}{move.pk}/answer/", body, format="json")


def test_a_question_says_what_it_looks_like_and_where_it_was_seen(reader: APIClient) -> None:
    move = make.move()
    assert reader.get(URL).json()["results"] == [
        {
            "id": move.pk,
            "symbol": "AAPL",
            "date": "2024-07-02",
            "looks_like": 2.0,
            "close_before": 200.0,
            "open_after": 100.0,
            "timeframe": "1d",
            "source": "import",
            "asked_at": "2024-07-03T14:00:00Z",
            "answer": None,
            "ratio": None,
            "answered_by": None,
            "answered_at": None,
            "why": "",
        }
    ]


@pytest.mark.parametrize(
    ("query", "symbols"),
    [
        ("", ["AAPL", "MSFT"]),
        ("open=true", ["AAPL"]),
        ("open=false", ["MSFT"]),
        ("answer=bad_data", ["MSFT"]),
        ("symbol=MSFT&answer=real", []),
    ],
)
def test_the_list_is_filtered(reader: APIClient, query: str, symbols: list[str]) -> None:
    make.move()
    make.move("MSFT", answer="bad data", answered_at=make.T0)
    assert [row["symbol"] for row in reader.get(f"{URL}?{query}").json()["results"]] == symbols


def test_the_list_takes_as_many_queries_for_many(reader: APIClient, count_queries: CountQueries) -> None:
    for day in range(1, 10):
        make.move(day=f"2024-07-0{day}")
    with count_queries("api unexplained moves"):
        reader.get(URL)


def test_an_answer_is_taken_with_who_and_why(client: APIClient, operator: User) -> None:
    taken = answer(client, make.move(), {"answer": "split", "ratio": 2, "why": "notice"})
    assert taken.status_code == 200
    body = taken.json()
    assert (body["answer"], body["ratio"], body["answered_by"], body["why"]) == ("split", 2, "olga", "notice")
    assert Split.objects.get().source == "person"
    assert LogEntry.objects.get().user == operator


def test_a_second_answer_conflicts(client: APIClient) -> None:
    move = make.move()
    assert answer(client, move, REAL).status_code == 200
    refused = answer(client, move, {"answer": "split", "ratio": 2, "why": "notice"})
    assert refused.status_code == 409
    assert "was answered by olga" in refused.json()["detail"]
    assert not Split.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"answer": "real"},
        {"answer": "real", "why": ""},
        {"answer": "split", "why": "notice"},
        {"answer": "split", "ratio": 1, "why": "notice"},
        {"answer": "split", "ratio": 0, "why": "notice"},
        {"answer": "real", "ratio": 2, "why": "notice"},
        {"answer": "perhaps", "why": "notice"},
        {"answer": "real", "why": "x" * 501},
    ],
)
def test_half_an_answer_is_refused(client: APIClient, body: dict[str, Any]) -> None:
    move = make.move()
    assert answer(client, move, body).status_code == 400
    assert UnexplainedMove.objects.open().count() == 1


def test_only_an_operator_answers(reader: APIClient, operator: User) -> None:
    move = make.move()
    assert answer(reader, move, REAL).status_code == 403
    assert answer(with_token(operator, scope="decide"), move, REAL).status_code == 403
    assert answer(with_token(operator, scope="operate"), move, REAL).status_code == 200
