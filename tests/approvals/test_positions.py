"""What is held, what it made, and what the account is exposed to."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from approvals import positions
from approvals.models import AccountSnapshot, BrokerPosition, Fill, Order
from approvals.positions.accounting import Split as ShareSplit
from approvals.positions.accounting import Trade, fold
from approvals.positions.holdings import holdings
from market.models import Instrument, Split
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

HOUR = timedelta(hours=1)
ZERO = Decimal(0)


def sold(symbol: str, quantity: int, price: str, at: datetime = make.T0 + HOUR, **values: Any) -> Order:
    """Return a position that was closed, or a part of one."""
    order = make.order(
        symbol, kind="close", side="SELL", status="filled", quantity=quantity, filled_quantity=quantity
    )
    make.fill(order, price=price, executed_at=at, leg=Fill.Leg.CLOSE, **values)
    return order


def report(symbol: str, quantity: int, ours: int = 0, cost: str = "100") -> None:
    """What the broker says."""
    BrokerPosition.objects.create(
        symbol=symbol, quantity=quantity, ours=ours, average_cost=Decimal(cost), seen_at=make.T0
    )


def snapshot(at: datetime, equity: str, broker: str = "paper") -> None:
    money = dict.fromkeys(("equity", "cash", "buying_power"), Decimal(equity))
    AccountSnapshot.objects.create(broker=broker, at=at, currency="USD", **money)


def split(symbol: str, day: str, ratio: float) -> None:
    Split.objects.create(
        symbol=symbol, date=date.fromisoformat(day), ratio=ratio, source="test", recorded_at=make.T0
    )


class TestPosition:
    def test_what_was_never_traded_is_flat(self) -> None:
        flat = positions.of("MSFT")
        assert flat == positions.Position("MSFT", 0, ZERO, ZERO, None, None, 0, None, ZERO, "USD")
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
        assert (position.quantity, position.foreign, position.value) == (10, 7, 17 * Decimal("185.60"))

    def test_what_only_others_hold_is_listed_at_the_brokers_price(self) -> None:
        report("MSFT", -5, cost="400")
        (position,) = positions.open_positions()
        assert (position.symbol, position.quantity, position.foreign, position.value) == (
            "MSFT",
            0,
            -5,
            Decimal(2_000),
        )


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


class TestExposure:
    def test_an_account_that_holds_nothing_is_not_exposed(self) -> None:
        exposure = positions.exposure(make.T0)
        assert (exposure.capital, exposure.buying_power) == (Decimal(100_000), Decimal(100_000))
        assert (exposure.gross, exposure.open_risk, exposure.positions, exposure.day_result) == (
            ZERO,
            ZERO,
            0,
            ZERO,
        )

    def test_a_position_counts_at_its_price_and_down_to_its_stop(self) -> None:
        make.held("AAPL", 10, "185.00")
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.positions) == (Decimal(1_856), 1)
        assert exposure.open_risk == 10 * (Decimal("185.60") - Decimal("180.50"))
        assert exposure.values == {"AAPL": Decimal(1_856)}

    def test_a_stop_beyond_the_price_risks_nothing_more(self) -> None:
        make.quote("MSFT", 170.0)
        make.held("MSFT", 10)
        assert positions.exposure(make.T0).open_risk == 0

    def test_a_short_counts_up_to_its_stop(self) -> None:
        make.held("AAPL", -10)
        assert positions.exposure(make.T0).open_risk == 10 * (Decimal("190.50") - Decimal("185.60"))

    def test_what_has_no_stop_counts_in_full(self) -> None:
        make.held("AAPL", 10)
        Order.objects.update(exits_working=False)
        assert positions.exposure(make.T0).open_risk == Decimal(1_856)

    def test_a_part_without_a_stop_counts_in_full(self) -> None:
        covered, bare = make.held("AAPL", 10), make.held("AAPL", 4)
        Order.objects.filter(pk=bare.pk).update(exits_working=False)
        assert positions.exposure(make.T0).open_risk == 10 * Decimal("5.10") + 4 * Decimal("185.60")
        assert covered.exits_working

    def test_of_several_stops_the_farthest_count_first(self) -> None:
        make.held("AAPL", 10)
        make.held("AAPL", 10)
        Order.objects.filter(pk=Order.objects.all()[:1].get().pk).update(stop_loss=Decimal("175.60"))
        sold("AAPL", 10, "185.50")
        assert positions.exposure(make.T0).open_risk == 10 * Decimal(10)

    @pytest.mark.parametrize(
        ("status", "filled"),
        [("pending_submit", 0), ("waiting_open", 0), ("submitted", 0), ("unknown", 0)],
    )
    def test_an_entry_that_may_still_fill_counts(self, status: str, filled: int) -> None:
        make.order("AAPL", status=status, submitted_at=make.T0, filled_quantity=filled)
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.open_risk, exposure.positions) == (Decimal(1_855), Decimal(50), 1)

    def test_a_partly_filled_entry_counts_once(self) -> None:
        order = make.order("AAPL", status="partially_filled", filled_quantity=4, exits_working=True)
        make.fill(order, 4)
        exposure = positions.exposure(make.T0)
        assert exposure.gross == 4 * Decimal("185.60") + 6 * Decimal("185.50")
        assert (exposure.open_risk, exposure.positions) == (4 * Decimal("5.10") + 6 * Decimal(5), 1)

    def test_what_is_filled_but_not_among_the_fills_yet_counts_still(self) -> None:
        make.order("AAPL", status="filled", filled_quantity=10, exits_working=True)
        assert positions.exposure(make.T0).gross == Decimal(1_855)

    @pytest.mark.parametrize("status", ["held", "cancelled", "rejected"])
    def test_an_entry_that_cannot_fill_does_not_count(self, status: str) -> None:
        make.order("AAPL", status=status)
        assert positions.exposure(make.T0).gross == 0

    def test_what_was_sold_counts_no_longer_even_while_its_exits_seem_to_work(self) -> None:
        make.held("AAPL", 10)
        sold("AAPL", 10, "186.00")
        assert positions.exposure(make.T0).positions == 0

    def test_of_an_entry_that_ended_early_what_was_filled_counts(self) -> None:
        make.order("AAPL", status="cancelled", filled_quantity=4, exits_working=True)
        assert positions.exposure(make.T0).gross == 4 * Decimal("185.50")

    def test_an_entry_sent_at_the_instant_of_the_snapshot_takes_buying_power(self) -> None:
        make.order("AAPL", status="submitted", submitted_at=make.T0)
        make.order("MSFT", status="submitted", submitted_at=make.T0 - timedelta(seconds=1))
        assert positions.exposure(make.T0).buying_power == Decimal(100_000 - 1_855)

    def test_what_was_bought_since_the_snapshot_takes_buying_power(self) -> None:
        make.held("AAPL", 10, "185.50", at=make.T0 + timedelta(seconds=1))
        assert positions.exposure(make.T0 + timedelta(seconds=2)).buying_power == Decimal(100_000 - 1_855)

    def test_a_closing_takes_no_room(self) -> None:
        make.order("AAPL", kind="close", side="SELL")
        assert positions.exposure(make.T0).positions == 0

    def test_shares_of_others_count_in_the_values_but_not_in_the_risk(self) -> None:
        report("AAPL", -10)
        exposure = positions.exposure(make.T0)
        assert (exposure.gross, exposure.open_risk, exposure.positions) == (Decimal(1_856), ZERO, 1)

    def test_an_entry_that_the_broker_did_not_have_yet_takes_buying_power(self) -> None:
        make.order("AAPL")
        make.order("MSFT", status="submitted", submitted_at=make.T0 - HOUR)
        assert positions.exposure(make.T0).buying_power == Decimal(100_000 - 1_855)

    def test_the_capital_may_be_set(self, settings: Any) -> None:
        settings.TRADING_CAPITAL = Decimal(5_000)
        assert positions.exposure(make.T0).capital == 5_000

    def test_an_account_that_was_not_seen_is_unknown(self) -> None:
        positions.exposure(make.T0 + timedelta(minutes=3))
        with pytest.raises(positions.Unknown, match="not seen for three minutes"):
            positions.exposure(make.T0 + timedelta(minutes=3, seconds=1))
        AccountSnapshot.objects.all().delete()
        with pytest.raises(positions.Unknown):
            positions.exposure(make.T0)

    def test_what_is_held_in_another_currency_makes_it_unknown(self) -> None:
        make.held("AAPL", 10)
        Instrument.objects.filter(pk="AAPL").update(currency="EUR")
        with pytest.raises(positions.Unknown, match="AAPL is held in EUR, the account is in USD"):
            positions.exposure(make.T0)

    def test_what_is_held_and_not_known_makes_it_unknown(self) -> None:
        report("ODD", 5)
        with pytest.raises(positions.Unknown, match="holds ODD, which Jax does not know"):
            positions.exposure(make.T0)

    def test_takes_as_many_queries_for_many_as_for_one(self, django_assert_num_queries: Any) -> None:
        make.held("AAPL")
        with django_assert_num_queries(3):
            positions.exposure(make.T0)
        for n in range(5):
            make.instrument(f"S{n}")
            make.held(f"S{n}", 10)
            split(f"S{n}", "2024-07-05", 2)
            report(f"S{n}", 20, 20)
            make.order(f"S{n}")
        with django_assert_num_queries(3 + 2):  # the splits since, of what is held and of the exits
            assert positions.exposure(make.T0).positions == 6

    def test_may_be_given_the_book(self, django_assert_num_queries: Any) -> None:
        make.held("AAPL")
        book = positions.Book.load(make.T0)
        with django_assert_num_queries(0):
            given = positions.exposure(make.T0, book)
        assert given == positions.exposure(make.T0)

    def test_a_long_round_is_read_whole(self) -> None:
        order = make.order("AAPL")
        for n in range(100):
            make.fill(order, 1, "185.00", executed_at=make.T0 - n * HOUR)
        position = positions.of("AAPL")
        assert (position.quantity, position.opened_at) == (100, make.T0 - 99 * HOUR)


class TestAccount:
    def test_is_that_which_was_seen_last_or_last_at_one_broker(self) -> None:
        snapshot(make.T0 - HOUR, "500", broker="other")
        newest, other = positions.account(make.T0), positions.account(make.T0, "other")
        assert newest is not None
        assert other is not None
        assert (newest.snapshot.broker, newest.snapshot.equity) == ("paper", Decimal(100_000))
        assert (other.snapshot.broker, other.snapshot.equity) == ("other", Decimal(500))
        assert newest.day_began == datetime(2024, 7, 2, 20, tzinfo=UTC)

    def test_that_was_never_seen_is_none(self) -> None:
        assert positions.account(make.T0, "other") is None


class TestDay:
    def test_begins_at_the_last_close(self) -> None:
        assert positions.day_began(make.T0) == datetime(2024, 7, 2, 20, tzinfo=UTC)
        assert (
            positions.day_began(datetime(2024, 7, 4, 12, tzinfo=UTC)).isoformat()[:16] == "2024-07-03T17:00"
        )

    def test_is_that_of_the_exchange_even_when_most_trade_round_the_clock(self) -> None:
        make.only("BTC", "ETH", calendar="24/7")
        make.instrument("AAPL")
        make.round_the_clock()
        assert positions.day_began(make.T0) == datetime(2024, 7, 2, 20, tzinfo=UTC)

    def test_begins_at_midnight_when_nothing_closes_or_nothing_is_known(self) -> None:
        make.only("BTC", calendar="24/7")
        midnight = datetime(2024, 7, 3, tzinfo=UTC)
        assert positions.day_began(make.T0) == midnight
        make.only("SIE", calendar="XETR")
        assert positions.day_began(make.T0) == midnight

    def test_its_result_counts_from_the_last_snapshot_before_it_began(self) -> None:
        snapshot(datetime(2024, 7, 2, 19, 59, tzinfo=UTC), "101000")
        snapshot(datetime(2024, 7, 3, 13, 30, tzinfo=UTC), "99000")
        assert positions.exposure(make.T0).day_result == -1_000

    def test_its_result_counts_from_the_first_snapshot_when_there_is_none_before(self) -> None:
        snapshot(make.T0 - HOUR, "100500")
        snapshot(make.T0 - 50 * HOUR, "1", broker="other")
        assert positions.exposure(make.T0).day_result == -500

    def test_what_it_realised_leaves_out_what_was_made_before(self) -> None:
        yesterday = datetime(2024, 7, 2, 15, tzinfo=UTC)
        order = make.order("AAPL")
        make.fill(order, 10, "100", executed_at=yesterday, commission=Decimal(1))
        sold("AAPL", 5, "110", at=yesterday + HOUR)
        assert positions.realised_today(make.T0) == 0
        sold("AAPL", 5, "120", commission=Decimal(2))
        make.fill(make.order("MSFT"), 1, "400", executed_at=make.T0, commission=Decimal(1))
        assert positions.realised_today(make.T0 + HOUR) == 100 - 2 - 1

    def test_what_it_realised_is_in_the_shares_of_today(self) -> None:
        make.fill(make.order("AAPL"), 10, "100", executed_at=datetime(2024, 7, 2, 15, tzinfo=UTC))
        split("AAPL", "2024-07-03", 2)
        sold("AAPL", 20, "60", at=make.T0)
        assert positions.realised_today(make.T0) == 200

    def test_what_it_realised_counts_a_split_of_the_day_that_it_began_on_once(self) -> None:
        make.fill(make.order("AAPL"), 10, "100", executed_at=datetime(2024, 7, 1, 15, tzinfo=UTC))
        split("AAPL", "2024-07-02", 2)
        sold("AAPL", 20, "60", at=make.T0)
        assert positions.realised_today(make.T0) == 200

    def test_what_it_realised_takes_always_as_many_queries(self, django_assert_num_queries: Any) -> None:
        for symbol in ("AAPL", "MSFT", "TSLA"):
            order = make.held(symbol)
            make.fill(order, 5, executed_at=make.T0 - 30 * HOUR)
        with django_assert_num_queries(3):
            positions.realised_today(make.T0)


class TestCurve:
    def test_shows_what_was_seen(self) -> None:
        snapshot(make.T0 - HOUR, "99000")
        points = positions.equity_curve(make.T0 - 2 * HOUR, make.T0)
        assert points == [(make.T0 - HOUR, Decimal(99_000)), (make.T0, Decimal(100_000))]

    def test_is_thinned_to_the_last_of_each_part(self) -> None:
        start = make.T0 - timedelta(days=2)
        AccountSnapshot.objects.bulk_create(
            AccountSnapshot(
                broker="paper",
                at=start + timedelta(minutes=n),
                currency="USD",
                equity=n,
                cash=n,
                buying_power=n,
            )
            for n in range(2_880)
        )
        points = positions.equity_curve(start, make.T0)
        assert len(points) == 501
        assert points[0] == (start + timedelta(minutes=5), Decimal(5))
        assert points[-1] == (make.T0, Decimal(100_000))


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
