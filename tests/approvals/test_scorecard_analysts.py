"""What an analyst's opinions were worth, on outcomes made by hand."""

from decimal import Decimal
from typing import Any

import pytest

from approvals import scorecard
from approvals.models import Outcome
from approvals.scorecard import Opinions
from opinions.models import Stance
from signals.trades import End
from tests import make
from tests.approvals.outcome_rows import outcome

pytestmark = pytest.mark.django_db


def judged(n: int, action: str = "BUY", end: End = End.TARGET, group: str = "none", **run: Any) -> None:
    """The outcome of a signal in both ledgers, on which an analyst had said that."""
    stored = outcome(n, end=end, group=group)
    if group != "none":
        outcome(n, "decision", group, end)
    make.opinion(stored.signal, agent_suggestion=action, **run)


def opinions() -> Opinions:
    [by_analyst] = scorecard.opinions(Outcome.objects.all())
    return by_analyst


def test_only_what_agreed_on_grounds_that_hold_is_calibrated() -> None:
    judged(0, end=End.TARGET, confidence=Decimal("0.8"))
    judged(1, end=End.STOP, confidence=Decimal("0.8"))
    judged(2, "PASS", End.STOP)
    judged(3, inventions=[{"text": "47.30", "start": 0, "end": 5}])
    judged(4, contradictions=["says BUY with a confidence of 0.1"])
    [score] = opinions().calibration.every
    assert (score.confidence, score.cases, score.targets) == (Decimal("0.8"), 2, 1)


def test_what_became_of_signals_by_what_was_said_of_them() -> None:
    for n, action in enumerate(("BUY", "SELL", "PASS", "HOLD")):
        judged(n, action)
    judged(4, inventions=[{"text": "47.30", "start": 0, "end": 5}])
    sizes = {stance: tally.size for stance, tally in opinions().said.items()}
    assert sizes == {Stance.FOR: 1, Stance.AGAINST: 2, Stance.UNDECIDED: 1, Stance.UNFOUNDED: 1}


def test_who_was_right_where_they_differed_is_counted_from_the_decision() -> None:
    judged(0, "BUY", End.TARGET, "approved")
    judged(1, "PASS", End.STOP, "approved")
    judged(2, "BUY", End.TARGET, "rejected")
    judged(3, "PASS", End.STOP, "rejected")
    judged(4, "HOLD", End.STOP, "rejected")
    by_analyst = opinions()
    assert (by_analyst.agreed, by_analyst.compared, by_analyst.agreement) == (2, 4, 0.5)
    assert by_analyst.approved_against.average_r == -1.0
    assert by_analyst.rejected_against.average_r == 1.0


def test_each_analyst_has_its_own_in_one_query(django_assert_num_queries: Any) -> None:
    judged(0)
    judged(1, analyst="llm")
    outcome(2)  # without an opinion
    with django_assert_num_queries(1):
        by_analyst = scorecard.opinions(Outcome.objects.all())
    assert [(each.analyst, each.cases) for each in by_analyst] == [("llm", 1), ("rules", 1)]


def test_without_opinions_there_is_nothing() -> None:
    outcome()
    assert scorecard.opinions(Outcome.objects.all()) == []
