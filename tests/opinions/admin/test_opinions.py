"""What analysts said and what is remembered, in the admin: found, shown, never written."""

import re

import pytest
from django.test import Client

from opinions.models import OrchestrationRun
from tests import make
from tests.query_counts import CountQueries

RUNS, MEMORIES = "/admin/opinions/orchestrationrun/", "/admin/opinions/memory/"
INVENTED = [{"text": "47.30", "start": 3, "end": 8}]


@pytest.fixture(autouse=True)
def runs(db: None) -> None:
    """A sound one, an invented one, one that contradicts itself, one that failed and one that waits."""
    signal = make.signal()
    make.run(signal, reasoning="All is well.")
    make.run(signal, analyst="llm", reasoning="At 47.30.", inventions=INVENTED)
    make.run(symbol="MSFT", contradictions=["It says HOLD and means BUY."])
    make.run(symbol="NVDA", analyst="agent0", status="failed", error="No answer.", finished_at=make.T0)
    make.run(symbol="JPM", status="queued", started_at=None)


def listed(client: Client, address: str) -> list[str]:
    html = client.get(address).content.decode()
    return re.findall(r'field-(?:of|text)[^"]*">(.*?)</t', html)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 5),
        ("?status__exact=failed", 1),
        ("?analyst=llm", 1),
        ("?grounds=invented", 1),
        ("?grounds=contradictory", 1),
        ("?grounds=sound", 1),
        ("?q=MSFT", 1),
    ],
)
def test_runs_are_found(operator: Client, query: str, count: int) -> None:
    assert len(listed(operator, f"{RUNS}{query}")) == count


def test_a_list_reads_no_snapshot_and_asks_as_often_for_many(
    operator: Client, count_queries: CountQueries
) -> None:
    signal = OrchestrationRun.objects.filter(signal__isnull=False)[0].signal
    for _ in range(20):
        make.run(signal)
    operator.get(RUNS)
    with count_queries("admin opinion runs") as caught:  # who asks (2), the analysts, the count, the page
        operator.get(RUNS)
    assert not [query for query in caught.captured_queries if "inputs" in query["sql"]]


def test_the_page_of_a_run_shows_all_of_it_as_text(operator: Client) -> None:
    run = OrchestrationRun.objects.get(analyst="llm")
    run.exchanges = [{"sent": "<b>to you</b>", "answered": "{}"}]
    run.inputs = {"trend": "bullish"}
    run.save()
    html = operator.get(f"{RUNS}{run.pk}/change/").content.decode()
    for expected in (
        "47.30",
        "not grounded",
        "&lt;b&gt;to you&lt;/b&gt;",
        "&quot;trend&quot;: &quot;bullish&quot;",
    ):
        assert expected in html, expected
    assert f"/opinions/{run.pk}/" in html


def test_a_failure_and_one_that_waits_have_pages_too(operator: Client) -> None:
    for status, expected in (("failed", "No answer."), ("queued", "queued")):
        run = OrchestrationRun.objects.get(status=status)
        assert expected in operator.get(f"{RUNS}{run.pk}/change/").content.decode()


def test_memories_are_found_by_symbol_and_by_words(operator: Client) -> None:
    make.memory("Rejected because of the earnings.", symbol="MSFT", kind="decision")
    make.memory("It reached its target.")
    assert len(listed(operator, MEMORIES)) == 2
    assert listed(operator, f"{MEMORIES}?q=MSFT") == ["Rejected because of the earnings."]
    assert listed(operator, f"{MEMORIES}?q=targets") == ["It reached its target."]
    assert listed(operator, f"{MEMORIES}?kind__exact=decision") == ["Rejected because of the earnings."]
