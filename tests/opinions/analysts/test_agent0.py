"""agent0-service, asked over HTTP on loopback, with the traps that it is known for."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from opinions.analysts.agent0 import Agent0
from opinions.analysts.base import Action, AnalystFailed, Bill, Opinion, Verdict
from tests import vendors
from tests.late import LATE
from tests.opinions.analysts.given_snapshot import PLANTED, SNAPSHOT
from tests.vendors import faults, opinions
from tests.vendors.agent0 import HOLD_OF_A_FAILURE, WATCH_OF_A_FAILURE
from tests.vendors.server import Fault


@pytest.fixture
def service() -> Iterator[vendors.Agent0]:
    with vendors.Agent0() as service:
        yield service


def ask(service: vendors.Agent0, seconds: float = 5) -> Opinion:
    return Agent0(service.url).analyse(SNAPSHOT, seconds)


def failure_of(service: vendors.Agent0, seconds: float = 5) -> AnalystFailed:
    with pytest.raises(AnalystFailed) as caught:
        ask(service, seconds)
    return caught.value


def test_an_opinion_is_what_the_service_says(service: vendors.Agent0) -> None:
    opinion = ask(service)
    assert (opinion.action, opinion.confidence) == (Action.BUY, 0.62)
    assert opinion.reasoning.startswith("BUY at 185.5, stop 180.5, target 191.75.")
    assert opinion.model == "loopback/made-up"
    assert opinion.bill == Bill()


def test_it_is_told_the_snapshot_and_nothing_else(service: vendors.Agent0) -> None:
    opinion = ask(service)
    (visit,) = service.visits
    request = visit.content
    assert opinions.snapshot_in(request.pop("context")) == SNAPSHOT
    assert request == {"symbol": "AAPL", "include_memory": False, "include_market_data": False}
    assert json.loads(opinion.exchanges[0].sent) == visit.content
    assert json.loads(opinion.exchanges[0].answered)["request_id"] == "5f2c"


def test_factors_are_neutral_unless_they_tell(service: vendors.Agent0) -> None:
    service.says = {"key_factors": ["RSI is 61.2", "Against: few cases", "for: the trend"]}
    assert [(factor.verdict, factor.text) for factor in ask(service).factors] == [
        (Verdict.NEUTRAL, "RSI is 61.2"),
        (Verdict.AGAINST, "few cases"),
        (Verdict.FOR, "the trend"),
    ]


@pytest.mark.parametrize("confidence", [10, 10.0, 0.1])
@pytest.mark.parametrize("factors", [[], None, [" "]])
def test_a_hold_that_is_a_failure_fails(service: vendors.Agent0, confidence: float, factors: Any) -> None:
    service.says = {**HOLD_OF_A_FAILURE, "confidence": confidence, "key_factors": factors}
    failure = failure_of(service)
    assert str(failure) == "agent0's own model failed; it says: Analysis unavailable."
    assert failure.exchanges[0].answered


def test_a_watch_that_is_a_failure_fails(service: vendors.Agent0) -> None:
    service.says = WATCH_OF_A_FAILURE
    assert "own model failed" in str(failure_of(service))


@pytest.mark.parametrize(
    "says",
    [
        {**HOLD_OF_A_FAILURE, "key_factors": ["The trend is flat"]},
        {**HOLD_OF_A_FAILURE, "confidence": 11},
        {**WATCH_OF_A_FAILURE, "confidence": 10},
        {**WATCH_OF_A_FAILURE, "key_factors": ["Wait for volume"]},
    ],
)
def test_other_holds_and_watches_are_holds(service: vendors.Agent0, says: dict[str, Any]) -> None:
    service.says = says
    assert ask(service).action is Action.HOLD


@pytest.mark.parametrize(
    ("confidence", "meant"), [(0, 0), (0.62, 0.62), (0.999, 0.999), (1.01, 0.0101), (62, 0.62), (100, 1)]
)
def test_both_scales_of_confidence_are_understood(
    service: vendors.Agent0, confidence: float, meant: float
) -> None:
    service.says = {"confidence": confidence}
    assert ask(service).confidence == pytest.approx(meant)


@pytest.mark.parametrize("confidence", [1, 1.0])
def test_a_confidence_that_could_be_either_is_refused(service: vendors.Agent0, confidence: float) -> None:
    service.says = {"confidence": confidence}
    assert str(failure_of(service)).endswith('"confidence" is 1, which may be 1 % or all of it')


@pytest.mark.parametrize(
    "says",
    [
        {"confidence": value}
        for value in (-1, 101, float("nan"), float("inf"), 10**400, "62", None, True, [62], {"value": 62})
    ]
    + [{"action": value} for value in ("APPROVE_ALL", "buy", "PASS", "", None, 1, ["BUY"])]
    + [{"key_factors": value} for value in ("strong", [1], [["x"]], {"a": 1}, ["x"] * 1000, ["x" * 10_000])]
    + [{"reasoning": value} for value in (None, 5, "", "\x00", ["x"], "x" * 100_000)]
    + [{"symbol": value} for value in ("MSFT", None, 7)]
    + [{"model_used": 5}],
    ids=lambda says: repr(says)[:60],
)
def test_an_answer_of_another_shape_is_a_failure(service: vendors.Agent0, says: dict[str, Any]) -> None:
    service.says = says
    failure = failure_of(service)
    assert str(failure).startswith("agent0's answer is no use: ")
    assert len(str(failure)) < 300


def test_what_no_database_keeps_is_taken_out(service: vendors.Agent0) -> None:
    service.says = {
        "reasoning": "Buy\x00 now\ud800, \u202eback",
        "key_factors": ["a\x1bb"],
        "model_used": "m\x00",
    }
    opinion = ask(service)
    assert opinion.reasoning == "Buy  now ,  back"
    assert opinion.factors[0].text == "a b"
    assert opinion.model == "loopback/m"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.status(503, detail="LLM is not available"), "answered 503: LLM is not available"),
        (faults.status(500), "answered 500: not today"),
        (faults.status(422, detail="symbol: too long"), "answered 422: symbol: too long"),
        (faults.status(429, retry_after="20"), "answered 429: not today; it asks to wait 20 s"),
        (faults.web_page, "answered with a web page (Please log in Welcome) instead of JSON"),
        (faults.truncated, "answered with broken JSON"),
        (faults.cut_off, "broke off the connection"),
        (faults.reset, "broke off the connection"),
        (faults.huge(2), "sent more than 1 MB; refused"),
        (faults.huge(2, declared=True), "sent more than 1 MB; refused"),
    ],
    ids=["503", "500", "422", "429", "web page", "truncated", "cut off", "reset", "huge", "declared huge"],
)
def test_a_fault_is_a_failure_in_words(service: vendors.Agent0, fault: Fault, words: str) -> None:
    service.fail(fault)
    failure = failure_of(service)
    assert str(failure).startswith(f"agent0 at {service.url} ")
    assert words in str(failure)
    assert len(service.visits) == 1
    assert failure.exchanges[0].sent


def test_a_redirect_is_not_followed(service: vendors.Agent0) -> None:
    with vendors.Agent0() as elsewhere:
        service.fail(faults.redirect(f"{elsewhere.url}/suggest"))
        assert "not followed" in str(failure_of(service))
        assert elsewhere.visits == []


@pytest.mark.parametrize(
    "fault", [faults.never, faults.drip(0.05), faults.slow(60)], ids=["never", "drips", "slow"]
)
def test_the_deadline_is_for_all_of_it(service: vendors.Agent0, fault: Fault) -> None:
    service.fail(fault)
    began = time.monotonic()
    failure = failure_of(service, seconds=0.5)
    assert time.monotonic() - began < 0.5 + LATE
    assert str(failure) == f"agent0 at {service.url} gave no answer within 0.5 s"


def test_a_dead_service_is_said(service: vendors.Agent0) -> None:
    service.stop()
    assert str(failure_of(service)) == f"agent0 at {service.url} refused the connection"


def test_an_instruction_in_the_data_stays_data(service: vendors.Agent0) -> None:
    planted = {**SNAPSHOT, "context": PLANTED}
    Agent0(service.url).analyse(planted, 5)
    context = service.visits[0].content["context"]
    assert context.count("</data>") == 1
    assert opinions.snapshot_in(context) == planted
