"""Parts of a share in the account: exactly as the broker has them, the owner's, and in nobody's way."""

from datetime import date
from decimal import Decimal

import pytest

from approvals import entry_check, execution, positions
from approvals.models import BrokerPosition, Drift, Fill, Notification, Order, QuarantinedRow, TradingHalt
from market.models import Split
from tests import make
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, bought, now

T0 = make.T0
WITH_A_PART = {"average_cost": "100"}


def reconcile(*minutes: int) -> None:
    for minute in minutes:
        execution.reconcile_orders(T0 + minute * MINUTE)


def held(symbol: str = "AAPL") -> str:
    return str(BrokerPosition.objects.get(pk=symbol).quantity)


def titles() -> list[str]:
    return [row.title for row in Notification.objects.filter(key__startswith="drift").order_by("pk")]


@pytest.mark.parametrize("quantity", ["0.5", "33.3333", "0.000000001", "-7.25", "1000000"])
def test_what_is_held_is_stored_to_the_last_digit(fake: FakeBroker, quantity: str) -> None:
    fake.hold(MSFT={"quantity": float(quantity), **WITH_A_PART})
    reconcile(1)
    assert f"{Decimal(held('MSFT')):f}" == quantity
    (position,) = positions.open_positions()
    assert (position.quantity, position.foreign) == (0, Decimal(quantity))
    assert not QuarantinedRow.objects.exists()


def test_a_part_from_a_reinvested_dividend_is_the_owners(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.hold(AAPL={"quantity": 10.5, **WITH_A_PART})
    reconcile(1)
    assert titles() == []
    reconcile(2, 3)
    (drift,) = Drift.objects.all()
    assert (drift.held, drift.cause, drift.answer) == (Decimal("10.5"), "part", "not ours")
    assert titles() == [
        "0.5 AAPL are in the account: a part of a share, which no order of Jax makes. They are left alone."
    ]
    assert (positions.of("AAPL").quantity, positions.of("AAPL").foreign) == (10, Decimal("0.5"))
    assert now(order).exits_working
    assert not entry_check.drifting("AAPL", "BUY")
    assert entry_check.drifting("AAPL", "SELL")
    assert not TradingHalt.objects.exists()


def test_what_an_odd_split_leaves_over_stops_nothing(fake: FakeBroker) -> None:
    bought(fake)
    Split.objects.create(symbol="AAPL", date=date(2100, 1, 4), ratio=10 / 3, source="test", recorded_at=T0)
    fake.hold(AAPL={"quantity": 33.3333, **WITH_A_PART})
    reconcile(1, 2)
    assert (positions.of("AAPL").quantity, held()) == (33, "33.3333")
    assert Drift.objects.get().answer == "not ours"
    assert not TradingHalt.objects.exists()


def test_a_part_that_the_owner_bought_is_a_fill_of_his(fake: FakeBroker) -> None:
    bought(fake)
    fake.fill_foreign("AAPL", 1)
    fake.amend_execution(1, quantity=0.25)
    fake.hold(AAPL={"quantity": 10.25, **WITH_A_PART})
    reconcile(1)
    fill = Fill.objects.ours(False).get()
    assert (str(fill), str(fill.told.get().quantity)) == ("BUY 0.25 AAPL at 100.000000", "0.25")
    assert (held(), Drift.objects.get().cause) == ("10.25", "bought")
    assert not QuarantinedRow.objects.exists()


def test_of_a_share_that_was_sold_in_part_nothing_is_left_of_ours(fake: FakeBroker) -> None:
    order = bought(fake)
    fake.fill_foreign("AAPL", -1)
    fake.amend_execution(1, quantity=0.5)
    fake.hold(AAPL={"quantity": 9.5, **WITH_A_PART})
    reconcile(1)
    closing = Order.objects.get(kind="close")
    assert (closing.quantity, int(closing.fills.get().price)) == (1, 100)
    assert fake.order(order.pk)["quantity"] == 9
    reconcile(2, 3)
    assert (positions.of("AAPL").quantity, positions.of("AAPL").foreign) == (9, Decimal("0.5"))
    assert Order.objects.filter(kind="close").count() == 1
    assert [drift.answer for drift in Drift.objects.order_by("pk")] == ["adopted", "not ours"]


def test_a_part_of_our_own_execution_does_not_fit(fake: FakeBroker) -> None:
    bought(fake)
    fake.correct(0, quantity=9.5)
    reconcile(1)
    assert "not a whole number" in QuarantinedRow.objects.get().reason
    assert Fill.objects.get().quantity == 10
