"""What an opinion run counts on from every analyst. See docs/extending/analyst.md."""

import contextlib
import copy
import socket
import time
from typing import Any

import pytest

from opinions import grounding
from opinions.analysts.base import Action, AnalystFailed, AnalystSpec, Bill, Opinion, Verdict
from tests.conformance.analyst.counterpart import Counterpart
from tests.late import LATE
from tests.opinions.analysts import given_snapshot, test_rules
from tests.opinions.analysts.given_snapshot import PLANTED

SECONDS = 10
SNAPSHOT: dict[str, Any] = {  # every part that a snapshot of a signal has
    **test_rules.PLAIN,
    **given_snapshot.SNAPSHOT,
    "quote": test_rules.PLAIN["quote"] | given_snapshot.SNAPSHOT["quote"],
    "indicators": test_rules.PLAIN["indicators"] | given_snapshot.SNAPSHOT["indicators"],
    "recalled": [],
}


def ask(spec: AnalystSpec, behind: Counterpart, seconds: float = SECONDS) -> Opinion:
    return spec.build(behind.values).analyse(SNAPSHOT, seconds)


def failure(spec: AnalystSpec, behind: Counterpart, seconds: float) -> AnalystFailed:
    with pytest.raises(AnalystFailed) as caught:
        ask(spec, behind, seconds)
    return caught.value


def secrets(spec: AnalystSpec, behind: Counterpart) -> list[str]:
    names = [setting.name for setting in spec.settings if setting.secret]
    return [behind.values[name] for name in names if behind.values[name]]


def test_the_spec_names_it(spec: AnalystSpec, behind: Counterpart) -> None:
    assert 0 < len(spec.name) <= 16
    assert spec.title
    assert spec.noun
    assert spec.at_once >= 1
    assert spec.is_configured(behind.values)
    assert [*spec.problems(behind.values)] == []


def test_it_is_switched_on_by_its_required_settings_alone(spec: AnalystSpec) -> None:
    assert spec.is_configured({}) is not bool(spec.required)


def test_its_answer_is_an_opinion(spec: AnalystSpec, behind: Counterpart) -> None:
    opinion = ask(spec, behind)
    assert opinion.action in Action
    assert 0 <= opinion.confidence <= 1
    assert opinion.reasoning.strip()
    assert opinion.model
    assert {factor.verdict for factor in opinion.factors} <= {*Verdict}
    for text in (opinion.reasoning, opinion.model, *(factor.text for factor in opinion.factors)):
        assert "\0" not in text
        text.encode()


def test_it_costs_no_more_than_it_said(spec: AnalystSpec, behind: Counterpart) -> None:
    most, bill = spec.build(behind.values).most(SNAPSHOT), ask(spec, behind).bill
    assert Bill() == Bill(min(0, most.tokens), min(most.usd, Bill().usd))
    assert bill.tokens <= most.tokens
    assert bill.usd <= most.usd


def test_it_leaves_the_snapshot_as_it_is(spec: AnalystSpec, behind: Counterpart) -> None:
    given = copy.deepcopy(SNAPSHOT)
    spec.build(behind.values).analyse(given, SECONDS)
    assert given == SNAPSHOT


def test_what_may_not_invent_says_only_what_it_was_given(spec: AnalystSpec, behind: Counterpart) -> None:
    if spec.may_invent:
        pytest.skip("each of its numbers is looked up")
    opinion = ask(spec, behind)
    text = "\n".join([opinion.reasoning, *(factor.text for factor in opinion.factors)])
    assert grounding.check(text, SNAPSHOT | {"answer": {"confidence": opinion.confidence}}).inventions == ()


def test_what_is_not_outside_makes_no_connection(
    spec: AnalystSpec, behind: Counterpart, monkeypatch: pytest.MonkeyPatch
) -> None:
    if spec.is_outside:
        pytest.skip("what it is given is redacted")

    def connect(*address: object) -> None:
        raise AssertionError("It opens a connection.")

    monkeypatch.setattr(socket.socket, "connect", connect)
    ask(spec, behind)


def test_what_is_planted_in_the_data_gives_it_nothing_to_do(spec: AnalystSpec, behind: Counterpart) -> None:
    planted = {**SNAPSHOT, "context": PLANTED}
    with contextlib.suppress(AnalystFailed):
        assert spec.build(behind.values).analyse(planted, SECONDS).action in Action


def test_a_service_that_is_away_is_a_failure_in_words(spec: AnalystSpec, behind: Counterpart) -> None:
    if behind.stop is None:
        pytest.skip("it asks nothing outside")
    behind.stop()
    failed = failure(spec, behind, SECONDS)
    assert str(failed)
    assert failed.bill == Bill()


def test_a_service_that_hangs_costs_no_more_than_the_deadline(spec: AnalystSpec, behind: Counterpart) -> None:
    if behind.hang is None:
        pytest.skip("it asks nothing outside")
    behind.hang()
    began = time.monotonic()
    assert str(failure(spec, behind, 1))
    assert time.monotonic() - began < 1 + LATE


def test_its_secrets_are_in_no_text(spec: AnalystSpec, behind: Counterpart) -> None:
    texts = repr(ask(spec, behind).exchanges)
    if behind.stop is not None:
        behind.stop()
        failed = failure(spec, behind, SECONDS)
        texts += str(failed) + repr(failed.exchanges)
    assert [secret for secret in secrets(spec, behind) if secret in texts] == []
