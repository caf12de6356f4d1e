"""Scans as people read them: why there is nothing."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_q.models import OrmQ

from signals.models import Scan
from tests import make
from tests.query_counts import CountQueries

LIST, ASK = "/admin/signals/scan/", "/admin/signals/scan/ask/"


def a_scan(**values: Any) -> Scan:
    counted = {
        "strategy_id": "ma_crossover_v1",
        "timeframe": "15m",
        "symbols": 10,
        "evaluated": 1_200,
        "warming_up": 1,
        "reasons": {"warming_up": "MSFT needs 200 bars, has 60"},
    }
    usual = {
        "outcome": "finished",
        "started_at": make.T0,
        "finished_at": make.T0 + timedelta(seconds=1.5),
        "evaluated": 1_200,
        "stored": 2,
        "counts": [counted, {"strategy_id": "gone_v1", "timeframe": "1d"}],
        "ended": {"bar revised": 3},
    }
    return Scan.objects.create(**usual | values)


def test_a_row_tells_what_a_scan_did(operator: Client) -> None:
    a_scan()
    page = operator.get(LIST).content.decode()
    shown = {
        name: re.sub(r"<[^>]+>", "", text) for name, text in re.findall(r'field-(\w+)">(.*?)</t[dh]>', page)
    }
    assert (shown["started"], shown["took"], shown["state"]) == ("2024-07-03 14:00:00", "1.5 s", "finished")
    assert (shown["evaluated"], shown["stored"], shown["ends"]) == ("1200", "2", "3 bar revised")


def test_the_page_of_a_scan_tells_why_there_is_nothing(operator: Client) -> None:
    page = operator.get(f"{LIST}{a_scan().pk}/change/").content.decode()
    assert (
        '<th scope="row">Moving averages</th><td>15m</td><td class="num">10</td><td class="num">1,200</td>'
        in page
    )
    assert '<td colspan="12">warming up: MSFT needs 200 bars, has 60</td>' in page
    assert '<th scope="row">gone_v1</th><td>1d</td><td class="num">0</td>' in page


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        ({"outcome": "queued", "finished_at": None}, "queued"),
        ({"outcome": "skipped"}, "skipped: another scan was running"),
        ({"outcome": "broken"}, "broken: it ended without finishing"),
    ],
)
def test_how_it_ended_is_told_in_words(operator: Client, values: dict[str, Any], ending: str) -> None:
    a_scan(**values)
    assert ending in operator.get(LIST).content.decode()


def test_scan_now_queues_one_and_says_so(operator: Client) -> None:
    assert "Scan now" in operator.get(LIST).content.decode()
    page = operator.post(ASK, follow=True)
    assert [str(message) for message in page.context["messages"]] == [
        "A scan is queued; the worker starts it at once. This list shows how it went."
    ]
    scan = Scan.objects.get()
    assert (scan.outcome, str(scan.requested_by), OrmQ.objects.count()) == ("queued", "operator", 1)
    assert LogEntry.objects.get().object_id == str(scan.pk)


def test_scan_now_is_a_post_only(operator: Client) -> None:
    assert operator.get(ASK).status_code == 405
    assert not Scan.objects.exists()


def test_a_reader_and_a_stranger_start_none(reader: Client, stranger: Client) -> None:
    assert "Scan now" not in reader.get(LIST).content.decode()
    assert reader.post(ASK).status_code == 403
    assert stranger.post(ASK).status_code == 302
    assert not Scan.objects.exists()


def test_who_may_add_a_scan_may_start_one(reader: Client) -> None:
    User.objects.get(username="reader").user_permissions.add(Permission.objects.get(codename="add_scan"))
    assert "Scan now" in reader.get(LIST).content.decode()
    reader.post(ASK)
    assert Scan.objects.count() == 1


def test_many_scans_take_as_many_queries_as_one(operator: Client, count_queries: CountQueries) -> None:
    for _ in range(150):
        a_scan()
    with count_queries("admin scans"):  # who asks (2), the count, the page
        operator.get(LIST)
