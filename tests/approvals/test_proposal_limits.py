"""Limits of several positions together, and earnings while a position may be held."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from approvals import positions, proposals
from approvals.proposals import AS_PROPOSED, Proposal
from approvals.risk import Cap
from market.models import TradingSession
from market.prices import Timeframe
from signals.models import Signal, StrategyConfig
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

MIDNIGHT = datetime(2024, 7, 3, tzinfo=UTC)
RNG = np.random.default_rng(3)
MARKET = RNG.normal(0, 0.01, 80)
OWN = RNG.normal(0, 0.01, 80)


def propose(signal: Signal | None = None) -> Proposal:
    waiting = signal or Signal.objects.filter(symbol="AAPL").first() or make.signal()
    return proposals.propose(waiting, make.T0, AS_PROPOSED)


def moving(symbol: str, *parts: np.ndarray) -> None:
    closes = 100 * np.exp(np.cumsum(sum(parts)))
    make.history(symbol, [float(close) for close in closes], Timeframe.D1, until=MIDNIGHT)


def hold(symbol: str = "MSFT", quantity: int = 54, price: float = 186.0) -> None:
    make.held(symbol, quantity, f"{price:.2f}")
    make.quote(symbol, price, make.T0)


class TestWhatMovesTogether:
    def test_it_counts_as_one_bet_and_says_so(self, settings: Settings) -> None:
        settings.MAX_GROUP = Decimal("0.20")
        moving("AAPL", MARKET)
        moving("MSFT", MARKET, OWN / 2)
        hold()
        correlation = np.corrcoef(MARKET[-60:], (MARKET + OWN / 2)[-60:])[0, 1]
        proposal = propose()
        assert proposal.notes == [f"AAPL moves with MSFT ({correlation:.2f}), held: counts as one bet."]
        assert (proposal.quantity, proposal.caps) == (53, [Cap.GROUP])  # 10,044 of 20,000 are taken
        assert proposal.as_json()["notes"] == proposal.notes

    def test_with_the_usual_limit_the_first_two_fit(self) -> None:
        moving("AAPL", MARKET)
        moving("MSFT", MARKET)
        hold()
        assert (propose().quantity, propose().caps) == (107, [Cap.POSITION])

    def test_a_full_group_refuses(self, settings: Settings) -> None:
        settings.MAX_GROUP = Decimal("0.05")
        moving("AAPL", MARKET)
        moving("MSFT", MARKET)
        hold()
        assert propose().problems == [
            "No share fits: the most that positions which move together may be worth leaves room for 0."
        ]

    def test_what_moves_by_itself_is_another_bet(self) -> None:
        moving("AAPL", MARKET)
        moving("MSFT", OWN)
        hold()
        assert propose().notes == []

    def test_a_short_against_it_is_another_bet_and_one_that_moves_the_other_way_is_the_same(self) -> None:
        moving("AAPL", MARKET)
        moving("MSFT", MARKET)
        hold(quantity=-54)
        assert propose().notes == []
        moving("MSFT", -MARKET)
        assert propose().notes == ["AAPL moves against MSFT (-1.00), held short: counts as one bet."]

    def test_what_is_not_known_is_said_and_refuses_nothing(self) -> None:
        moving("AAPL", MARKET)
        hold()
        assert propose().notes == [
            "Whether AAPL moves with MSFT is not known: they have fewer than 40 daily bars in common."
        ]
        assert propose().problems == []

    def test_an_order_that_may_fill_counts(self) -> None:
        moving("AAPL", MARKET)
        moving("MSFT", MARKET)
        make.order("MSFT", status="submitted")
        assert propose().notes == ["AAPL moves with MSFT (1.00), on order: counts as one bet."]


class TestOfOneStrategy:
    def test_its_positions_share_a_limit(self, settings: Settings) -> None:
        settings.MAX_STRATEGY = Decimal("0.20")
        hold()
        assert (propose().quantity, propose().caps) == (53, [Cap.STRATEGY])

    def test_their_number_is_limited(self, settings: Settings) -> None:
        settings.MAX_STRATEGY_POSITIONS = 1
        hold()
        assert propose().caps == [Cap.STRATEGY_POSITIONS]

    def test_those_without_a_stop_count_and_others_do_not(self, settings: Settings) -> None:
        settings.MAX_STRATEGY_POSITIONS = 1
        order = make.held("MSFT")
        type(order).objects.update(exits_working=False)
        assert propose().caps == [Cap.STRATEGY_POSITIONS]
        Signal.objects.filter(symbol="MSFT").update(strategy_id="another")
        assert Cap.STRATEGY_POSITIONS not in propose().caps


@pytest.mark.parametrize(
    ("day", "time", "is_within"),
    [
        ("2024-07-03", "before", False),  # it is 14:00 UTC: it is out
        ("2024-07-03", "after", True),
        ("2024-07-03", "unknown", True),
        ("2024-07-04", "before", True),  # a holiday: estimates are off
        ("2024-07-05", "before", True),
        ("2024-07-05", "after", False),  # flat by then, as two daily bars end with that session
        ("2024-07-08", "before", False),
    ],
)
def test_earnings_are_told_while_it_may_be_held(
    settings: Settings, day: str, time: str, is_within: bool
) -> None:
    signal = make.signal(timeframe="1d", strategy_id="macd_cross")
    StrategyConfig.objects.update_or_create(
        strategy_id="macd_cross", timeframe="1d", defaults={"longest_holding_bars": 1}
    )
    report = make.earnings(day=day, time=time)
    proposal = propose(signal)
    assert (report.symbol in " ".join(proposal.notes)) is is_within
    assert proposal.problems == []
    settings.ALLOW_EARNINGS = False
    assert bool(propose(signal).problems) is is_within


def test_earnings_say_when_and_that_it_may_be_held_through_them(settings: Settings) -> None:
    make.earnings(day="2024-07-05", time="before")
    words = "AAPL reports earnings on Fri 5 Jul before the open, estimated"
    assert propose().notes == [f"{words}: it may be held through that."]
    settings.ALLOW_EARNINGS = False
    assert propose().problems == [f"{words}, while it may be held (ALLOW_EARNINGS is off)."]


def test_what_is_flat_at_the_close_is_not_held_through_a_report_after_it() -> None:
    signal = make.signal()
    values: dict[str, Any] = {"strategy_id": signal.strategy_id, "timeframe": signal.timeframe}
    StrategyConfig.objects.update_or_create(**values, defaults={"flat_at_close": True})
    make.earnings(day="2024-07-03", time="after")
    assert propose(signal).notes == []


def week_began(at: datetime) -> datetime:
    account = positions.account(at)
    assert account is not None
    return account.week_began


def test_the_week_begins_with_the_last_close_before_monday() -> None:
    assert week_began(make.T0) == datetime(2024, 6, 28, 20, tzinfo=UTC)
    saturday = datetime(2024, 7, 6, 12, tzinfo=UTC)
    assert week_began(saturday) == datetime(2024, 7, 5, 20, tzinfo=UTC)
    TradingSession.objects.all().delete()
    assert week_began(make.T0) == datetime(2024, 7, 1, tzinfo=UTC)
