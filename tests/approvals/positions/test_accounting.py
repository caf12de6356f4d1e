"""What trades come to at average cost."""

import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.positions.accounting import FLAT, Balance, Split, Trade, fold
from tests.make import T0

HOUR = timedelta(hours=1)


def trade(quantity: int, price: str, commission: str = "0", at: datetime = T0) -> Trade:
    return Trade(quantity, Decimal(price), Decimal(commission), at)


def row(*trades: tuple[int, str]) -> list[Trade]:
    """Trades an hour apart."""
    return [trade(quantity, price, at=T0 + n * HOUR) for n, (quantity, price) in enumerate(trades)]


def test_nothing_traded_is_flat() -> None:
    assert fold([]) == Balance(0, Decimal(0), Decimal(0), None)


def test_a_purchase_opens_a_position() -> None:
    assert fold([trade(10, "185.50", "1")]) == Balance(10, Decimal("185.50"), Decimal(-1), T0)


def test_purchases_are_averaged() -> None:
    assert fold(row((10, "100"), (30, "104"))) == Balance(40, Decimal(103), Decimal(0), T0)


def test_a_single_share_is_added_or_sold_like_many() -> None:
    assert fold(row((10, "100"), (1, "111"))) == Balance(11, Decimal(101), Decimal(0), T0)
    assert fold(row((10, "100"), (-1, "111"))) == Balance(9, Decimal(100), Decimal(11), T0)
    assert fold(row((-10, "100"), (-1, "89"))) == Balance(-11, Decimal(99), Decimal(0), T0)


def test_a_sale_realises_its_part_and_leaves_the_average() -> None:
    assert fold(row((10, "100"), (30, "104"), (-20, "110"))) == Balance(20, Decimal(103), Decimal(140), T0)


def test_a_short_gains_when_it_falls() -> None:
    assert fold(row((-10, "100"), (4, "90"))) == Balance(-6, Decimal(100), Decimal(40), T0)


def test_what_was_realised_stays_when_it_is_flat() -> None:
    assert fold(row((10, "100"), (-10, "101"))) == Balance(0, Decimal(0), Decimal(10), None)


def test_a_sale_of_more_than_is_held_opens_a_short_at_its_price() -> None:
    assert fold(row((10, "100"), (-15, "110"))) == Balance(-5, Decimal(110), Decimal(100), T0 + HOUR)
    assert fold(row((-10, "100"), (15, "90"))) == Balance(5, Decimal(90), Decimal(100), T0 + HOUR)


def test_commissions_are_taken_off_once() -> None:
    bought, sold = trade(10, "100", "1.00"), trade(-10, "101", "1.50", T0 + HOUR)
    assert fold([bought, sold]).realised == Decimal("7.50")


def test_a_position_opened_anew_counts_from_then() -> None:
    assert fold(row((10, "100"), (-10, "101"), (5, "99"))).opened_at == T0 + 2 * HOUR


def test_unrealised_is_what_the_open_shares_make() -> None:
    assert fold([trade(10, "100")]).unrealised(Decimal(103)) == 30
    assert fold([trade(-10, "100")]).unrealised(Decimal(103)) == -30
    assert FLAT.unrealised(Decimal(103)) == 0


def split(day: str, ratio: str) -> Split:
    return Split(date.fromisoformat(day), Decimal(ratio))


@pytest.mark.parametrize(
    ("ratio", "quantity", "cost"), [("7", 280, "14"), ("2", 80, "49"), ("0.1", 4, "980")]
)
def test_a_split_restates_what_is_held_and_leaves_its_cost(ratio: str, quantity: int, cost: str) -> None:
    balance = fold([trade(40, "98")], [split("2024-07-05", ratio)])
    assert (balance.quantity, balance.average_cost) == (quantity, Decimal(cost))


def test_a_split_comes_before_the_trades_of_its_day() -> None:
    trades = [trade(10, "100"), trade(-20, "55", at=T0 + 2 * 24 * HOUR)]
    assert fold(trades, [split("2024-07-05", "2")]) == Balance(realised=Decimal(100))


def test_a_split_of_before_or_of_the_same_day_changes_nothing() -> None:
    plain = fold([trade(10, "100")])
    assert fold([trade(10, "100")], [split("2024-07-02", "2"), split("2024-07-03", "3")]) == plain


