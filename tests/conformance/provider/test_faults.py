"""What a provider does when its vendor fails: it says so in time, blames no other and tells no secret."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from core.http import Patience
from market.prices import Timeframe
from market.providers.base import Candles, Provider, ProviderError, Quotes
from tests.conformance.provider.candidates import BRIEF, ONCE, SYMBOLS, Candidate, T
from tests.late import LATE
from tests.vendors import faults
from tests.vendors.server import Fault, Vendor

Question = Callable[[Provider], Quotes | Candles]
QUESTIONS: dict[str, Question] = {
    "quotes": lambda provider: provider.quotes(SYMBOLS, T),
    "candles": lambda provider: provider.candles(SYMBOLS, Timeframe.D1, T - timedelta(days=30), T),
}
FAULTS: dict[str, tuple[Fault, Patience]] = {
    "400": (faults.status(400), ONCE),
    "404": (faults.status(404), ONCE),
    "500": (faults.status(500), ONCE),
    "503": (faults.status(503), ONCE),
    "web page": (faults.web_page, ONCE),
    "truncated": (faults.truncated, ONCE),
    "cut off": (faults.cut_off, ONCE),
    "reset": (faults.reset, ONCE),
    "flood": (faults.huge(70), ONCE),
    "never": (faults.never, BRIEF),
    "drips": (faults.drip(0.1), BRIEF),
    "drips its body": (faults.drip_body(0.2), BRIEF),
}
question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)


def failure(provider: Provider, question: Question) -> str:
    """What the provider says when it gives nothing, raised or for each symbol."""
    try:
        answer = question(provider)
    except ProviderError as error:
        return str(error)
    assert sorted([*answer.failed, *answer.declined]) == sorted(SYMBOLS)
    return " ".join(answer.failed.values())


def refusal(provider: Provider, question: Question) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        question(provider)
    return caught.value


@question
@pytest.mark.parametrize(("fault", "patience"), FAULTS.values(), ids=FAULTS)
def test_a_failure_is_said_in_time_and_without_keys(
    candidate: Candidate, remote: Vendor, fault: Fault, patience: Patience, question: Question
) -> None:
    remote.fail(fault)
    began = time.monotonic()
    text = failure(candidate.build(remote, patience=patience), question)
    assert time.monotonic() - began < 3 * patience.fetch + LATE
    assert text
    assert not any(key in text for key in candidate.secrets(remote))


@pytest.mark.parametrize(("fault", "patience"), FAULTS.values(), ids=FAULTS)
def test_its_report_never_raises_and_advises(
    candidate: Candidate, remote: Vendor, fault: Fault, patience: Patience
) -> None:
    remote.fail(fault)
    report = candidate.build(remote, patience=patience).report(T)
    assert not report.answers
    assert report.advice
    assert not any(key in report.advice for key in candidate.secrets(remote))


@question
@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_permanent(
    candidate: Candidate, remote: Vendor, code: int, question: Question
) -> None:
    keys = " ".join(candidate.secrets(remote))
    remote.fail(faults.status(code, detail=f"unknown {keys}"))
    error = refusal(candidate.build(remote), question)
    assert error.permanent
    assert not any(key in str(error) for key in candidate.secrets(remote))


@question
def test_how_long_to_stay_away_is_kept(candidate: Candidate, remote: Vendor, question: Question) -> None:
    remote.fail(faults.status(429, retry_after="90"))
    error = refusal(candidate.build(remote), question)
    assert (error.retry_after, error.permanent) == (timedelta(seconds=90), False)


@question
def test_another_host_is_never_asked(candidate: Candidate, remote: Vendor, question: Question) -> None:
    with type(remote)(now=T) as elsewhere:
        remote.fail(faults.redirect(f"{elsewhere.url}/"))
        assert refusal(candidate.build(remote), question).permanent
        assert elsewhere.visits == []


@question
def test_a_host_that_is_not_there_is_said(candidate: Candidate, remote: Vendor, question: Question) -> None:
    provider = candidate.build(remote)
    remote.stop()
    assert not refusal(provider, question).permanent
