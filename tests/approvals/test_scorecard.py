"""The figures of the scorecard, on outcomes made by hand: +1 R at the target, -1 R at the stop."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from approvals import scorecard
from approvals.models import Outcome
from approvals.scorecard import Card
from approvals.scorecard.intervals import Sample, difference, t95
from market.models import Candle
from market.prices import Timeframe
from signals.trades import End
from tests import make
from tests.approvals.outcome_rows import outcome


def card(by: str = "strategy") -> Card:
    every = Outcome.objects.all()
    [completed] = scorecard.complete(scorecard.cards(every, [by]), every)
    return completed


def outcomes(targets: int, stops: int, first: int = 0, ledger: str = "signal", group: str = "none") -> None:
    for n in range(targets):
        outcome(first + n, ledger, group, End.TARGET)
    for n in range(stops):
        outcome(first + targets + n, ledger, group, End.STOP)


@pytest.mark.parametrize(
    ("freedom", "exact"),
    [(1, 12.7062), (4, 2.7764), (5, 2.5706), (9, 2.2622), (29, 2.0452), (1e9, 1.9600)],
)
def test_students_t_is_that_of_the_tables(freedom: float, exact: float) -> None:
    assert t95(freedom) == pytest.approx(exact, abs=3e-4)


def test_a_sample_has_the_interval_of_a_textbook() -> None:
    sample = Sample(10, 2.0, 10.0)  # six times +1, four times -1
    assert sample.mean == pytest.approx(0.2)
    assert sample.interval == pytest.approx((-0.5388, 0.9388), abs=1e-4)


def test_samples_add_up() -> None:
    assert Sample(2, 0.5, 1.25) + Sample(1, 1.0, 1.0) == Sample(3, 1.5, 2.25)


def test_below_ten_cases_there_is_no_interval() -> None:
    assert Sample(9, 9.0, 9.0).interval is None
    assert Sample().mean is None


def test_the_difference_is_that_of_welch() -> None:
    interval = difference(Sample(40, 20.0, 40.0), Sample(40, -20.0, 40.0))
    assert interval == pytest.approx((1.0, 0.6095, 1.3905), abs=1e-3)


def test_the_difference_of_samples_without_any_spread_is_exact() -> None:
    assert difference(Sample(30, 30.0, 30.0), Sample(30, -30.0, 30.0)) == (2.0, 2.0, 2.0)


@pytest.mark.django_db
def test_a_strategy_is_judged_by_the_signal_ledger() -> None:
    outcomes(targets=6, stops=4)
    outcome(10, end=End.TIMEOUT, race=End.TIMEOUT, r=0.25)
    outcome(11, end=End.OPPOSITE, race=End.TARGET, r=0.5)
    outcome(12, end=End.VOID)
    outcome(13, end=End.MISSED)
    outcome(14, end=End.OPEN)
    outcome(0, "decision", "rejected", End.STOP)
    current = card()
    tally = current.signal_ledger
    assert (current.signals, tally.cases, tally.void, tally.missed, tally.open) == (15, 12, 1, 1, 1)
    assert (tally.targets, tally.stops, tally.timeouts, tally.opposites) == (7, 4, 1, 1)
    assert tally.target_rate == pytest.approx(7 / 11)
    assert (tally.target_rate_low, tally.target_rate_high) == pytest.approx((0.354, 0.848), abs=1e-3)
    assert tally.luck == pytest.approx(0.5)
    assert tally.timeout_rate == pytest.approx(1 / 12)
    assert tally.average_r == pytest.approx(2.75 / 12)


@pytest.mark.django_db
def test_a_person_is_judged_by_the_decision_ledger() -> None:
    outcomes(targets=2, stops=0, ledger="decision", group="approved")
    outcomes(targets=0, stops=1, first=2, ledger="decision", group="rejected")
    outcome(3, "decision", "expired", End.VOID)
    outcome(4, "decision", "rejected", End.VOID)
    outcome(5, "decision", "approved", End.OPEN)
    current = card()
    assert (current.signals, current.approved, current.rejected, current.expired, current.void) == (
        0,
        3,
        2,
        1,
        2,
    )
    tallies = current.decision_ledger
    assert [tallies[name].average_r for name in ("approved", "rejected", "expired")] == [1.0, -1.0, None]
    assert tallies["approved"].open == 1


@pytest.mark.django_db
def test_few_decisions_are_listed_and_not_compared() -> None:
    outcomes(targets=1, stops=0, ledger="decision", group="approved")
    outcomes(targets=0, stops=1, first=1, ledger="decision", group="rejected")
    outcome(2, "decision", "approved", End.OPEN)
    rejections = card().rejections
    assert rejections.difference is None
    assert [
        (decided.group, decided.symbol, decided.signal_type, decided.r, decided.end)
        for decided in rejections.listed
    ] == [
        ("rejected", "AAPL", "BUY", -1.0, "stop"),
        ("approved", "AAPL", "BUY", 1.0, "target"),
    ]


@pytest.mark.django_db
def test_from_thirty_decisions_on_each_side_they_are_compared() -> None:
    outcomes(targets=20, stops=10, ledger="decision", group="approved")
    outcomes(targets=10, stops=20, first=30, ledger="decision", group="rejected")
    rejections = card().rejections
    assert rejections.listed == []
    assert rejections.difference == pytest.approx(2 / 3)
    assert (rejections.difference_low, rejections.difference_high) == pytest.approx((0.171, 1.162), abs=1e-3)


@pytest.mark.django_db
def test_only_the_side_that_has_few_is_listed() -> None:
    outcomes(targets=20, stops=10, ledger="decision", group="approved")
    outcomes(targets=0, stops=29, first=30, ledger="decision", group="rejected")
    rejections = card().rejections
    assert rejections.difference is None
    assert (len(rejections.listed), {decided.group for decided in rejections.listed}) == (29, {"rejected"})


@pytest.mark.django_db
def test_confidence_is_held_against_what_came_first() -> None:
    outcomes(targets=20, stops=10)
    for n in range(30, 40):
        outcome(n, end=End.STOP, confidence=Decimal("0.9"))
    outcome(40, end=End.TIMEOUT, race=End.TIMEOUT)
    calibration = card().calibration
    assert (calibration.cases, calibration.too_few, calibration.base_rate) == (40, 10, 0.5)
    [seventy] = calibration.values
    assert (seventy.confidence, seventy.cases, seventy.targets) == (Decimal("0.7"), 30, 20)
    assert calibration.brier == pytest.approx((20 * 0.3**2 + 10 * 0.7**2 + 10 * 0.9**2) / 40)
    assert calibration.base_brier == pytest.approx(0.25)
    assert calibration.skill == pytest.approx(1 - 0.37 / 0.25)


@pytest.mark.django_db
def test_below_thirty_cases_no_skill_is_told() -> None:
    outcomes(targets=19, stops=10)
    calibration = card().calibration
    assert (calibration.cases, calibration.too_few, calibration.values) == (29, 29, [])
    assert (calibration.brier, calibration.base_brier, calibration.skill) == (None, None, None)


@pytest.mark.django_db
def test_where_all_ended_alike_there_is_no_skill() -> None:
    outcomes(targets=30, stops=0)
    calibration = card().calibration
    assert (calibration.base_rate, calibration.base_brier, calibration.skill) == (1.0, 0.0, None)


@pytest.mark.django_db
def test_there_is_a_card_for_each_key() -> None:
    outcome(0)
    outcome(1, timeframe="15m")
    outcome(2, strategy_id="a_v1")
    outcome(3, "decision", "approved", symbol="MSFT")
    every = Outcome.objects.all()
    assert [list(each.of.values()) for each in scorecard.cards(every, ["strategy", "timeframe"])] == [
        ["a_v1", "1d"],
        ["macd_crossover_v1", "15m"],
        ["macd_crossover_v1", "1d"],
    ]
    assert [each.of for each in scorecard.cards(every, ["user"])] == [{"user": "Ann"}, {"user": None}]
    assert [each.of for each in scorecard.cards(every, [])] == [{}]


@pytest.mark.django_db
def test_it_says_when_its_newest_outcome_was_computed() -> None:
    first = outcome(0)
    outcome(1, computed_at=first.computed_at + timedelta(minutes=10))
    assert card().computed_at == first.computed_at + timedelta(minutes=10)


@pytest.mark.django_db
def test_without_outcomes_there_is_no_card(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    every = Outcome.objects.all()
    with django_assert_num_queries(1):
        assert scorecard.complete(scorecard.cards(every, ["user"]), every) == []


@pytest.mark.django_db
def test_it_says_on_which_bars_in_doubt_trades_were_played() -> None:
    entered, left = make.T0, make.T0 + timedelta(days=3)
    outcome(entered_at=entered, exited_at=left, played_on="1d")
    outcome(1, entered_at=entered, exited_at=None, played_on="15m")
    make.history("AAPL", [100.0] * 9, Timeframe.D1, until=entered + timedelta(days=6))
    Candle.objects.update(suspect=True)
    doubt = scorecard.overview(Outcome.objects.all()).doubt
    inside = Candle.objects.filter(opened_at__range=(entered, left), timeframe="1d")
    assert doubt.count == inside.count() > 0
    (card,) = scorecard.complete(scorecard.cards(Outcome.objects.all(), ["symbol"]), Outcome.objects.all())
    assert card.doubted == doubt.count
    assert [bar.opened_at for bar in doubt.newest] == list(
        inside.order_by("-opened_at").values_list("opened_at", flat=True)
    )