def test_splits_follow_one_another() -> None:
    trades = [trade(9, "100"), trade(1, "60", at=T0 + 2 * 24 * HOUR)]
    balance = fold(trades, [split("2024-07-08", "3"), split("2024-07-05", "2")])
    assert balance.quantity == (9 * 2 + 1) * 3


def test_parts_of_a_share_are_paid_out() -> None:
    # 9 shares become 2.25: two are held, and selling these two leaves nothing.
    sold = trade(-2, "404", at=T0 + 2 * 24 * HOUR)
    assert fold([trade(9, "100")], [split("2024-07-05", "0.25")]).quantity == 2
    assert fold([trade(9, "100"), sold], [split("2024-07-05", "0.25")]).quantity == 0
    assert fold([trade(3, "100")], [split("2024-07-05", "0.25")]) == FLAT
    assert fold([trade(-9, "100")], [split("2024-07-05", "0.25")]).quantity == -2


def test_a_ratio_that_is_no_finite_decimal_loses_no_share() -> None:
    assert fold([trade(30, "10")], [split("2024-07-05", "0.3333333333333333")]).quantity == 10


prices = st.integers(1, 100_000).map(lambda n: Decimal(n) / 100)
minutes = st.integers(0, 5).map(lambda n: T0 + timedelta(minutes=n))
quantities = st.integers(-50, 50).filter(bool)
trades_of_a_day = st.lists(
    st.builds(Trade, quantities, prices, st.integers(0, 500).map(lambda n: Decimal(n) / 100), minutes),
    max_size=30,
)
CLOSE = Decimal("1e-15")


@given(trades_of_a_day, prices)
def test_realised_and_unrealised_are_the_cash_flow_and_the_market_value(
    trades: list[Trade], price: Decimal
) -> None:
    balance = fold(trades)
    cash = -sum((trade.quantity * trade.price + trade.commission for trade in trades), Decimal(0))
    assert abs(balance.realised + balance.unrealised(price) - cash - balance.quantity * price) < CLOSE
    assert balance.quantity == sum(trade.quantity for trade in trades)
    assert (balance.opened_at is None) == (balance.quantity == 0)


@given(trades_of_a_day, prices, st.sampled_from([2, 3, 7, 20]))
def test_a_split_changes_neither_the_profit_nor_the_value(
    trades: list[Trade], price: Decimal, ratio: int
) -> None:
    plain, after = fold(trades), fold(trades, [Split(date(2024, 7, 5), Decimal(ratio))])
    assert (after.quantity, after.realised) == (plain.quantity * ratio, plain.realised)
    assert abs(after.unrealised(price / ratio) - plain.unrealised(price)) < CLOSE


@given(trades_of_a_day, st.randoms())
def test_it_does_not_matter_in_which_order_they_came(trades: list[Trade], random: Any) -> None:
    shuffled = random.sample(trades, len(trades))
    assert fold(shuffled) == fold(trades)


@given(trades_of_a_day, st.integers(0, 5))
def test_a_balance_can_be_carried_on(trades: list[Trade], minute: int) -> None:
    noon = T0 + timedelta(minutes=minute)
    before = [trade for trade in trades if trade.executed_at < noon]
    later = [trade for trade in trades if trade.executed_at >= noon]
    assert fold(later, start=fold(before)) == fold(trades)


@given(trades_of_a_day)
def test_the_mirror_image_makes_the_opposite(trades: list[Trade]) -> None:
    free = [Trade(trade.quantity, trade.price, Decimal(0), T0 + n * HOUR) for n, trade in enumerate(trades)]
    mirrored = [Trade(-trade.quantity, trade.price, Decimal(0), trade.executed_at) for trade in free]
    original, other = fold(free), fold(mirrored)
    assert (other.quantity, other.realised) == (-original.quantity, -original.realised)


def test_a_hundred_thousand_trades_take_no_time_to_speak_of() -> None:
    trades = [
        trade((-1) ** n * (1 + n % 7), "100.25", "1", T0 + timedelta(seconds=n)) for n in range(100_000)
    ]
    begun = time.process_time()
    fold(trades)
    assert time.process_time() - begun < 3
