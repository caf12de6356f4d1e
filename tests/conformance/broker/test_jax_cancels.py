"""Jax cancels entries, and sees them cancelled."""

import pytest

from approvals.brokers.base import Leg, State
from approvals.models import TradingHalt
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


@case(210)
def test_jax_cancels_an_entry(jax: Jax) -> None:
    order = jax.sent()
    jax.cancel(order)
    jax.reconcile()
    assert (jax.now(order).status, order.exits_working) == (Status.CANCELLED, False)
    assert jax.bench.working() == set()
    jax.agrees()


@case(211, "partial_brackets")
def test_jax_cancels_the_rest_of_an_entry_and_what_it_holds_stays_guarded(jax: Jax) -> None:
    order = jax.partly_bought()
    jax.cancel(order)
    jax.reconcile()
    assert (jax.now(order).status, order.filled_quantity, order.exits_working) == (Status.CANCELLED, 4, True)
    assert jax.behind.stops(SYMBOL) == 4
    jax.agrees()


@case(212, "no partial_brackets")
def test_jax_guards_or_tells_what_a_cancelled_entry_leaves_without_a_stop(jax: Jax) -> None:
    order = jax.partly_bought()
    jax.cancel(order)
    jax.reconcile(3)
    assert (jax.now(order).status, order.filled_quantity) == (Status.CANCELLED, 4)
    assert jax.behind.stops(SYMBOL) == 4 or any("without a stop" in title for title in jax.told())
    jax.agrees()


@case(213)
def test_jax_asks_again_while_a_cancel_is_pending(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.delay_cancels()
    jax.cancel(order)
    jax.reconcile(4)
    assert jax.now(order).status == Status.SUBMITTED
    jax.behind.let_cancels_through()
    jax.reconcile()
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(214)
def test_jax_holds_what_filled_while_the_cancel_was_pending(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.delay_cancels()
    jax.cancel(order)
    jax.fill(order)
    jax.behind.let_cancels_through()
    jax.reconcile()
    assert (jax.now(order).status, order.filled_quantity) == (Status.FILLED, 10)
    jax.agrees()


@case(215)
def test_jax_counts_a_fill_that_comes_after_the_cancel(jax: Jax) -> None:
    order = jax.sent()
    jax.cancel(order)
    jax.behind.fill_late(order.pk, 4, PRICE)
    jax.reconcile(2)
    assert (jax.now(order).status, order.filled_quantity) == (Status.CANCELLED, 4)
    assert not TradingHalt.objects.exists()
    assert jax.behind.stops(SYMBOL) == 4 or any("without a stop" in title for title in jax.told())
    jax.agrees()


@case(216)
def test_jax_sees_an_entry_that_was_cancelled_by_hand(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.cancel_by_hand(order.pk, Leg.ENTRY)
    jax.reconcile()
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(226)
def test_jax_asks_again_for_a_cancel_that_was_refused(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.refuse("cancel", "not now")
    jax.cancel(order)
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    assert jax.bench.standing(order.pk) == (State.CANCELLED, 0)
    jax.agrees()


@case(227)
def test_jax_cancels_once_the_broker_is_back(jax: Jax) -> None:
    order = jax.sent()
    with jax.behind.is_away():
        jax.cancel(order)
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(228)
def test_jax_cancels_an_order_whose_cancels_answer_was_lost(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.lose_answer("cancel")
    jax.cancel(order)
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()
