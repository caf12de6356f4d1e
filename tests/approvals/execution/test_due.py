"""What a broker does not do by itself, Jax does at its time; a closing that was refused is tried again."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from approvals import execution, exits, positions
from approvals.models import AuditEvent, Notification, Order
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, Status, now

HOURS = timedelta(hours=3)


@pytest.fixture
def bare(fake: FakeBroker, settings: Settings) -> FakeBroker:
    """A broker without good-till-date and without exits by the time of day."""
    settings.BROKER = "tests.approvals.broker.client:BARE"
    return fake


def closings() -> list[Order]:
    return list(Order.objects.filter(kind=Order.Kind.CLOSE).order_by("created_at", "pk"))


def reconcile(minutes: float) -> None:
    execution.reconcile_orders(make.T0 + minutes * MINUTE)


def test_an_entry_that_is_over_is_cancelled_and_its_shares_keep_their_exits(bare: FakeBroker) -> None:
    order = execution_rows.sent()
    bare.fill(order.pk, 4)
    reconcile(179)
    assert now(order).status == Status.PARTIALLY_FILLED
    reconcile(180)
    assert (now(order).status, order.filled_quantity, order.exits_working) == (Status.CANCELLED, 4, True)
    assert AuditEvent.objects.filter(kind="order cancel requested", subject=f"order {order.pk}").count() == 1


def test_a_broker_that_ends_entries_itself_is_not_asked_to(fake: FakeBroker) -> None:
    order = execution_rows.sent()
    reconcile(180)
    assert now(order).cancel_requested_at is None


def test_what_is_to_be_flat_is_closed_once_for_who_approved_it(bare: FakeBroker) -> None:
    entry = execution_rows.bought(bare)
    Order.objects.filter(pk=entry.pk).update(flat_at=make.T0 + HOURS)
    reconcile(179)
    assert not closings()
    for minutes in (180, 181, 182):
        reconcile(minutes)
    (closing,) = closings()
    assert (closing.status, closing.side, closing.quantity) == (Status.SUBMITTED, "SELL", 10)
    assert closing.requested_by == entry.requested_by
    assert (
        "It was to be flat at 2024-07-03 17:00 UTC."
        in AuditEvent.objects.get(kind="order made", subject=f"order {closing.pk}").text
    )
    bare.fill(closing.pk, 10, "close")
    reconcile(183)
    reconcile(184)
    assert (now(closing).status, now(entry).exits_working) == (Status.FILLED, False)
    assert len(closings()) == 1


def two_entries(fake: FakeBroker) -> tuple[Order, Order]:
    """10 shares that are to be flat after three hours, and 10 of another entry that are not."""
    day, swing = execution_rows.bought(fake), execution_rows.bought(fake, at=make.T0 + MINUTE)
    Order.objects.filter(pk=day.pk).update(flat_at=make.T0 + HOURS)
    return day, swing


@pytest.mark.parametrize("path", ["BARE", "SPARSE"])
def test_shares_of_another_entry_stay_with_their_exits(
    bare: FakeBroker, settings: Settings, path: str
) -> None:
    settings.BROKER = f"tests.approvals.broker.client:{path}"
    day, swing = two_entries(bare)
    reconcile(180)
    reconcile(181)
    (closing,) = closings()
    assert (closing.quantity, closing.is_part, closing.shares_of) == (10, True, day)
    bare.fill(closing.pk, 10, "close")
    for minutes in (182, 183):
        reconcile(minutes)
    assert (now(day).exits_working, now(swing).exits_working) == (False, True)
    assert bare.order(swing.pk)["exits_working"]
    assert positions.of("AAPL").quantity == 10
    assert len(closings()) == 1


def test_all_is_closed_when_all_is_due(bare: FakeBroker) -> None:
    two_entries(bare)
    Order.objects.update(flat_at=make.T0 + HOURS)
    reconcile(180)
    (closing,) = closings()
    assert (closing.quantity, closing.is_part) == (20, False)


def test_a_refused_part_is_tried_again_after_growing_pauses(bare: FakeBroker) -> None:
    two_entries(bare)
    bare.fail("close", "refuse", 2)
    for minutes in range(180, 190):
        reconcile(minutes)
    assert [(order.status, order.quantity) for order in closings()] == [
        (Status.REJECTED, 10),
        (Status.REJECTED, 10),
        (Status.SUBMITTED, 10),
    ]


def refused(fake: FakeBroker, times: int) -> None:
    """A closing is refused so many times, one minute after the other is reconciled."""
    execution_rows.bought(fake)
    fake.fail("close", "refuse", times)
    order = execution_rows.closing()
    execution.submit_order(order.pk, make.T0)


def test_a_refused_closing_is_tried_again_after_growing_pauses(bare: FakeBroker) -> None:
    refused(bare, 3)
    for minutes in range(1, 13):
        reconcile(minutes)
    statuses = [(order.status, int((order.created_at - make.T0) / MINUTE)) for order in closings()]
    rejected = Status.REJECTED
    assert statuses == [(rejected, 0), (rejected, 1), (rejected, 3), (Status.SUBMITTED, 6)]
    assert [int((order.due_at - make.T0) / MINUTE) for order in closings() if order.due_at] == [2, 5, 10]
    assert Notification.objects.filter(kind="order_failed").count() == 3


def test_meanwhile_the_position_keeps_its_exits(bare: FakeBroker) -> None:
    refused(bare, 1)
    reconcile(1)
    entry = Order.objects.entries().get()
    assert (entry.exits_working, entry.cancel_requested_at) == (True, None)


def test_where_the_exits_had_to_go_first_people_learn_that_shares_are_bare_while_it_waits(
    fake: FakeBroker,
) -> None:
    refused(fake, 1)
    reconcile(1)
    assert Notification.objects.filter(title__contains="held without a stop").exists()


def test_a_try_that_a_person_cancels_is_the_last_one(bare: FakeBroker) -> None:
    refused(bare, 1)
    reconcile(1)
    exits.cancel(closings()[-1], by=execution_rows.trader(), at=make.T0 + 1.5 * MINUTE)
    reconcile(10)
    assert [order.status for order in closings()] == [Status.REJECTED, Status.CANCELLED]


def test_nothing_is_tried_again_once_the_target_has_sold_the_shares(bare: FakeBroker) -> None:
    refused(bare, 1)
    bare.fill(Order.objects.entries().get().pk, 10, "target")
    reconcile(1)
    assert [order.status for order in closings()] == [Status.REJECTED]
