"""Jax closes positions: guarded until it is done, never more than is held, once."""

import pytest

from approvals import execution, exits
from approvals.brokers.base import Leg
from tests.approvals.execution_rows import trader
from tests.conformance.broker.bench import STOP
from tests.conformance.broker.counterpart import SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


@case(230)
def test_jax_closes_what_it_holds(jax: Jax) -> None:
    entry = jax.bought()
    closing = jax.close()
    jax.reconcile(3)
    assert jax.now(closing).status == Status.SUBMITTED
    jax.fill(closing, Leg.CLOSE)
    assert (jax.now(closing).status, jax.now(entry).exits_working) == (Status.FILLED, False)
    assert jax.behind.held(SYMBOL) == 0
    assert jax.fills() == [("entry", 10), ("close", 10)]
    jax.agrees()


@case(231, "closes_beside_exits")
def test_jax_leaves_the_exits_until_the_closing_has_filled(jax: Jax) -> None:
    jax.bought()
    closing = jax.close()
    jax.reconcile(3)
    assert jax.behind.stops(SYMBOL) == 10
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.stops(SYMBOL) == 0
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(232, "closes_beside_exits")
def test_jax_keeps_a_position_guarded_whose_closing_is_refused(jax: Jax) -> None:
    entry = jax.bought()
    jax.behind.refuse("close", "no market orders now")
    jax.close()
    assert jax.behind.stops(SYMBOL) == 10
    assert jax.now(entry).exits_working
    assert any("no market orders now" in title for title in jax.told())
    jax.reconcile(3)
    (again,) = jax.closings()
    jax.fill(again, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(233, "no closes_beside_exits")
def test_jax_tells_of_a_position_whose_closing_is_refused_after_its_exits(jax: Jax) -> None:
    jax.bought()
    jax.behind.refuse("close", "no market orders now")
    jax.close()
    jax.reconcile(3)
    assert any("no market orders now" in title for title in jax.told())
    assert jax.behind.stops(SYMBOL) == 10 or any("without a stop" in title for title in jax.told())
    jax.agrees()


@case(234)
def test_jax_closes_a_position_once(jax: Jax) -> None:
    jax.bought()
    closing = jax.close()
    with pytest.raises(exits.ExitRefused):
        exits.close(SYMBOL, by=trader(), at=jax.bench.now)
    execution.submit_order(closing.pk, jax.bench.now)
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(235)
def test_jax_finds_a_closing_whose_answer_was_lost(jax: Jax) -> None:
    jax.bought()
    jax.behind.lose_answer("close")
    closing = jax.close()
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(236)
def test_jax_sends_a_closing_again_that_never_arrived(jax: Jax) -> None:
    jax.bought()
    jax.behind.lose_request("close")
    closing = jax.close()
    jax.reconcile(7)
    assert jax.behind.orders_made(closing.pk) == 1
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(237)
def test_jax_sells_nothing_that_the_stop_has_sold(jax: Jax) -> None:
    entry = jax.bought()
    jax.behind.delay_cancels()
    closing = jax.close()
    jax.fill(entry, Leg.STOP, STOP)
    jax.behind.let_cancels_through()
    jax.reconcile(3)
    if jax.behind.orders_made(closing.pk):
        jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    assert jax.now(closing).status == Status.CANCELLED
    jax.agrees()


@case(238)
def test_jax_closes_what_the_stop_sold_before_it_was_asked(jax: Jax) -> None:
    entry = jax.bought()
    order = exits.close(SYMBOL, by=trader(), at=jax.bench.now)
    jax.bench.fill(entry.pk, Leg.STOP, STOP)
    jax.submit(order)
    jax.reconcile(3)
    assert jax.now(order).status == Status.CANCELLED
    assert jax.behind.orders_made(order.pk) == 0
    jax.agrees()


@case(239)
def test_jax_follows_a_closing_that_fills_in_part(jax: Jax) -> None:
    jax.bought()
    closing = jax.close()
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE, quantity=4)
    assert (jax.now(closing).status, closing.filled_quantity) == (Status.PARTIALLY_FILLED, 4)
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(240)
def test_jax_closes_the_part_that_an_entry_has_filled(jax: Jax) -> None:
    entry = jax.partly_bought()
    closing = jax.close()
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert (jax.now(entry).status, jax.now(closing).filled_quantity) == (Status.CANCELLED, 4)
    assert jax.behind.held(SYMBOL) == 0
    assert jax.bench.working() == set()
    jax.agrees()


@case(241)
def test_jax_waits_with_a_closing_in_a_halt(jax: Jax) -> None:
    jax.bought()
    jax.behind.halt()
    closing = jax.close()
    jax.bench.fill(closing.pk, Leg.CLOSE)
    jax.reconcile(3)
    assert jax.now(closing).status == Status.SUBMITTED
    jax.behind.resume()
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    jax.agrees()


@case(242)
def test_jax_sends_a_closing_once_the_broker_is_back(jax: Jax) -> None:
    jax.bought()
    with jax.behind.is_away():
        closing = jax.close()
        jax.reconcile(3)
    assert jax.now(closing).status == Status.PENDING_SUBMIT
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(243, "shorting")
def test_jax_closes_a_short(jax: Jax) -> None:
    order = jax.submit(jax.short())
    jax.fill(order)
    closing = jax.close()
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(244)
def test_jax_waits_while_the_exits_cancel_is_pending(jax: Jax) -> None:
    jax.bought()
    jax.behind.delay_cancels()
    closing = jax.close()
    jax.reconcile(3)
    jax.behind.let_cancels_through()
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(245)
def test_jax_closes_two_entries_at_once(jax: Jax) -> None:
    jax.bought()
    jax.bought(quantity=5)
    closing = jax.close()
    jax.reconcile(3)
    assert jax.now(closing).quantity == 15
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    assert jax.behind.stops(SYMBOL) == 0
    jax.agrees()
