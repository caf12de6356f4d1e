"""Asking for a second opinion, and reading what was said."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from opinions import queue
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make
from tests.market.api.conftest import reader, stranger, with_token
from tests.query_counts import CountQueries

__all__ = ["reader", "stranger"]

pytestmark = pytest.mark.django_db
Status = OrchestrationRun.Status


@pytest.fixture
def signal() -> Signal:
    make.only("AAPL", "MSFT")
    return make.signal(expires_at=timezone.now() + timedelta(days=1))


@pytest.fixture
def asker(db: None) -> APIClient:
    """A trader by role."""
    user = User.objects.create_user("ann")
    user.groups.add(Group.objects.get(name="trader"))
    return with_token(user)


def analyse(client: APIClient, signal: Signal, **body: Any) -> Any:
    return client.post(f"/api/v1/signals/{signal.pk}/analyze/", body)


def test_an_analysis_is_queued_for_the_slow_cluster(asker: APIClient, signal: Signal) -> None:
    answer = analyse(asker, signal, context="Earnings on Thursday.")
    assert answer.status_code == 202
    assert answer.json() | {"status": "queued", "symbol": "AAPL", "requested_by": "ann"} == answer.json()
    run = OrchestrationRun.objects.get()
    assert run.signal == signal
    assert answer["Location"].endswith(f"/api/v1/orchestrations/{run.pk}")
    assert OrmQ.objects.get().key == "slow"
    assert OrmQ.objects.get().func() == queue.TASK


def test_what_is_being_worked_on_is_not_asked_twice(asker: APIClient, signal: Signal) -> None:
    first, second = (analyse(asker, signal).json()["id"] for _ in range(2))
    assert first == second


def test_one_that_has_ended_is_refused(asker: APIClient, signal: Signal) -> None:
    Signal.objects.update(status=Signal.Status.EXPIRED, ended_at=make.T0)
    assert analyse(asker, signal).status_code == 409
    assert not OrchestrationRun.objects.exists()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"analyst": "oracle"}, "is not a known value"),
        ({"analyst": "llm"}, "Set LLM_BASE_URL and LLM_MODEL."),
        ({"context": "x" * 2_001}, "no more than 2000 characters"),
        ({"approve": True}, "is not a known field"),
    ],
)
def test_a_bad_body_is_refused_with_what_to_do(
    asker: APIClient, signal: Signal, body: dict[str, Any], complaint: str
) -> None:
    answer = analyse(asker, signal, **body)
    assert answer.status_code == (422 if body == {"analyst": "llm"} else 400)
    assert complaint in answer.content.decode()
    assert not OrchestrationRun.objects.exists()


@pytest.mark.parametrize(("who", "status"), [("stranger", 401), ("reader", 403)])
def test_a_stranger_or_viewer_may_not_ask(
    signal: Signal, who: str, status: int, request: pytest.FixtureRequest
) -> None:
    client = request.getfixturevalue(who)
    assert analyse(client, signal).status_code == status
    assert client.post("/api/v1/orchestrations/", {"symbol": "AAPL"}).status_code == status
    assert not OrchestrationRun.objects.exists()


def test_an_instrument_is_asked_about(asker: APIClient, signal: Signal) -> None:
    answer = asker.post("/api/v1/orchestrations/", {"symbol": "msft", "context": "a rumour"})
    assert answer.status_code == 202
    run = OrchestrationRun.objects.get()
    assert (run.symbol, run.signal, run.context, run.trigger_type) == ("MSFT", None, "a rumour", "manual")
    assert answer["Location"].endswith(f"/api/v1/orchestrations/{run.pk}")


def test_an_unknown_instrument_is_refused(asker: APIClient, signal: Signal) -> None:
    answer = asker.post("/api/v1/orchestrations/", {"symbol": "XXXX"})
    assert answer.status_code == 422
    assert "no such instrument" in answer.content.decode()


def test_a_run_is_read_with_what_the_analyst_was_given(asker: APIClient, signal: Signal) -> None:
    run = make.run(signal, inventions=[{"text": "47.30", "start": 0, "end": 5}])
    shown = asker.get(f"/api/v1/orchestrations/{run.pk}/").json()
    assert shown["inputs"] == {"bars": {"rows": []}}
    assert (shown["is_grounded"], shown["stance"]) == (False, "unfounded")


def test_the_list_has_no_papers_and_a_fixed_number_of_queries(
    asker: APIClient, signal: Signal, count_queries: CountQueries
) -> None:
    make.run(signal)
    make.run(make.sell(), status=Status.FAILED, error="It did not answer.", finished_at=make.T0)
    with count_queries("GET /api/v1/orchestrations/"):  # four of them ask who it is
        rows = asker.get("/api/v1/orchestrations/").json()["results"]
    assert {row["status"] for row in rows} == {"completed", "failed"}
    assert "inputs" not in rows[0]


def test_the_list_is_filtered_and_refuses_what_it_does_not_know(asker: APIClient, signal: Signal) -> None:
    make.run(signal)
    assert len(asker.get(f"/api/v1/orchestrations/?signal={signal.pk}").json()["results"]) == 1
    assert asker.get("/api/v1/orchestrations/?status=failed").json()["results"] == []
    assert asker.get("/api/v1/orchestrations/?status=lost").status_code == 400


def test_a_run_is_taken_back_once(asker: APIClient, signal: Signal) -> None:
    pk = analyse(asker, signal).json()["id"]
    assert asker.post(f"/api/v1/orchestrations/{pk}/cancel/").json()["status"] == "cancelled"
    assert asker.post(f"/api/v1/orchestrations/{pk}/cancel/").status_code == 409


def test_an_opinion_changes_the_etag(asker: APIClient, signal: Signal) -> None:
    address = f"/api/v1/signals/{signal.pk}/"
    before = asker.get(address)["ETag"]
    make.opinion(signal)
    assert asker.get(address)["ETag"] != before
