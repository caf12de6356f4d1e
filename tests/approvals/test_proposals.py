"""What approving a signal would do now."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from approvals import proposals
from approvals.models import BrokerPosition, Gate, Order, TradingHalt
from approvals.proposals import Effect, Overrides, Proposal, describe
from approvals.risk import Cap
from market.models import Instrument, Quote
from signals.models import Signal
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

SATURDAY = datetime(2024, 7, 6, 12, tzinfo=UTC)


def propose(signal: Signal | None = None, at: datetime = make.T0, **overrides: Any) -> Proposal:
    return proposals.propose(signal or make.signal(), at, Overrides(**overrides))


def moved(price: float) -> None:
    Quote.objects.filter(symbol="AAPL").update(price=price)


def test_a_buy_when_flat_opens_long_with_a_limit_a_quarter_of_an_atr_away() -> None:
    proposal = propose()
    assert (proposal.effect, proposal.problems) == (Effect.OPENS_LONG, [])
    assert proposal.limit_price == Decimal("186.22")  # 185.60 and a quarter of 2.50, down to the tick


def test_the_size_risks_a_percent_unless_a_limit_is_in_the_way() -> None:
    # 1,000 over 5.72 a share would be 174 shares, but 20,000 buys 107.
    proposal = propose()
    assert (proposal.quantity, proposal.caps) == (107, [Cap.POSITION])
    assert proposal.size is not None
    assert proposal.size.risk == Decimal("107") * Decimal("5.72")


def test_it_says_in_words_what_pressing_does() -> None:
    assert describe(propose()) == (
        "Buys 107 AAPL now at 186.22 or better, risks 612.04 USD until the stop, "
        "good until Wednesday 17:00 UTC."
    )


def test_out_of_session_it_says_that_it_waits() -> None:
    make.quote("MSFT", 185.60, datetime(2024, 7, 5, 20, tzinfo=UTC))
    make.ready(SATURDAY)
    proposal = propose(make.signal("MSFT", expires_at=datetime(2024, 7, 8, 20, tzinfo=UTC)), SATURDAY)
    assert proposal.problems == []
    assert describe(proposal).startswith(
        "Waits for the open Monday 13:30 UTC, looks again two minutes later, then buys 107 MSFT at 186.22 or"
    )


def test_a_price_that_moved_against_the_trade_resizes_it_and_says_so() -> None:
    moved(183.00)
    proposal = propose()
    assert (proposal.problems, proposal.limit_price) == ([], Decimal("183.62"))
    assert proposal.resized == (
        "The price has moved 1.00 ATR against the trade, from 185.50 to 183.00: "
        "limit and size are counted from there."
    )


def test_a_price_that_ran_away_is_a_problem() -> None:
    moved(187.00)
    assert propose().problems[0].startswith("The price has run 0.600 ATR")


def test_a_sell_when_flat_is_not_actionable_unless_shorting_is_allowed(settings: Settings) -> None:
    signal = make.sell()
    assert propose(signal).effect is Effect.NOTHING
    assert propose(signal).problems == [describe(propose(signal))]
    settings.ALLOW_SHORT = True
    proposal = propose(signal)
    assert (proposal.effect, proposal.problems) == (Effect.OPENS_SHORT, [])
    assert proposal.limit_price == Decimal("184.98")


def test_a_signal_against_the_position_closes_it_whole_whatever_the_price() -> None:
    make.held(quantity=30)
    moved(170.00)
    proposal = propose(make.sell())
    assert (proposal.effect, proposal.quantity, proposal.problems) == (Effect.CLOSES_LONG, 30, [])
    assert describe(proposal) == (
        "Sells 30 AAPL now at the market, out of the long position; its stop and target are cancelled first."
    )


def test_a_buy_closes_a_short_and_never_flips_it() -> None:
    make.held(quantity=-30)
    proposal = propose()
    assert (proposal.effect, proposal.quantity) == (Effect.CLOSES_SHORT, 30)


@pytest.mark.parametrize("quantity", [29, 31])
def test_a_position_is_closed_whole(quantity: int) -> None:
    make.held(quantity=30)
    assert propose(make.sell(), quantity=quantity).problems == [
        "The position of 30 AAPL is closed whole: its stop guards all of it."
    ]


def test_more_of_the_same_is_refused_unless_adding_is_allowed(settings: Settings) -> None:
    make.held(quantity=30)
    signal = make.signal()
    assert propose(signal).problems == [
        "There is a position in AAPL already, or an order for one (ALLOW_ADDING is off)."
    ]
    settings.ALLOW_ADDING = True
    assert propose(signal).problems == []


@pytest.mark.parametrize("status", Order.WORKING)
def test_an_entry_that_may_still_fill_counts_as_a_position(status: Order.Status) -> None:
    make.order(status=status)
    assert "or an order for one" in propose().problems[0]


def test_an_entry_of_the_other_side_must_be_cancelled_first(settings: Settings) -> None:
    settings.ALLOW_SHORT = True
    make.order(status=Order.Status.WAITING_OPEN)
    assert propose(make.sell()).problems == ["An order to BUY AAPL is still working: cancel it first."]


def test_a_position_that_is_being_closed_is_left_to_that() -> None:
    make.held(quantity=30)
    make.order(kind=Order.Kind.CLOSE, side=Signal.Type.SELL, quantity=30)
    assert propose(make.sell()).problems == ["The position in AAPL is being closed already."]


def test_shares_that_we_did_not_trade_are_left_alone() -> None:
    BrokerPosition.objects.create(symbol="AAPL", quantity=50, average_cost=1, ours=0, seen_at=make.T0)
    assert propose().problems == ["The account holds 50 AAPL that Jax did not trade: they are left alone."]


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        (
            {"quantity": 108},
            "108 shares are too many: the most that one position may be worth leaves room for 107.",
        ),
        (
            {"limit_price": Decimal("186.23")},
            "The limit of 186.23 is worse than 186.22, 0.25 ATR beyond the newest price.",
        ),
        (
            {"limit_price": Decimal("180.50")},
            "The stop of 180.50 is on the wrong side of the limit of 180.50.",
        ),
        ({"stop_loss": Decimal("187")}, "The price of 185.60 is at or beyond the stop of 187.00."),
        (
            {"take_profit": Decimal("186.22")},
            "The reward is 0.122 times the risk at 185.60; at least 0.8 is asked for.",
        ),
        (
            {"stop_loss": Decimal("0.001")},
            "The reward is 0.033 times the risk at 185.60; at least 0.8 is asked for.",
        ),
    ],
)
def test_a_wish_beyond_the_limits_is_refused_with_the_figures(overrides: dict[str, Any], why: str) -> None:
    assert why in propose(**overrides).problems


def test_fewer_shares_another_limit_stop_and_target_are_possible() -> None:
    limit, stop, target = Decimal("185.00"), Decimal("182.004"), Decimal("195")
    proposal = propose(quantity=5, limit_price=limit, stop_loss=stop, take_profit=target)
    assert proposal.problems == []
    assert (proposal.quantity, proposal.caps) == (5, [])
    assert proposal.as_json()["stop_loss"] == Decimal("182.00")


def test_an_account_too_small_for_one_share_is_told() -> None:
    later = make.T0.replace(second=1)
    make.ready(later, equity="100")
    assert propose(at=later).problems == ["No share fits: the risk per trade leaves room for 0."]


def test_an_account_that_was_not_seen_lately_is_no_ground_for_a_size() -> None:
    later = make.T0.replace(minute=4)
    proposal = propose(at=later)
    assert proposal.problems
    assert proposal.size is None


def test_another_currency_than_the_accounts_is_refused() -> None:
    Instrument.objects.filter(symbol="AAPL").update(currency="EUR")
    assert propose().problems == [
        "AAPL trades in EUR, the account is in USD: orders are placed in its own currency only."
    ]


def test_nothing_is_approved_while_trading_is_halted() -> None:
    TradingHalt.objects.create(cause="person", reason="holiday", started_at=make.T0)
    assert propose().problems == ["Trading is halted since 2024-07-03 14:00 UTC by Jax: holiday"]


def test_nor_while_the_broker_is_away() -> None:
    Gate.objects.update(broker_good_since=None, broker_error="Connection refused.")
    assert "The broker is away: Connection refused." in propose().problems[0]


def test_a_signal_that_expires_before_its_order_could_be_sent_is_refused() -> None:
    make.quote("MSFT", 185.60, datetime(2024, 7, 5, 20, tzinfo=UTC))
    make.ready(SATURDAY)
    signal = make.signal("MSFT", expires_at=datetime(2024, 7, 8, 13, 31, tzinfo=UTC))
    assert propose(signal, SATURDAY).problems == ["The signal expires before its order could be sent."]


def test_many_are_proposed_in_as_many_queries_as_one(django_assert_max_num_queries: Any) -> None:
    make.quote("MSFT", 185.60, make.T0)
    signals = [make.signal(), make.signal("MSFT"), make.sell()]
    with django_assert_max_num_queries(20) as queries:
        proposals.propose_all(signals[:1], make.T0)[0].problems  # noqa: B018  # it is computed when asked for
    with django_assert_max_num_queries(len(queries)):
        assert [proposal.effect for proposal in proposals.propose_all(signals, make.T0)] == [
            *[Effect.OPENS_LONG, Effect.OPENS_LONG, Effect.NOTHING]
        ]
