"""Jax sends entries and follows them."""

from datetime import timedelta

import pytest

from approvals import execution
from approvals.brokers.base import Leg
from approvals.models import Fill
from tests.conformance.broker.bench import STOP, TARGET
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


@case(201)
def test_jax_buys_and_the_exits_guard_what_it_holds(jax: Jax) -> None:
    order = jax.bought()
    assert (order.status, order.filled_quantity, order.exits_working) == (Status.FILLED, 10, True)
    assert order.broker_order_id
    assert jax.behind.stops(SYMBOL) == 10
    assert jax.fills() == [("entry", 10)]
    jax.agrees()


@case(202)
def test_jax_submits_twice_and_one_order_is_made(jax: Jax) -> None:
    order = jax.sent()
    execution.submit_order(order.pk, jax.bench.now)
    assert jax.now(order).status == Status.SUBMITTED
    assert jax.behind.orders_made(order.pk) == 1
    jax.agrees()


@case(203)
def test_jax_finds_an_entry_whose_answer_was_lost(jax: Jax) -> None:
    jax.behind.lose_answer("place")
    order = jax.sent()
    assert order.status == Status.UNKNOWN
    jax.reconcile()
    assert jax.now(order).status == Status.SUBMITTED
    jax.fill(order)
    assert jax.now(order).status == Status.FILLED
    jax.agrees()


@case(204)
def test_jax_holds_an_entry_that_never_arrived(jax: Jax) -> None:
    jax.behind.lose_request("place")
    order = jax.sent()
    assert order.status == Status.UNKNOWN
    jax.reconcile(6)
    assert jax.now(order).status == Status.HELD
    assert jax.behind.orders_made(order.pk) == 0
    jax.agrees()


@case(205)
def test_jax_holds_an_entry_when_the_broker_is_away(jax: Jax) -> None:
    order = jax.entry()
    with jax.behind.is_away():
        jax.submit(order)
    assert (order.status, jax.behind.orders_made(order.pk)) == (Status.HELD, 0)
    jax.agrees()


@case(206)
def test_jax_writes_down_why_an_entry_was_refused(jax: Jax) -> None:
    jax.behind.refuse("place", "no shares to borrow")
    order = jax.sent()
    assert order.status == Status.REJECTED
    assert "borrow" in order.status_reason
    assert any("rejected" in title for title in jax.told())
    jax.agrees()


@case(207)
def test_jax_writes_down_why_an_entry_was_rejected_later(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.reject(order.pk, "risk check")
    jax.reconcile()
    assert (jax.now(order).status, order.exits_working) == (Status.REJECTED, False)
    assert "risk check" in order.status_reason
    jax.agrees()


@case(208)
def test_jax_finds_an_entry_whose_answer_could_not_be_read(jax: Jax) -> None:
    jax.behind.garble("place")
    order = jax.sent()
    assert order.status == Status.UNKNOWN
    jax.reconcile()
    assert jax.now(order).status == Status.SUBMITTED
    jax.agrees()


@case(209)
def test_jax_counts_parts_of_an_entry(jax: Jax) -> None:
    order = jax.partly_bought()
    assert (order.status, order.filled_quantity) == (Status.PARTIALLY_FILLED, 4)
    jax.fill(order)
    assert (jax.now(order).status, order.filled_quantity) == (Status.FILLED, 10)
    assert jax.fills() == [("entry", 4), ("entry", 6)]
    jax.agrees()


@case(217)
def test_jax_sees_the_stop_end_the_position(jax: Jax) -> None:
    order = jax.bought()
    jax.fill(order, Leg.STOP, STOP)
    assert (jax.now(order).status, order.exits_working) == (Status.FILLED, False)
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()


@case(218)
def test_jax_sees_the_target_end_the_position(jax: Jax) -> None:
    order = jax.bought()
    jax.fill(order, Leg.TARGET, TARGET)
    assert not jax.now(order).exits_working
    assert jax.fills() == [("entry", 10), ("target", 10)]
    jax.agrees()


@case(219)
def test_jax_sees_an_exit_that_fills_in_part(jax: Jax) -> None:
    order = jax.bought()
    jax.fill(order, Leg.TARGET, TARGET, quantity=4)
    assert jax.now(order).exits_working
    jax.fill(order, Leg.STOP, STOP)
    assert not jax.now(order).exits_working
    assert jax.fills() == [("entry", 10), ("target", 4), ("stop", 6)]
    jax.agrees()


@case(220, "shorting")
def test_jax_sells_short_and_buys_back(jax: Jax) -> None:
    order = jax.submit(jax.short())
    jax.fill(order)
    assert jax.behind.held(SYMBOL) == -10
    jax.fill(order, Leg.STOP, TARGET)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(221)
def test_jax_ends_an_entry_that_is_not_filled_in_time(jax: Jax) -> None:
    order = jax.sent(good_until=jax.bench.now + timedelta(minutes=30))
    jax.bench.wait(3600)
    jax.reconcile(3)
    assert (jax.now(order).status, order.exits_working) == (Status.CANCELLED, False)
    assert jax.bench.working() == set()
    jax.agrees()


@case(222)
def test_jax_ends_what_is_held_at_the_time_of_day(jax: Jax) -> None:
    flat_at = jax.bench.now + timedelta(hours=1)
    order = jax.bought(flat_at=flat_at)
    jax.bench.wait((flat_at - jax.bench.now).total_seconds())
    jax.behind.fill(order.pk, Leg.FLAT, PRICE)
    jax.reconcile(8)
    for closing in jax.closings():
        jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(223)
def test_jax_sends_no_entry_to_an_account_that_is_blocked(jax: Jax) -> None:
    jax.behind.block("A margin call")
    order = jax.sent()
    assert order.status in (Status.HELD, Status.REJECTED)
    assert "margin call" in order.status_reason
    assert jax.bench.working() == set()
    jax.agrees()


@case(224)
def test_jax_keeps_two_entries_in_a_symbol_apart(jax: Jax) -> None:
    first, second = jax.bought(), jax.bought(quantity=5, stop_loss=STOP - 10)
    jax.fill(first, Leg.STOP, STOP)
    assert (jax.now(first).exits_working, jax.now(second).exits_working) == (False, True)
    assert jax.behind.held(SYMBOL) == 5
    jax.agrees()


@case(225)
def test_jax_follows_an_entry_through_a_halt(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.halt()
    jax.fill(order)
    assert jax.now(order).status == Status.SUBMITTED
    jax.behind.resume()
    jax.fill(order)
    assert jax.now(order).status == Status.FILLED
    jax.agrees()


@case(229)
def test_jax_counts_each_fill_once(jax: Jax) -> None:
    order = jax.partly_bought()
    jax.behind.disorder()
    jax.fill(order)
    jax.fill(order, Leg.STOP, STOP)
    jax.reconcile(3)
    assert jax.fills() == [("entry", 4), ("entry", 6), ("stop", 10)]
    assert Fill.objects.count() == 3
    jax.agrees()
