"""What the broker says later of an execution: corrections, commissions, charges. Each is taken over once."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from approvals import audit, execution, formatting
from approvals.models import (
    AuditEvent,
    BrokerExecution,
    Charge,
    Fill,
    Notification,
    Order,
    Trade,
    TradingHalt,
)
from approvals.positions import trades
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now


def reconcile(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def test_a_correction_changes_the_fill_is_told_and_sealed_once(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    first = Fill.objects.get().execution_id
    fake.correct(0, price="101.50")
    reconcile(1, 2)
    fill = Fill.objects.get()
    assert (fill.price, fill.execution_id, int(fill.quantity)) == (Decimal("101.5"), first, 10)
    told = BrokerExecution.objects.order_by("pk").values_list("price", "corrects")
    assert list(told) == [(Decimal(100), ""), (Decimal("101.5"), first)]
    assert AuditEvent.objects.filter(kind="fill corrected", subject=f"order {order.pk}").count() == 1
    assert Notification.objects.filter(title__startswith="The broker corrected").count() == 1
    audit.verify()
    assert not TradingHalt.objects.exists()


def test_a_correction_of_a_correction_counts_and_the_first_one_read_again_does_not(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.correct(0, price="101.50")
    fake.correct(1, price="99.50")
    reconcile(1, 2)
    assert Fill.objects.get().price == Decimal("99.5")
    assert BrokerExecution.objects.count() == 3


def test_a_correction_that_comes_before_what_it_corrects_is_the_fill(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.correct(0, price="101.50")
    first = fake.executions()[0]["executed_at"]
    fake.amend_execution(0, executed_at="yesterday")  # it cannot be read at first
    reconcile(1)
    fake.amend_execution(0, executed_at=first)
    reconcile(2, 3)
    assert Fill.objects.get().price == Decimal("101.5")
    assert not TradingHalt.objects.exists()


def test_fewer_shares_by_a_correction_are_fewer_of_the_order(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4)
    reconcile(1)
    fake.correct(0, quantity=3)
    fake.claim(order.pk, 3)
    reconcile(2, 3, 4)
    assert (int(Fill.objects.get().quantity), now(order).filled_quantity) == (3, 3)
    assert order.status == Status.PARTIALLY_FILLED
    assert not TradingHalt.objects.exists()


def test_closed_trades_follow_a_correction(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.fill(order.pk, 10, "target", "110.00")
    reconcile(1)
    trades.refresh(make.T0 + 2 * MINUTE)
    assert Trade.objects.get().gross == 100
    fake.correct(1, price="111.00")
    reconcile(3)
    trades.refresh(make.T0 + 4 * MINUTE)
    assert Trade.objects.get().gross == 110


def test_a_correction_that_does_not_fit_is_in_quarantine_and_changes_nothing(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.correct(0, quantity=0)
    reconcile(1)
    assert Fill.objects.get().quantity == 10
    reconcile(2)
    assert "could not be recorded" in TradingHalt.objects.get().reason


@pytest.mark.parametrize(
    ("commission", "currency", "counted"),
    [("1.25", "USD", "1.25"), ("-0.20", "", "-0.20"), ("0", "USD", "0")],
)
def test_a_commission_that_comes_later_is_taken_over(
    fake: FakeBroker, commission: str, currency: str, counted: str
) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_execution(0, commission=None)
    reconcile(1)
    assert Fill.objects.get().commission_unknown == "The broker has not told it yet."
    fake.amend_execution(0, commission=commission, commission_currency=currency)
    reconcile(300, 301)
    fill = Fill.objects.get()
    assert (fill.commission, fill.commission_unknown) == (Decimal(counted), "")
    assert AuditEvent.objects.filter(kind="fill commission recorded").count() == 1


def test_a_commission_in_another_currency_waits_for_a_rate(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_execution(0, commission="2", commission_currency="EUR")
    reconcile(1)
    assert "2 EUR. " in Fill.objects.get().commission_unknown
    make.quote("EUR/USD", 1.10, as_of=make.T0 + 2 * MINUTE)
    reconcile(2)
    fill = Fill.objects.get()
    assert (fill.commission, fill.commission_unknown) == (Decimal("2.2"), "")
    assert (fill.commission_rate, fill.commission_rate_as_of) == (Decimal("1.1"), make.T0 + 2 * MINUTE)
    assert fill.commission_rate_age == timedelta(0)
    assert formatting.commission(fill) == (
        "2.20 (at 1.1, a rate of 2024-07-03 14:02:00 UTC, then 0 minutes old)"
    )


def test_a_charge_is_recorded_once(fake: FakeBroker) -> None:
    fake.charge("C1", make.T0, "-0.02", "regulatory fee")
    reconcile(1, 2)
    assert str(Charge.objects.get()) == "-0.0200 USD: regulatory fee"
    assert AuditEvent.objects.filter(kind="charge recorded").count() == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("pending_cancel", "submitted, being cancelled"),
        ("pending_replace", "submitted, being replaced"),
        ("replaced", "cancelled, replaced at the broker"),
        ("working", "submitted"),
    ],
)
def test_an_order_says_what_the_broker_does_with_it_besides(fake: FakeBroker, state: str, words: str) -> None:
    order = execution_rows.sent()
    fake.amend_order(order.pk, entry_state=state, **({"state": "cancelled"} if state == "replaced" else {}))
    reconcile(1)
    assert now(order).state.lower() == words
    assert order.at_broker == ("" if state == "working" else state)
    fake.amend_order(order.pk, entry_state="working", state="working")
    reconcile(2)
    assert now(order).at_broker == ""


def test_an_order_that_is_to_be_cancelled_says_so_before_the_broker_does(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    Order.objects.filter(pk=order.pk).update(cancel_requested_at=make.T0)
    assert now(order).state == "Submitted, being cancelled"


def test_each_leg_stands_as_the_broker_says_and_a_moved_stop_is_in_the_chain(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    legs = {leg.leg: (leg.state, leg.level) for leg in order.legs.all()}
    assert legs == {
        "entry": ("filled", Decimal(100)),
        "stop": ("working", Decimal(95)),
        "target": ("working", Decimal(110)),
    }
    fake.amend_order(order.pk, stop_loss="97.00")
    reconcile(1, 2)
    assert order.legs.get(leg="stop").level == 97
    event = AuditEvent.objects.get(kind="order leg changed", subject=f"order {order.pk}")
    assert "97" in event.text


def forgotten(fake: FakeBroker, filled: int) -> Order:
    """Return an order that the broker keeps no record of after two days; so much of it was executed."""
    order = execution_rows.sent()
    if filled:
        fake.fill(order.pk, filled)
        reconcile(1)
    fake.outlive(order.pk)
    return order


@pytest.mark.parametrize(
    ("filled", "status"), [(0, Status.CANCELLED), (4, Status.CANCELLED), (10, Status.FILLED)]
)
def test_of_an_order_that_is_too_old_the_executions_decide(
    fake: FakeBroker, filled: int, status: Order.Status
) -> None:
    order = forgotten(fake, filled)
    reconcile(2, 3)
    assert (now(order).status, order.filled_quantity, order.exits_working) == (status, filled, False)
    assert fake.received(order.pk) == 1


def test_where_these_are_too_old_themselves_the_account_must_agree(
    fake: FakeBroker, settings: Settings
) -> None:
    settings.BROKER = "tests.approvals.broker.client:FORGETFUL"
    order = forgotten(fake, 0)
    fake.hold(AAPL={"quantity": 10, "average_cost": "100"})
    late = 2 * 24 * 60
    reconcile(late, late + 1)
    assert now(order).status in Order.SENT
    assert "older than the broker's records" in TradingHalt.objects.get().reason
    fake.hold()
    reconcile(late + 2)
    assert now(order).status == Status.CANCELLED


def test_a_stop_that_is_gone_while_the_target_works_is_told_once(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.amend_order(order.pk, legs_gone=["stop"])
    reconcile(1, 2)
    title = f"{order} is held without a stop: it is cancelled, and the target works on."
    assert Notification.objects.filter(title=title).count() == 1
