"""GET and POST /api/v1/halts/, POST /api/v1/halts/resume/."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from approvals import gate
from approvals.models import AuditEvent, TradingHalt
from tests import make
from tests.approvals import audit_rows
from tests.clock import NOW
from tests.market.api.conftest import with_token
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db

URL = "/api/v1/halts/"
WHY = {"reason": "the feed looks wrong"}


@pytest.fixture
def operator() -> APIClient:
    user = User.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="operator"))
    return with_token(user)


def test_a_halt_says_who_began_it_and_why(operator: APIClient) -> None:
    answer = operator.post(URL, WHY)
    halt = TradingHalt.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": halt.pk,
        "cause": "person",
        "reason": "the feed looks wrong",
        "started_at": halt.started_at.isoformat().replace("+00:00", "Z"),
        "started_by": "olga",
        "ended_at": None,
        "ended_by": None,
        "ended_note": "",
        "until": None,
    }
    assert gate.state(make.T0).halted


def test_halting_twice_is_the_same_as_once(operator: APIClient) -> None:
    first = operator.post(URL, WHY)
    with time_machine.travel(NOW + timedelta(seconds=1)):
        again = operator.post(URL, {"reason": "another"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "a\x00b"}, {"why": "x"}])
def test_a_halt_without_a_proper_reason_is_refused(operator: APIClient, body: dict[str, str]) -> None:
    assert operator.post(URL, body).status_code == 400
    assert not gate.state(make.T0).halted


def test_half_a_surrogate_pair_is_no_reason(operator: APIClient) -> None:
    answer = operator.generic("POST", URL, '{"reason": "\\ud83d"}', content_type="application/json")
    assert answer.status_code == 400


def test_resume_ends_every_halt(operator: APIClient) -> None:
    audit_rows.halt()
    audit_rows.halt(cause=TradingHalt.Cause.MISMATCH, reason="fills do not add up")
    answer = operator.post(f"{URL}resume/", {"note": "looked into it"})
    assert answer.status_code == 200
    assert answer.json()["detail"].startswith("Trading goes on.")
    assert {(halt["ended_by"], halt["ended_note"]) for halt in answer.json()["ended"]} == {
        ("olga", "looked into it")
    }
    assert not gate.state(make.T0).halted


def test_resuming_twice_says_that_nothing_is_halted(operator: APIClient) -> None:
    audit_rows.halt()
    operator.post(f"{URL}resume/")
    answer = operator.post(f"{URL}resume/")
    expected = {"detail": "Trading is not halted: there is nothing to resume.", "ended": []}
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("address", [URL, f"{URL}resume/"])
def test_a_stranger_may_not(stranger: APIClient, nobody: APIClient, address: str) -> None:
    assert stranger.post(address, WHY).status_code == 401
    assert nobody.post(address, WHY).status_code == 403
    assert TradingHalt.objects.count() == 0


def test_a_trader_halts_and_does_not_resume(trader: APIClient) -> None:
    assert trader.post(URL, WHY).status_code == 201
    assert trader.post(f"{URL}resume/", {}).status_code == 403
    assert gate.state(make.T0).halted


@pytest.mark.parametrize("address", [URL, f"{URL}resume/"])
def test_a_viewer_neither_halts_nor_resumes(reader: APIClient, address: str) -> None:
    audit_rows.halt()
    assert reader.post(address, WHY).status_code == 403
    assert gate.state(make.T0).halted


@pytest.mark.parametrize(
    ("query", "reasons"),
    [("", ["again", "fire drill"]), ("?open=true", ["again"]), ("?open=false", ["fire drill"])],
)
def test_halts_are_listed_newest_first(reader: APIClient, query: str, reasons: list[str]) -> None:
    audit_rows.halt(ended_at=make.T0)
    audit_rows.halt(reason="again")
    assert [row["reason"] for row in reader.get(f"{URL}{query}").json()["results"]] == reasons


def test_what_is_not_known_is_refused(reader: APIClient) -> None:
    assert reader.get(f"{URL}?open=yes").status_code == 400
    assert reader.get(f"{URL}?closed=true").status_code == 400


@pytest.mark.parametrize("halts", [1, 5])
def test_a_list_costs_the_same_queries_however_long(
    reader: APIClient, count_queries: CountQueries, halts: int
) -> None:
    for _ in range(halts):
        audit_rows.halt(started_by=audit_rows.user(), ended_by=audit_rows.user(), ended_at=make.T0)
    with count_queries("GET /api/v1/halts/"):  # two for the token, two for the role, the count, the page
        assert reader.get(URL).json()["count"] == halts
