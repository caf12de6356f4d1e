"""Stops and targets that work for what is held: how far a position has come, and what has no stop."""

from datetime import timedelta
from decimal import Decimal

import pytest

from approvals import positions
from approvals.models import BrokerPosition, Order
from approvals.positions.protection import Protected
from market.models import Quote
from tests import make
from tests.approvals.positions.rows import split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


def protected(symbol: str = "AAPL") -> Protected:
    return next(item for item in positions.protected() if item.position.symbol == symbol)


def price(value: float) -> None:
    Quote.objects.filter(symbol="AAPL").update(price=value)


class TestR:
    @pytest.mark.parametrize(("newest", "r"), [(190.50, "1"), (183.00, "-0.5"), (185.50, "0")])
    def test_is_what_it_makes_over_what_its_stop_was_to_lose(self, newest: float, r: str) -> None:
        make.held("AAPL", 10, "185.50")  # the stop at 180.50
        price(newest)
        assert protected().r == Decimal(r)

    def test_of_a_short_is_positive_when_it_falls(self) -> None:
        make.held("AAPL", -10, "185.50")  # the stop at 190.50
        price(183.00)
        assert protected().r == Decimal("0.5")

    def test_of_two_entries_counts_each_down_to_its_own_stop(self) -> None:
        make.held("AAPL", 10, "185.50")
        second = make.held("AAPL", 30, "185.50")
        Order.objects.filter(pk=second.pk).update(stop_loss=Decimal("183.50"))
        price(188.25)
        assert protected().r == Decimal(40) * Decimal("2.75") / (10 * 5 + 30 * 2)

    def test_counts_no_more_shares_than_are_held(self) -> None:
        entry = make.held("AAPL", 10, "185.50")
        make.fill(entry, 4, "185.50", side="SELL", leg="stop", executed_at=make.T0 + timedelta(hours=1))
        price(190.50)
        assert protected().r == 1

    def test_is_unknown_where_a_part_has_no_stop(self) -> None:
        make.held("AAPL", 10, "185.50")
        Order.objects.filter(pk=make.held("AAPL", 1, "185.50").pk).update(exits_working=False)
        assert protected().r is None

    def test_is_unknown_without_a_price(self) -> None:
        make.held("MSFT", 10, "185.50")
        assert protected("MSFT").r is None

    @pytest.mark.parametrize("cost", ["180.50", "179"])
    def test_is_unknown_where_the_stop_is_at_what_it_cost_or_beyond(self, cost: str) -> None:
        make.held("AAPL", 10, cost)
        price(183.00)
        assert protected().r is None

    def test_a_stop_that_was_moved_changes_nothing(self) -> None:
        entry = make.held("AAPL", 10, "186")
        Order.objects.filter(pk=entry.pk).update(stop_level=Decimal("186"))
        price(191.50)
        assert protected().r == 1


class TestUnprotected:
    def test_is_nothing_when_the_stop_covers_all(self) -> None:
        make.held("AAPL", 10)
        assert protected().unprotected == 0

    def test_counts_the_shares_without_a_stop_long_or_short(self) -> None:
        for quantity in (10, 3):
            make.held("AAPL", -quantity)
        Order.objects.filter(quantity=3).update(exits_working=False)
        assert protected().unprotected == 3

    def test_is_negative_where_stops_cover_more_than_is_held(self) -> None:
        entry = make.held("AAPL", 10)
        make.fill(entry, 4, side="SELL", leg="close", executed_at=make.T0 + timedelta(hours=1))
        assert protected().unprotected == -4

    def test_does_not_count_what_the_stop_has_sold(self) -> None:
        entry = make.held("AAPL", 10)
        make.fill(entry, 4, side="SELL", leg="stop", executed_at=make.T0 + timedelta(hours=1))
        assert (protected().position.quantity, protected().unprotected) == (6, 0)

    def test_does_not_take_the_stop_of_the_other_side_or_of_another_symbol(self) -> None:
        make.held("AAPL", 10)
        Order.objects.update(exits_working=False)
        levels = {"stop_loss": Decimal("190.50"), "take_profit": Decimal("179.25")}
        make.order("AAPL", side="SELL", status="filled", filled_quantity=10, exits_working=True, **levels)
        make.held("MSFT", 10)
        assert (protected().unprotected, protected("MSFT").unprotected) == (10, 0)


class TestSplit:
    def test_restates_shares_stop_and_target_by_all_that_came_later(self) -> None:
        make.held("AAPL", 10)
        split("AAPL", "2024-07-05", 2)
        split("AAPL", "2024-07-08", 2.5)
        (order,) = protected().exits
        assert (order.filled_quantity, order.stop_loss, order.take_profit) == (
            *(50, Decimal("36.1"), Decimal("38.35")),
        )

    def test_of_another_symbol_or_of_the_day_of_the_order_restates_nothing(self) -> None:
        make.held("AAPL", 10)
        make.held("MSFT", 10)
        split("AAPL", "2024-07-03", 3)
        split("MSFT", "2024-07-05", 2)
        assert [order.stop_loss for order in protected().exits] == [Decimal("180.50")]
        assert [order.filled_quantity for order in protected("MSFT").exits] == [20]

    def test_leaves_the_order_itself_alone(self) -> None:
        order = make.held("AAPL", 10)
        split("AAPL", "2024-07-05", 2)
        assert protected().exits[0].filled_quantity == 20
        order.refresh_from_db()
        assert (order.filled_quantity, order.stop_loss) == (10, Decimal("180.50"))


def test_analysts_are_given_what_is_held_by_us_and_others_at_what_it_cost() -> None:
    make.held("AAPL", 10, "185.00")
    BrokerPosition.objects.create(symbol="AAPL", quantity=12, ours=10, average_cost=90, seen_at=make.T0)
    BrokerPosition.objects.create(symbol="MSFT", quantity=-5, ours=0, average_cost=400, seen_at=make.T0)
    assert positions.held_for_analysts() == [
        {"symbol": "AAPL", "quantity": 12, "average_price": 185.0},
        {"symbol": "MSFT", "quantity": -5, "average_price": 400.0},
    ]


def test_the_curve_of_all_time_begins_at_the_first_snapshot() -> None:
    assert positions.equity_curve(None, make.T0) == [(make.T0, Decimal(100_000))]
