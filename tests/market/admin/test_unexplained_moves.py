from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from market.models import Split, UnexplainedMove
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/unexplainedmove/"
SPLIT = {"answer": "split", "ratio": "3/2", "why": "exchange notice"}


def address(move: UnexplainedMove) -> str:
    return f"{LIST}{move.pk}/change/"


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_page_shows_the_bars_around_the_move(operator: Client) -> None:
    move = make.move()
    make.candle("AAPL", "2024-07-01", 200.0)
    make.candle("AAPL", "2024-07-02", 100.0)
    page = operator.get(address(move)).content.decode()
    assert "<td>2024-07-01</td>" in page
    assert "200 to 100" in page
    assert "2:1" in page


def test_an_answer_is_taken_once_and_logged_once(operator: Client) -> None:
    move = make.move()
    taken = operator.post(address(move), SPLIT)
    assert said(taken) == ["AAPL 2024-07-02: a share split, 1.5:1."]
    assert Split.objects.get().ratio == 1.5
    assert LogEntry.objects.get().get_change_message() == "Answered: a share split, 1.5:1. exchange notice"
    assert operator.post(address(move), {"answer": "real", "why": "crash"}).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [{"answer": ""}, {"ratio": ""}, {"ratio": "0"}, {"ratio": "1/0"}, {"ratio": "much"}, {"why": ""}],
)
def test_half_an_answer_is_refused(operator: Client, wrong: dict[str, str]) -> None:
    move = make.move()
    assert operator.post(address(move), SPLIT | wrong).status_code == 200
    assert UnexplainedMove.objects.open().exists()


def test_who_only_reads_answers_nothing(reader: Client) -> None:
    move = make.move()
    assert reader.get(address(move)).status_code == 200
    assert reader.post(address(move), SPLIT).status_code == 403


def test_the_list_takes_as_many_queries_for_many(operator: Client, count_queries: CountQueries) -> None:
    for day in range(1, 10):
        make.move(day=f"2024-07-0{day}")
    with count_queries("admin unexplained moves"):
        operator.get(LIST, {"state": "open"})
