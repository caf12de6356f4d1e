"""Hindsight, asked over HTTP on loopback."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from opinions.memory.hindsight import Hindsight, HindsightAway, Recalled, Retained
from tests import vendors
from tests.late import LATE
from tests.vendors import faults
from tests.vendors.server import Fault

T = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
CASE = Retained("AAPL was rejected: weak evidence.", T, "decision-1", "a decision", {"symbol": "AAPL"})


@pytest.fixture
def server() -> Iterator[vendors.Hindsight]:
    with vendors.Hindsight() as server:
        yield server


def away(server: vendors.Hindsight, seconds: float = 5) -> str:
    with pytest.raises(HindsightAway) as caught:
        Hindsight(server.url).recall("AAPL", seconds)
    return str(caught.value)


def test_what_is_retained_is_recalled(server: vendors.Hindsight) -> None:
    memory = Hindsight(server.url)
    memory.retain([CASE], 5)
    assert memory.recall("how did AAPL do", 5) == [Recalled(CASE.content, T, {"symbol": "AAPL"})]
    assert memory.recall("MSFT", 5) == []


def test_retained_twice_is_once(server: vendors.Hindsight) -> None:
    memory = Hindsight(server.url)
    memory.retain([CASE], 5)
    memory.retain([CASE, CASE], 5)
    assert list(server.documents) == [("jax", "decision-1")]
    assert len(memory.recall("AAPL", 5)) == 1


def test_what_is_sent_is_what_the_service_documents(server: vendors.Hindsight) -> None:
    memory = Hindsight(f"{server.url}/", bank="desk")
    memory.retain([CASE], 5)
    memory.recall("AAPL", 5)
    retained, recalled = server.visits
    assert retained.path == "/v1/default/banks/desk/memories"
    assert retained.content["async"] is True
    (item,) = retained.content["items"]
    assert item["content"] == CASE.content
    assert item["document_id"] == "decision-1"
    assert item["metadata"] == {"symbol": "AAPL"}
    assert datetime.fromisoformat(item["timestamp"]) == T
    assert recalled.path == "/v1/default/banks/desk/memories/recall"
    assert recalled.content["types"] == ["world", "experience"]


def test_nothing_to_retain_is_not_sent(server: vendors.Hindsight) -> None:
    Hindsight(server.url).retain([], 5)
    assert server.visits == []


def test_what_was_not_retained_is_said(server: vendors.Hindsight) -> None:
    server.says = {"success": False}
    with pytest.raises(HindsightAway, match="did not retain"):
        Hindsight(server.url).retain([CASE], 5)


def test_what_is_recalled_is_limited_and_plain(server: vendors.Hindsight) -> None:
    fact = {"id": "1", "text": "a\x00b\u202ec" + "x" * 5000, "mentioned_at": "nonsense"}
    server.says = {"results": [fact] * 100}
    facts = Hindsight(server.url).recall("AAPL", 5)
    assert len(facts) == 20
    assert facts[0].text[:6] == "a b cx"
    assert len(facts[0].text) == 1000
    assert (facts[0].at, facts[0].metadata) == (None, {})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.status(500), "answered 500: not today"),
        (faults.status(503, detail="at capacity", retry_after="1"), "answered 503: at capacity"),
        (faults.status(429, retry_after="20"), "answered 429: not today"),
        (faults.status(422, detail="query too long"), "answered 422: query too long"),
        (faults.web_page, "answered in a form that its client does not know"),
        (faults.truncated, "answered in a form that its client does not know"),
        (faults.cut_off, "broke off the connection"),
        (faults.reset, "broke off the connection"),
        (faults.huge(2), "sent more than 1 MB; refused"),
        (faults.huge(2, declared=True), "sent more than 1 MB; refused"),
    ],
    ids=["500", "503", "429", "422", "web page", "truncated", "cut off", "reset", "huge", "declared huge"],
)
def test_a_fault_is_said_in_words_and_not_tried_again(
    server: vendors.Hindsight, fault: Fault, words: str
) -> None:
    server.fail(fault)
    assert away(server) == f"Hindsight at {server.url} {words}"
    assert len(server.visits) == 1


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        5,
        None,
        {"results": None},
        {"results": ["x"]},
        {"results": [{"text": 5, "id": "1"}]},
    ],
    ids=repr,
)
def test_an_answer_of_another_shape_is_said(server: vendors.Hindsight, answer: Any) -> None:
    server.answers["/v1/default/banks/jax/memories/recall"] = answer
    assert away(server) == f"Hindsight at {server.url} answered in a form that its client does not know"


@pytest.mark.parametrize(
    "fault", [faults.never, faults.drip(0.05), faults.slow(60)], ids=["never", "drips", "slow"]
)
def test_the_deadline_is_for_all_of_it(server: vendors.Hindsight, fault: Fault) -> None:
    server.fail(fault)
    began = time.monotonic()
    assert away(server, seconds=0.5) == f"Hindsight at {server.url} gave no answer within 0.5 s"
    with pytest.raises(HindsightAway, match=r"within 0\.5 s"):
        Hindsight(server.url).retain([CASE], 0.5)
    assert time.monotonic() - began < 2 * 0.5 + LATE


def test_a_dead_server_is_said(server: vendors.Hindsight) -> None:
    server.stop()
    assert away(server) == f"Hindsight at {server.url} refused the connection"


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://127.0.0.1:x", "http://"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(HindsightAway):
        Hindsight(url).recall("AAPL", 5)


def test_memories_go_to_no_other_host(server: vendors.Hindsight) -> None:
    with vendors.Hindsight() as elsewhere:
        server.fail(faults.redirect(f"{elsewhere.url}/v1/default/banks/jax/memories"))
        with pytest.raises(HindsightAway, match="not followed"):
            Hindsight(server.url).retain([CASE], 5)
        assert elsewhere.visits == []


def test_many_threads_may_ask_again_and_again(server: vendors.Hindsight) -> None:
    memory = Hindsight(server.url)
    memory.retain([CASE], 5)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: memory.recall("AAPL", 10), range(20)))
    assert all(len(facts) == 1 for facts in answers)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("http")]


def test_it_may_be_asked_where_an_event_loop_runs(server: vendors.Hindsight) -> None:
    async def ask() -> list[Recalled]:
        return Hindsight(server.url).recall("AAPL", 5)

    assert asyncio.run(ask()) == []
