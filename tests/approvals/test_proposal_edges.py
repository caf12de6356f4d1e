"""What a proposal says and keeps in its rarer cases, and the order of its refusals."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from approvals import proposals
from approvals.models import BrokerPosition, Order
from approvals.proposals import AS_PROPOSED, Context, Overrides, Proposal, describe, terms
from market.models import Instrument, Quote
from signals.models import Signal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

SATURDAY = datetime(2024, 7, 6, 12, tzinfo=UTC)
MONDAY_EVENING = datetime(2024, 7, 8, 20, tzinfo=UTC)


def propose(signal: Signal | None = None, at: datetime = make.T0, **overrides: Any) -> Proposal:
    return proposals.propose(signal or make.signal(), at, Overrides(**overrides))


@pytest.fixture
def weekend(desk: None) -> None:
    make.quote("MSFT", 185.60, datetime(2024, 7, 5, 20, tzinfo=UTC))
    make.ready(SATURDAY)


def test_a_size_that_cannot_be_known_is_said_to_be_unknown() -> None:
    assert describe(propose(at=make.T0.replace(minute=4))) == "Buys AAPL; how many is not known now."


def test_an_entry_without_a_price_has_neither_limit_nor_size() -> None:
    Quote.objects.all().delete()
    proposal = propose()
    assert (proposal.worst_price, proposal.limit_price, proposal.size, proposal.quantity) == (
        *(None, None, None, 0),
    )
    assert proposal.caps == []


@pytest.mark.usefixtures("weekend")
def test_closing_out_of_session_waits_for_the_open_in_words_and_terms() -> None:
    make.held("MSFT", 30)
    proposal = propose(make.sell("MSFT", expires_at=MONDAY_EVENING), SATURDAY)
    assert describe(proposal) == (
        "Sells 30 MSFT at the open Monday 13:30 UTC at the market, out of the long position; its stop and "
        "target are cancelled first."
    )
    assert terms(proposal) == "closes long 30 2024-07-08T13:30:00+00:00"
    assert proposal.waits_until is None


def test_closing_a_short_is_said_to_be_that() -> None:
    make.held(quantity=-30)
    proposal = propose()
    assert describe(proposal).startswith("Buys 30 AAPL now at the market, out of the short position; ")
    assert terms(proposal) == "closes short 30 now"


@pytest.mark.usefixtures("weekend")
def test_the_terms_of_an_entry_are_its_kind_and_when_it_goes_out() -> None:
    assert terms(propose()) == "opens long now"
    waiting = propose(make.signal("MSFT", expires_at=MONDAY_EVENING), SATURDAY)
    assert terms(waiting) == "opens long 2024-07-08T13:32:00+00:00"


def test_the_figures_of_an_entry_are_kept() -> None:
    assert propose().as_json() == {
        "does": "opens long",
        "quantity": 107,
        "limit_price": Decimal("186.22"),
        "stop_loss": Decimal("180.50"),
        "take_profit": Decimal("191.75"),
        "risk": Decimal("612.04"),
        "caps": ["the most that one position may be worth"],
    }


def test_of_an_exit_only_its_shares_are_kept() -> None:
    make.held(quantity=30)
    empty = dict.fromkeys(("limit_price", "stop_loss", "take_profit", "risk"))
    figures = propose(make.sell()).as_json()
    assert {name: figures[name] for name in (*empty, "does", "quantity")} == empty | {
        "does": "closes long",
        "quantity": 30,
    }


def test_what_makes_the_account_unknown_is_the_problem() -> None:
    BrokerPosition.objects.create(symbol="ODD", quantity=5, ours=0, average_cost=1, seen_at=make.T0)
    (problem,) = propose().problems
    assert problem.startswith("The account holds ODD, which Jax does not know.")


def test_a_split_that_is_not_restated_yet_stops_an_entry_but_no_exit() -> None:
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=make.T0)
    assert propose().problems == ["A split was seen and the history is not restated yet."]
    make.held(quantity=30)
    assert propose(make.sell()).problems == []


def test_nothing_is_bought_of_a_delisted_share_but_one_that_is_watched_again() -> None:
    signal, apple = make.signal(), Instrument.objects.filter(symbol="AAPL")
    apple.update(delisting_followed=True, watched=False, status="delisted", delisted_on="2024-07-03")
    assert "AAPL was delisted on 2024-07-03: it does not trade any more." in propose(signal).problems
    apple.update(watched=True)
    assert propose(signal).problems == []


def test_an_unexplained_move_stops_an_entry_but_no_exit() -> None:
    make.move(day="2024-06-28", answer="real", answered_at=make.T0)
    make.move()
    (problem,) = propose().problems
    assert problem.startswith("Its price has moved as by a split that nothing explains")
    make.held(quantity=30)
    assert propose(make.sell()).problems == []


def test_a_spin_off_that_nobody_dealt_with_stops_an_entry_but_no_exit() -> None:
    make.action(ex_date="2024-07-03", kind="spin-off", ratio="0.25")
    (problem,) = propose().problems
    assert problem.startswith("A spin-off, rights or a split of it took effect")
    make.held(quantity=30)
    assert propose(make.sell()).problems == []


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("0.001", "A price must be above zero."),
        ("180.50", "The stop of 180.50 is on the wrong side of the limit of 180.50."),
        ("191.75", "The target of 191.75 is on the wrong side of the limit of 191.75."),
        ("186.23", "The limit of 186.23 is worse than 186.22, 0.25 ATR beyond the newest price."),
    ],
)
def test_a_limit_that_makes_no_sense_is_the_only_problem(limit: str, why: str) -> None:
    proposal = propose(limit_price=Decimal(limit))
    assert (proposal.problems, proposal.size) == ([why], None)


@pytest.mark.parametrize("limit", ["180.51", "186.22"])
def test_a_limit_just_inside_is_none(limit: str) -> None:
    assert propose(limit_price=Decimal(limit)).problems == []


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("190.50", ["The stop of 190.50 is on the wrong side of the limit of 190.50."]),
        ("179.25", ["The target of 179.25 is on the wrong side of the limit of 179.25."]),
        ("184.97", ["The limit of 184.97 is worse than 184.98, 0.25 ATR beyond the newest price."]),
        ("184.98", []),
    ],
)
def test_a_short_has_the_same_borders_upside_down(limit: str, why: list[str], settings: Settings) -> None:
    settings.ALLOW_SHORT = True
    assert propose(make.sell(), limit_price=Decimal(limit)).problems == why


def test_the_limit_stays_a_tick_inside_the_target() -> None:
    proposal = propose(stop_loss=Decimal("185.30"), take_profit=Decimal("186.00"))
    assert (proposal.limit_price, proposal.problems) == (Decimal("185.99"), [])


def test_stop_target_and_limit_are_whole_ticks() -> None:
    proposal = propose(
        limit_price=Decimal("185.004"), stop_loss=Decimal("181.006"), take_profit=Decimal("195.004")
    )
    assert proposal.limit_price == Decimal("185.00")
    assert (proposal.levels.stop_loss, proposal.levels.take_profit) == (Decimal("181.01"), Decimal("195.00"))


@pytest.mark.parametrize("price", [185.50, 185.60])
def test_a_price_that_has_not_moved_against_the_trade_changes_nothing(price: float) -> None:
    Quote.objects.update(price=price)
    assert propose().resized == ""


def test_an_exit_is_not_resized_by_the_price() -> None:
    make.held(quantity=30)
    Quote.objects.update(price=190)
    assert propose(make.sell()).resized == ""


def test_as_many_shares_as_the_limits_allow_can_be_asked_for() -> None:
    assert propose(quantity=107).problems == []


def test_no_share_at_all_is_refused_with_what_is_allowed() -> None:
    why = "No share fits: the most that one position may be worth leaves room for 107."
    assert propose(quantity=0).problems == [why]


@pytest.mark.usefixtures("weekend")
@pytest.mark.parametrize(("second", "is_refused"), [(0, True), (1, False)])
def test_an_entry_that_waits_may_expire_no_earlier_than_it_is_sent(second: int, is_refused: bool) -> None:
    expires_at = datetime(2024, 7, 8, 13, 32, second, tzinfo=UTC)
    proposal = propose(make.signal("MSFT", expires_at=expires_at), SATURDAY)
    refusal = ["The signal expires before its order could be sent."]
    assert proposal.problems == (refusal if is_refused else [])


def test_an_order_in_another_symbol_is_in_no_ones_way() -> None:
    make.order("MSFT", status=Order.Status.SUBMITTED)
    make.held("MSFT", 30)
    assert propose().problems == []


def test_a_position_may_be_added_to_beside_an_order_of_the_same_side(settings: Settings) -> None:
    settings.ALLOW_ADDING = True
    make.held(quantity=30)
    make.order(status=Order.Status.SUBMITTED)
    proposal = propose()
    assert (proposal.problems, proposal.quantity) == ([], 67)


def test_an_order_is_not_in_the_way_of_its_own_release() -> None:
    order = make.order(status=Order.Status.HELD)
    context = Context.load(["AAPL"], make.T0)
    assert order.approval is not None
    assert Proposal(order.approval.signal, AS_PROPOSED, context, order).problems == []
    assert Proposal(order.approval.signal, AS_PROPOSED, context).problems != []


def test_a_stop_that_rounds_to_nothing_has_no_size() -> None:
    assert propose(stop_loss=Decimal("0.001")).size is None


def test_a_daily_entry_is_never_closed_by_the_clock_and_can_be_acted_on() -> None:
    entry, against = propose(), propose(make.sell())
    assert (entry.flat_at, entry.is_actionable, against.is_actionable) == (None, True, False)
