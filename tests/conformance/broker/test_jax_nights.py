"""Jax over the vendor's nightly restart, in every state of an order, and over records that are gone."""

import pytest

from approvals.brokers.base import Leg
from tests.conformance.broker.bench import STOP
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


def sleep(jax: Jax) -> None:
    """Let a restart pass, with reconciliations before, during and after it."""
    jax.reconcile()
    jax.behind.restart()
    jax.reconcile(3)


@case(262)
def test_jax_keeps_a_working_entry_over_a_restart(jax: Jax) -> None:
    order = jax.sent()
    sleep(jax)
    assert jax.now(order).status == Status.SUBMITTED
    jax.fill(order)
    assert jax.now(order).status == Status.FILLED
    jax.agrees()


@case(263)
def test_jax_keeps_a_part_over_a_restart(jax: Jax) -> None:
    order = jax.partly_bought()
    sleep(jax)
    assert (jax.now(order).status, order.filled_quantity) == (Status.PARTIALLY_FILLED, 4)
    jax.fill(order)
    assert jax.fills() == [("entry", 4), ("entry", 6)]
    jax.agrees()


@case(264)
def test_jax_keeps_exits_over_a_restart(jax: Jax) -> None:
    order = jax.bought()
    sleep(jax)
    assert jax.now(order).exits_working
    jax.fill(order, Leg.STOP, STOP)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(265)
def test_jax_keeps_a_pending_cancel_over_a_restart(jax: Jax) -> None:
    order = jax.sent()
    jax.behind.delay_cancels()
    jax.cancel(order)
    sleep(jax)
    jax.behind.let_cancels_through()
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(266)
def test_jax_keeps_a_closing_over_a_restart(jax: Jax) -> None:
    jax.bought()
    closing = jax.close()
    sleep(jax)
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(267)
def test_jax_finds_an_unknown_entry_after_a_restart(jax: Jax) -> None:
    jax.behind.lose_answer("place")
    order = jax.sent()
    jax.behind.restart()
    jax.reconcile(3)
    assert jax.now(order).status == Status.SUBMITTED
    jax.agrees()


@case(268)
def test_jax_finds_what_filled_during_a_restart(jax: Jax) -> None:
    order = jax.sent()
    jax.reconcile()
    jax.behind.restart()
    jax.behind.fill(order.pk, Leg.ENTRY, PRICE)
    jax.reconcile(3)
    assert jax.now(order).status == Status.FILLED
    jax.agrees()


@case(269)
def test_jax_finds_what_ended_during_a_restart(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.restart()
    jax.behind.fill(order.pk, Leg.STOP, STOP)
    jax.reconcile(3)
    assert not jax.now(order).exits_working
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()


@case(270)
def test_jax_never_sends_an_entry_again_that_was_too_long_ago(jax: Jax) -> None:
    jax.behind.lose_answer("place")
    order = jax.sent()
    jax.bench.fill(order.pk)
    jax.bench.fill(order.pk, Leg.STOP, STOP)
    jax.behind.forget()
    jax.reconcile(8)
    assert jax.now(order).status not in (Status.PENDING_SUBMIT, Status.SUBMITTED)
    assert jax.behind.orders_made(order.pk) == 1
    assert jax.behind.held(SYMBOL) == 0
    assert any(str(order) in title for title in jax.told())


@case(271)
def test_jax_keeps_what_it_holds_when_the_records_are_gone(jax: Jax) -> None:
    order = jax.bought()
    jax.reconcile()
    jax.behind.forget()
    jax.reconcile(5)
    assert (jax.now(order).status, order.exits_working) == (Status.FILLED, True)
    jax.fill(order, Leg.STOP, STOP)
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(272)
def test_jax_keeps_a_closed_trade_when_the_records_are_gone(jax: Jax) -> None:
    order = jax.bought()
    jax.fill(order, Leg.STOP, STOP)
    jax.behind.forget()
    jax.reconcile(5)
    assert (jax.now(order).status, order.exits_working) == (Status.FILLED, False)
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()


@case(273)
def test_jax_closes_after_a_night_what_it_bought_before(jax: Jax) -> None:
    jax.bought()
    sleep(jax)
    jax.bench.wait(86_400 * 2)
    jax.reconcile()
    closing = jax.close()
    jax.reconcile(3)
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()
