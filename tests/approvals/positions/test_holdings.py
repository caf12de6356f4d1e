"""What is held, and what it made."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from approvals import positions
from approvals.models import Fill, Order
from approvals.positions.accounting import Split as ShareSplit
from approvals.positions.accounting import Trade, fold
from approvals.positions.holdings import holdings
from market.models import Quote
from tests import make
from tests.approvals.positions.rows import HOUR, ZERO, report, sold, split

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]


class TestPosition:
    def test_what_was_never_traded_is_flat(self) -> None:
        flat = positions.of("MSFT")
        assert flat == positions.Position("MSFT", 0, ZERO, ZERO, None, None, ZERO, None, ZERO, "USD")
        assert not flat.is_open
        assert positions.open_positions() == []

    def test_is_the_sum_of_our_fills(self) -> None:
        make.held("AAPL", 10, "185.00")
        sold("AAPL", 4, "187.00", commission=Decimal("1.00"))
        position = positions.of("AAPL")
        assert (position.quantity, position.average_cost, position.realised) == (6, Decimal(185), Decimal(7))
        assert (position.price, position.unrealised) == (Decimal("185.60"), Decimal("3.60"))
        assert (position.value, position.opened_at) == (Decimal("1113.60"), make.T0)
        assert positions.open_positions() == [position]

    def test_without_a_quote_has_no_result_and_is_worth_what_it_cost(self) -> None:
        make.held("MSFT", 10, "400")
        position = positions.of("MSFT")
        assert (position.price, position.unrealised, position.value) == (None, None, Decimal(4_000))

    def test_a_short_is_negative(self) -> None:
        make.held("AAPL", -10, "186.60")
        position = positions.of("AAPL")
        assert (position.quantity, position.unrealised, position.value) == (-10, Decimal(10), Decimal(1_856))

    def test_closed_is_not_open_and_keeps_what_its_last_round_made(self) -> None:
        make.held("AAPL", 10, "100")
        sold("AAPL", 10, "150")
        Order.objects.update(exits_working=False)
        entry = make.held("AAPL", 5, "185.00")
        fill = entry.fills.get()
        sold("AAPL", 5, "186.00", at=fill.executed_at + 3 * HOUR)
        assert positions.open_positions() == []
        assert positions.of("AAPL").realised > 0

    def test_a_new_round_forgets_the_one_before(self) -> None:
        first = make.held("AAPL", 10, "100")
        sold("AAPL", 10, "150")
        make.fill(first, 3, "185.00", executed_at=make.T0 + 2 * HOUR)
        position = positions.of("AAPL")
        assert (position.quantity, position.average_cost, position.realised) == (3, Decimal(185), Decimal(0))
        assert position.opened_at == make.T0 + 2 * HOUR

    def test_fills_that_we_did_not_cause_are_not_in_it(self) -> None:
        make.held("AAPL", 10)
        stray = {"leg": "entry", "side": "BUY", "symbol": "AAPL", "broker": "paper"}
        instants = {"executed_at": make.T0, "recorded_at": make.T0}
        Fill.objects.create(order=None, execution_id="f", quantity=7, price=1, **stray, **instants)
        report("AAPL", 17, ours=10)
        position = positions.of("AAPL")
        assert (position.quantity, int(position.foreign), position.value) == (10, 7, 17 * Decimal("185.60"))

    def test_what_only_others_hold_is_listed_at_the_brokers_price(self) -> None:
        report("MSFT", -5, cost="400")
        (position,) = positions.open_positions()
        assert (position.symbol, position.quantity, int(position.foreign), position.value) == (
            "MSFT",
            0,
            -5,
            Decimal(2_000),
        )

    def test_a_long_round_is_read_whole(self) -> None:
        order = make.order("AAPL")
        for n in range(100):
            make.fill(order, 1, "185.00", executed_at=make.T0 - n * HOUR)
        position = positions.of("AAPL")
        assert (position.quantity, position.opened_at) == (100, make.T0 - 99 * HOUR)


class TestSplits:
    def test_what_was_held_through_one_is_restated(self) -> None:
        make.held("AAPL", 10, "1200")
        split("AAPL", "2024-07-05", 7)
        position = positions.of("AAPL")
        assert (position.quantity, round(position.average_cost, 6)) == (70, Decimal("171.428571"))

    def test_one_of_before_the_fills_changes_nothing(self) -> None:
        make.held("AAPL", 10)
        split("AAPL", "2020-08-31", 4)
        split("MSFT", "2024-07-05", 2)
        assert [position.quantity for position in positions.open_positions()] == [10]

    def test_what_was_closed_after_it_is_flat(self) -> None:
        make.held("AAPL", 10, "200")
        split("AAPL", "2024-07-05", 2)
        sold("AAPL", 20, "110", at=datetime(2024, 7, 5, 14, tzinfo=UTC))
        assert positions.open_positions() == []
        assert positions.of("AAPL").realised == 200

    def test_parts_of_a_share_are_no_position(self) -> None:
        make.held("AAPL", 9, "100")
        split("AAPL", "2024-07-05", 0.25)
        assert positions.of("AAPL").quantity == 2
        sold("AAPL", 2, "410", at=datetime(2024, 7, 5, 14, tzinfo=UTC))
        assert positions.open_positions() == []

    def test_the_shares_of_a_holding_are_those_of_today_parts_included(self) -> None:
        make.held("AAPL", 9, "100")
        split("AAPL", "2024-07-05", 0.5)
        split("AAPL", "2024-07-08", 0.5)
        assert holdings(["AAPL"])["AAPL"].shares == Decimal("2.25")

    def test_a_stop_of_the_old_shares_protects_the_new_ones(self) -> None:
        make.held("AAPL", 10, "185.50")
        split("AAPL", "2024-07-05", 2)
        (protected,) = positions.protected()
        (order,) = protected.exits
        assert (order.stop_loss, order.filled_quantity) == (Decimal("90.25"), 20)
        assert protected.at_risk == 20 * (Decimal("185.60") - Decimal("90.25"))


@pytest.mark.parametrize("seed", range(20))
def test_the_database_and_the_fold_of_everything_agree(seed: int) -> None:
    """Whatever was traded, and through splits: reading the last round alone comes to the same."""
    trades = walk(seed)
    splits = [ShareSplit(date(2024, 7, 5), Decimal(2)), ShareSplit(date(2024, 7, 8), Decimal("0.5"))]
    split("AAPL", "2024-07-05", 2)
    split("AAPL", "2024-07-08", 0.5)
    order = make.order("AAPL")
    for trade in trades:
        side = "BUY" if trade.quantity > 0 else "SELL"
        instants = {"executed_at": trade.executed_at, "commission": trade.commission}
        make.fill(order, abs(trade.quantity), str(trade.price), side=side, **instants)
    expected, position = fold(trades, splits), positions.of("AAPL")
    assert (position.quantity, position.opened_at) == (expected.quantity, expected.opened_at)
    assert abs(position.average_cost - expected.average_cost) < Decimal("1e-15")


def walk(seed: int) -> list[Trade]:
    """Forty trades over six days, several at one instant, that are flat now and then."""
    sizes = [((seed * 7 + n * 5) % 9 - 4) * 2 or 2 for n in range(40)]
    return [
        Trade(size, Decimal(100 + n % 5), Decimal(1), make.T0 + timedelta(hours=3 * (n // 2)))
        for n, size in enumerate(sizes)
    ]


def test_old_fills_change_nothing() -> None:
    order = make.order("AAPL", quantity=1)
    with connection.cursor() as cursor:
        cursor.execute(MANY, [order.pk])
    make.held("AAPL", 10, "185.00")
    (position,) = positions.open_positions()
    assert (position.quantity, position.average_cost, position.realised) == (10, Decimal(185), ZERO)


MANY = """
INSERT INTO fills (order_id, leg, broker, execution_id, symbol, side, quantity, price, commission,
    executed_at, recorded_at)
SELECT %s, 'entry', 'paper', 'old' || n, 'S' || n / 2 %% 500, CASE n %% 2 WHEN 0 THEN 'BUY' ELSE 'SELL' END,
    1 + n / 2 %% 7, 100 + n %% 13, 1, '2020-01-01Z'::timestamptz + n * interval '10 minutes', '2024-07-03Z'
FROM generate_series(0, 9999) AS n
"""


def test_a_first_price_that_is_doubtful_values_nothing() -> None:
    make.held("AAPL", 10, "185.00")
    Quote.objects.all().delete()
    make.quote("AAPL", 90.0, doubt="outside_book", doubtful_price=90.0, doubtful_as_of=make.T0)
    position = positions.of("AAPL")
    assert (position.price, position.unrealised) == (None, None)
    Quote.objects.update(price=186.0, as_of=make.T0 - HOUR)  # believed before the doubtful one
    assert positions.of("AAPL").price == Decimal(186)
