"""The scorecard's page: what it says, and that it says no more than is known."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from django.test import Client

from approvals import scorecard
from approvals.models import Outcome
from desk.scorecard.plots import Axis, Dot, across, down
from signals.trades import End
from tests import make
from tests.approvals import outcome_rows

pytestmark = pytest.mark.django_db


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/scorecard/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def many(count: int, targets: int, start: int = 0, **values: object) -> None:
    for n in range(count):
        outcome_rows.outcome(start + n, end=End.TARGET if n < targets else End.STOP, **values)  # type: ignore[arg-type]  # any value


def test_empty_it_says_what_will_fill_it_and_when(trader: Client) -> None:
    assert "every ten minutes" in page(trader)
    many(1, 1)
    assert "Nothing of what you chose" in page(trader, "?strategy=rsi_reversion_v1&timeframe=1h")


def test_few_cases_are_called_too_few(trader: Client) -> None:
    many(5, 4)
    html = page(trader)
    assert "over 5 that ended: too few to tell anything." in html
    assert "0 approved and 0 rejected have ended, 30 of each are needed" in html
    assert "5 of 30 races have ended" in html
    assert "No curve yet" in html


@pytest.mark.parametrize(
    ("targets", "meaning"),
    [(36, "more than chance explains"), (20, "which chance alone could have made"), (4, "they lose")],
)
def test_the_strategies_are_judged_by_the_interval(trader: Client, targets: int, meaning: str) -> None:
    many(40, targets)
    assert meaning in page(trader)


@pytest.mark.parametrize(
    ("approved", "rejected", "meaning"),
    [
        (28, 4, "rejecting has saved money"),
        (4, 28, "the rejections have cost money"),
        (15, 14, "no difference that chance could not have made"),
    ],
)
def test_rejecting_is_judged_by_the_interval(
    trader: Client, approved: int, rejected: int, meaning: str
) -> None:
    many(30, approved, ledger="decision", group="approved")
    many(30, rejected, start=100, ledger="decision", group="rejected")
    assert meaning in page(trader)


def test_decisions_are_listed_one_by_one_while_they_are_few(trader: Client) -> None:
    outcome = outcome_rows.outcome(ledger="decision", group="rejected")
    html = page(trader)
    assert f"/signals/{outcome.signal_id}/" in html
    assert 'Rejected <span class="muted">by everybody' in html


def test_each_person_stands_apart_once_there_are_two(trader: Client) -> None:
    outcome_rows.outcome(1, ledger="decision", group="approved")
    assert "by Ann" not in page(trader)
    signal = outcome_rows.outcome(2).signal
    ben = outcome_rows.user("Ben")
    outcome_rows.decision(signal, "rejected", approved_by=ben)
    outcome_rows.outcome(2, ledger="decision", group="rejected")
    html = page(trader)
    assert "by Ann" in html
    assert "by Ben" in html


def test_the_calibration_is_drawn_where_thirty_cases_stand_behind_a_tenth(trader: Client) -> None:
    many(30, 15, confidence=Decimal("0.72"))
    many(10, 1, start=50, confidence=Decimal("0.55"))
    html = page(trader)
    square = html.split('class="square"')[1].split("</svg>")[0]
    assert re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', square) == [(f"{across(0.72)}", f"{down(0.5)}")]
    assert "72 %" in html
    assert "33 % to 67 %" in html


def test_a_filter_chooses(trader: Client) -> None:
    many(3, 3)
    many(2, 0, start=50, timeframe="1h", strategy_id="rsi_reversion_v1")
    assert "over 5 that ended" in page(trader)
    assert "over 2 that ended" in page(trader, "?timeframe=1h")
    assert "over 3 that ended" in page(trader, "?strategy=macd_crossover_v1")
    assert "Nothing of what you chose" in page(trader, "?period=30")


def test_a_filter_that_is_none_is_named_and_all_are_shown(trader: Client) -> None:
    many(3, 3)
    html = page(trader, "?timeframe=7y")
    assert "All are shown." in html
    assert "over 3 that ended" in html


def test_it_adds_up_to_what_the_api_says(trader: Client) -> None:
    many(40, 25, confidence=Decimal("0.64"))
    many(12, 3, start=60, confidence=Decimal("0.81"), timeframe="1h")
    many(31, 20, start=100, ledger="decision", group="approved")

    cards = scorecard.cards(Outcome.objects.all(), ["strategy", "timeframe"])
    overview = scorecard.overview(Outcome.objects.all())
    assert [(card.of, card.signal_ledger) for card in overview.strategies] == [
        (card.of, card.signal_ledger) for card in cards
    ]
    assert overview.every
    (every,) = scorecard.complete(scorecard.cards(Outcome.objects.all(), []), Outcome.objects.all())
    assert replace(overview.every, listed=[]) == replace(every, listed=[])


class TestSecondOpinions:
    def test_without_any_there_is_no_section(self, trader: Client) -> None:
        many(3, 3)
        assert "Second opinions:" not in page(trader)

    def test_few_differences_are_called_too_few(self, trader: Client) -> None:
        judged(1, "PASS", "approved", End.STOP)
        judged(2, "BUY", "rejected", End.TARGET)
        judged(3, "BUY", "approved", End.TARGET)
        html = page(trader)
        assert "Second opinions: rule-based" in html
        assert "You and it wanted the same in 1 of 3 decisions." in html
        assert "approved against its advice, 1 came to \N{MINUS SIGN}1.00 R each: too few to tell" in html
        assert "rejected what it supported, 1 came to +1.00 R each: too few to tell who was right" in html
        assert "2 have so far, in all tenths together" in html

    def test_an_opinion_on_what_nobody_judged_is_not_compared(self, trader: Client) -> None:
        judged(1, "BUY")
        html = page(trader, "?strategy=macd_crossover_v1")
        assert "It and you have not judged the same signal yet." in html

    @pytest.mark.parametrize(
        ("action", "group", "targets", "meaning"),
        [
            ("PASS", "approved", 28, "you were right"),
            ("PASS", "approved", 2, "it was right"),
            ("BUY", "rejected", 28, "it was right"),
            ("BUY", "rejected", 2, "you were right"),
            ("BUY", "rejected", 15, "which chance alone could have made"),
        ],
    )
    def test_who_was_right_is_judged_by_the_interval(
        self, trader: Client, action: str, group: str, targets: int, meaning: str
    ) -> None:
        for n in range(30):
            judged(n, action, group, End.TARGET if n < targets else End.STOP)
        html = page(trader)
        assert re.search(rf"30 came to \S+ R each \(95 %: \S+ to \S+\): {meaning}\.", html)

    def test_its_confidence_is_drawn_beside_that_of_the_signals(self, trader: Client) -> None:
        for n in range(30):
            judged(n, "BUY", "none", End.TARGET if n < 12 else End.STOP, analyst="llm")
        section = page(trader).split("Second opinions: language model")[1]
        assert 'aria-labelledby="calibration-llm"' in section
        assert "the base rate of the signals it agreed with, 40 %" in section


def judged(n: int, action: str, group: str = "none", end: End = End.TARGET, **run: object) -> None:
    """The outcome of a signal, in both ledgers where it was decided on, on which an analyst had said that."""
    outcome = outcome_rows.outcome(n, end=end, group=group)
    if group != "none":
        outcome_rows.outcome(n, "decision", group, end)
    make.opinion(outcome.signal, agent_suggestion=action, **run)


class TestPlots:
    def test_an_axis_holds_all_and_has_zero_in_the_middle(self) -> None:
        axis = Axis.of([-0.2, 1.8], least=1.0)
        assert axis.zero == 50
        assert 0 < axis.at(-1.8) < axis.at(-0.2) < 50 < axis.at(1.8) < 100

    def test_a_dot_without_an_interval_is_only_a_dot(self) -> None:
        axis = Axis.of([], least=1.0)
        assert Dot.of(axis, None, None) is None
        assert Dot.of(axis, 0.0, None) == Dot(50, None, None)

    def test_the_diagonal_of_the_square_is_honest(self) -> None:
        assert (across(0), down(0)) == (40, 260)
        assert (across(1), down(1)) == (292, 8)
