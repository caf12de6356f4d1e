import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from approvals import execution, gate, halt
from approvals.models import AuditEvent, BrokerPosition, Fill, Gate, Notification, Order, TradingHalt
from core import locks
from market.models import Instrument
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, SECOND, Status, now


def rounds(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def kinds(order: Order) -> list[str]:
    about = AuditEvent.objects.filter(subject=f"order {order.pk}").order_by("number")
    return list(about.values_list("kind", flat=True))


def test_fills_are_recorded_and_told(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4, price="99.50")
    rounds(1)
    assert (now(order).status, order.filled_quantity) == (Status.PARTIALLY_FILLED, 4)
    fake.fill(order.pk, 6)
    rounds(2)
    assert (now(order).status, order.filled_quantity, order.exits_working) == (Status.FILLED, 10, True)
    assert order.ended_at == make.T0 + 2 * MINUTE
    assert sorted((int(fill.quantity), fill.leg) for fill in order.fills.all()) == [
        (4, "entry"),
        (6, "entry"),
    ]
    assert Notification.objects.filter(kind=Notification.Kind.ORDER_FILLED).count() == 2
    assert kinds(order)[2:] == ["fill recorded", "fill recorded", "order filled"]


def test_reconciling_twice_is_the_same_as_once(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    before = list(AuditEvent.objects.values_list("hash", flat=True))
    execution.reconcile_orders(make.T0)
    rounds(1)
    assert Fill.objects.count() == 1
    assert list(AuditEvent.objects.values_list("hash", flat=True)) == before
    assert Notification.objects.filter(kind=Notification.Kind.ORDER_FILLED).count() == 1
    assert now(order).status == Status.FILLED


def test_only_one_reconciles_at_a_time(fake: FakeBroker, another_reconciles: None) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    rounds(1)
    assert Fill.objects.count() == 0
    assert now(order).status == Status.SUBMITTED


def test_one_that_waited_is_of_the_instant_at_which_its_turn_came(fake: FakeBroker) -> None:
    is_locked = threading.Event()

    def reconcile_for_a_while() -> None:
        with locks.held("approvals.execution.reconcile"):
            is_locked.set()
            time.sleep(0.5)
        connection.close()

    another = threading.Thread(target=reconcile_for_a_while)
    another.start()
    assert is_locked.wait(60)
    execution.reconcile_orders(make.T0, patience=60)
    another.join()
    assert Gate.objects.get().checked_at >= make.T0 + 0.4 * SECOND


def test_the_stops_fill_belongs_to_its_entry(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.fill(order.pk, 10, "stop", "95.00")
    rounds(1)
    assert not now(order).exits_working
    assert order.fills.get(leg=Fill.Leg.STOP).signed_quantity == -10
    assert not TradingHalt.objects.exists()


def test_what_others_did_is_written_down_and_not_adopted(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    fake.fill_foreign("AAPL", 5)
    fake.fill_foreign("TSLA", 7)
    rounds(1)
    held = {
        row.symbol: (str(row.quantity), row.ours, str(row.foreign)) for row in BrokerPosition.objects.all()
    }
    assert held == {"AAPL": ("15", 10, "5"), "TSLA": ("7", 0, "7")}
    assert Fill.objects.filter(order=None).count() == 2
    assert not TradingHalt.objects.exists()


def test_a_position_that_is_gone_leaves_no_row(fake: FakeBroker) -> None:
    fake.fill_foreign("TSLA", 7)
    rounds(1)
    fake.fill_foreign("TSLA", -7)
    rounds(2)
    assert not BrokerPosition.objects.exists()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", ["500 after", "drop", "hang after"])
def test_an_unknown_order_that_the_broker_has_is_found(fake: FakeBroker, fault: str) -> None:
    fake.fail("place", fault)
    order = execution_rows.sent()
    rounds(1)
    assert (now(order).status, fake.accepted(order.pk)) == (Status.SUBMITTED, 1)
    assert kinds(order) == ["order sent", "order unknown", "order acknowledged"]


def test_an_order_that_the_broker_does_not_have_is_held_after_three_looks_over_two_minutes(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "500 before")
    order = execution_rows.sent()
    rounds(0.1, 0.2, 0.3, 1.9)
    assert now(order).status == Status.UNKNOWN
    rounds(2)
    assert (now(order).status, order.status_reason) == (Status.HELD, "The broker never received it.")
    rounds(3, 4)
    assert (fake.received(order.pk), now(order).status) == (1, Status.HELD)


def test_looks_at_a_broker_that_was_away_do_not_count(
    fake: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.fail("place", "500 before")
    order = execution_rows.sent()
    with monkeypatch.context() as patch:
        patch.setenv("TEST_BROKER_URL", "http://127.0.0.1:1")
        rounds(1, 2, 3)
    rounds(4, 4.1, 4.2, 5.9)
    assert now(order).status == Status.UNKNOWN
    rounds(6)
    assert now(order).status == Status.HELD


def test_an_order_that_the_broker_denies_and_has_is_one_order_though_it_is_sent_twice(
    fake: FakeBroker,
) -> None:
    fake.fail("place", "500 after")
    fake.fail("orders", "deny", times=3)
    fake.fail("order", "deny", times=4)
    execution_rows.feed(make.T0 + 3 * MINUTE)
    order = execution_rows.sent()
    rounds(1, 2, 3)
    release = {"status": Status.PENDING_SUBMIT, "released_at": make.T0 + 3 * MINUTE}
    assert Order.objects.filter(pk=order.pk, status=Status.HELD).update(**release)
    execution.submit_order(order.pk, make.T0 + 3 * MINUTE)
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (2, 1)
    assert now(order).status == Status.SUBMITTED


def test_an_order_that_was_to_be_cancelled_and_never_arrived_is_cancelled(fake: FakeBroker) -> None:
    fake.fail("place", "500 before")
    order = execution_rows.sent()
    execution.cancel_order(order.pk, make.T0)
    rounds(1, 2, 3)
    assert now(order).status == Status.CANCELLED
    assert "never received" in order.status_reason


def test_an_order_that_the_broker_loses_is_looked_up_and_then_held(fake: FakeBroker) -> None:
    fake.fail("place", "lose")
    order = execution_rows.sent()
    assert order.status == Status.SUBMITTED
    rounds(1)
    assert now(order).status == Status.UNKNOWN
    rounds(2, 3)
    assert now(order).status == Status.HELD
    assert fake.received(order.pk) == 1


def test_a_filled_entry_that_the_broker_loses_is_told_to_have_no_stop(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    fake.forget(order.pk)
    rounds(1, 2, 3)
    assert (now(order).status, order.exits_working) == (Status.FILLED, False)
    notifications = Notification.objects.filter(kind=Notification.Kind.ORDER_FAILED).order_by("pk")
    assert [
        "no stop" in notification.title or "without a stop" in notification.title
        for notification in notifications
    ] == [True, True]


def test_a_partly_filled_entry_that_the_broker_loses_is_cancelled_with_the_reason(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4)
    rounds(1)
    fake.forget(order.pk)
    rounds(2, 3, 4)
    reason = "The broker has lost it, after 4 shares."
    assert (now(order).status, order.status_reason) == (Status.CANCELLED, reason)


def test_what_is_held_without_a_stop_is_told_once_unless_it_is_being_closed(fake: FakeBroker) -> None:
    order = execution_rows.bought(fake)
    order.cancel_exits = True
    order.save()
    execution.cancel_order(order.pk, make.T0)
    closing = execution_rows.closing(status=Status.HELD)
    rounds(1)
    notifications = Notification.objects.filter(key__startswith="bare")
    assert notifications.count() == 0
    Order.objects.filter(pk=closing.pk).update(status=Status.CANCELLED, ended_at=make.T0)
    rounds(2, 3)
    assert (
        notifications.get().title
        == "10 AAPL are held without a stop and a target: put them back, or close them."
    )


def test_what_is_held_or_on_order_is_fetched_though_nobody_watches_it(fake: FakeBroker) -> None:
    execution_rows.bought(fake)
    execution_rows.sent("MSFT")
    Instrument.objects.update(watched=False)
    rounds(1)
    assert set(Instrument.objects.fetched().values_list("symbol", flat=True)) == {"AAPL", "MSFT"}
    Order.objects.filter(symbol="MSFT").update(status=Status.CANCELLED, ended_at=make.T0)
    rounds(2)
    assert set(Instrument.objects.fetched().values_list("symbol", flat=True)) == {"AAPL"}


def test_an_order_that_waited_through_a_halt_is_held(fake: FakeBroker) -> None:
    execution_rows.waiting(100)
    order = Order.objects.get()
    begun = halt.start(TradingHalt.Cause.PERSON, "fire drill", make.T0 - 10 * MINUTE)
    Order.objects.update(released_at=make.T0 - 20 * MINUTE)
    halt.end(make.T0 - 5 * MINUTE, None, "over")
    rounds(1)
    assert (now(order).status, begun.reason in order.status_reason) == (Status.HELD, True)


def test_an_order_without_an_answer_for_half_a_minute_is_looked_up(fake: FakeBroker) -> None:
    """Its worker was killed while it waited for the broker."""
    order = execution_rows.entry(status=Status.SUBMITTED, submitted_at=make.T0)
    rounds(0.4)
    assert now(order).status == Status.SUBMITTED
    rounds(0.5)
    assert now(order).status == Status.UNKNOWN
    execution_rows.place_late(fake, order)
    rounds(1)
    assert now(order).status == Status.SUBMITTED


def test_an_order_that_arrives_after_it_was_given_up_is_shown_as_it_is(fake: FakeBroker) -> None:
    order = execution_rows.entry(status=Status.HELD, submitted_at=make.T0)
    execution_rows.place_late(fake, order)
    rounds(1)
    assert now(order).status == Status.SUBMITTED


def test_an_order_that_arrives_after_it_was_dropped_is_cancelled_at_the_broker(fake: FakeBroker) -> None:
    order = execution_rows.entry(status=Status.CANCELLED, submitted_at=make.T0, ended_at=make.T0)
    execution_rows.place_late(fake, order)
    rounds(1, 2)
    assert now(order).status == Status.CANCELLED
    assert fake.order(order.pk)["state"] == "cancelled"


def test_an_order_whose_task_was_lost_is_sent_after_ten_seconds(fake: FakeBroker) -> None:
    order = execution_rows.entry()
    execution.reconcile_orders(make.T0 + 9 * SECOND)
    assert fake.received(order.pk) == 0
    execution.reconcile_orders(make.T0 + 10 * SECOND)
    assert now(order).status == Status.SUBMITTED


def test_an_order_that_waited_for_the_open_is_sent_when_a_fresh_look_finds_nothing(fake: FakeBroker) -> None:
    order = execution_rows.waiting(price=185.6)
    rounds(0)
    assert (now(order).status, fake.accepted(order.pk)) == (Status.SUBMITTED, 1)


def test_an_order_that_waited_for_the_open_is_held_when_the_price_has_run(fake: FakeBroker) -> None:
    order = execution_rows.waiting(price=190.0)
    rounds(0)
    assert now(order).status == Status.HELD
    assert "has run" in order.status_reason
    assert fake.received(order.pk) == 0


def test_an_order_waits_for_the_open_until_it_is_due(fake: FakeBroker) -> None:
    order = execution_rows.waiting(price=185.6, due_at=make.T0 + SECOND)
    rounds(0)
    assert now(order).status == Status.WAITING_OPEN


def test_a_held_order_is_cancelled_at_the_end_of_the_session(fake: FakeBroker) -> None:
    order = execution_rows.entry(status=Status.HELD, good_until=make.T0 + MINUTE)
    rounds(0.9)
    assert now(order).status == Status.HELD
    rounds(1)
    assert (now(order).status, order.ended_at) == (Status.CANCELLED, make.T0 + MINUTE)
    assert kinds(order) == ["order cancelled"]


@pytest.mark.usefixtures("away")
def test_while_the_broker_is_away_the_gate_is_closed_and_the_rest_goes_on() -> None:
    order = execution_rows.entry(status=Status.HELD, good_until=make.T0)
    rounds(0)
    assert not Gate.objects.get().is_open
    assert "The broker is away" in gate.obstacle(make.T0)
    assert now(order).status == Status.CANCELLED


def test_an_order_that_cannot_be_asked_for_does_not_keep_others_from_it(fake: FakeBroker) -> None:
    fake.fail("place", "500 after", times=2)
    orders = [execution_rows.sent("AAPL", make.T0 - SECOND), execution_rows.sent("MSFT")]
    fake.fill(orders[0].pk, 10)
    fake.fill(orders[1].pk, 10)
    fake.fail("order", "500 before")
    rounds(1)
    assert [now(order).status for order in orders] == [Status.UNKNOWN, Status.FILLED]
    rounds(2)
    assert now(orders[0]).status == Status.FILLED
    assert execution_rows.agree(fake)


def test_orders_of_another_broker_are_left_alone(fake: FakeBroker) -> None:
    order = execution_rows.entry(
        status=Status.SUBMITTED, submitted_at=make.T0 - timedelta(hours=1), broker="paper"
    )
    rounds(0, 1, 2, 3)
    assert now(order).status == Status.SUBMITTED


def test_the_number_of_queries_does_not_grow_with_orders_that_are_as_they_were(
    fake: FakeBroker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    execution_rows.open_gate(make.T0 + 4 * MINUTE)
    execution_rows.sent("S0", make.T0 + 4 * MINUTE)
    rounds(5)
    with CaptureQueriesContext(connection) as alone:
        rounds(5.1)
    for number in range(1, 6):
        execution_rows.sent(f"S{number}", make.T0 + 5 * MINUTE)
    rounds(5.2)
    with django_assert_num_queries(len(alone)):
        rounds(5.3)


def test_the_gate_names_what_the_broker_did_not_answer(fake: FakeBroker) -> None:
    fake.fail("place", "500 before")
    order = execution_rows.sent()
    fake.fail("order", "500 before")
    rounds(1)
    assert Gate.objects.get().broker_error.startswith(f"order {order.pk}: ")
