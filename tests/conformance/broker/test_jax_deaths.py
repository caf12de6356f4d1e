"""A worker dies in a call to the broker, and the next one goes on: nothing twice, nothing lost."""

import pytest

from approvals import execution, exits
from approvals.brokers.base import Leg
from tests.approvals.execution_rows import trader
from tests.conformance.broker.bench import STOP
from tests.conformance.broker.counterpart import SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


@case(274)
def test_jax_dies_before_an_entry_arrives(jax: Jax) -> None:
    order = jax.entry()
    with jax.dies("place", after=False):
        jax.submit(order)
    jax.reconcile(7)
    assert jax.now(order).status == Status.HELD
    assert jax.behind.orders_made(order.pk) == 0
    jax.agrees()


@case(275)
def test_jax_dies_after_an_entry_has_arrived(jax: Jax) -> None:
    order = jax.entry()
    with jax.dies("place", after=True):
        jax.submit(order)
    execution.submit_order(order.pk, jax.bench.now)
    jax.reconcile(2)
    assert jax.now(order).status == Status.SUBMITTED
    jax.fill(order)
    assert jax.now(order).status == Status.FILLED
    jax.agrees()


@case(276)
def test_jax_dies_before_a_closing_arrives(jax: Jax) -> None:
    jax.bought()
    closing = exits.close(SYMBOL, by=trader(), at=jax.bench.now)
    with jax.dies("close", after=False):
        jax.submit(closing)
    jax.reconcile(8)
    assert jax.behind.orders_made(closing.pk) == 1
    jax.fill(closing, Leg.CLOSE)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(277)
def test_jax_dies_after_a_closing_has_arrived(jax: Jax) -> None:
    jax.bought()
    closing = exits.close(SYMBOL, by=trader(), at=jax.bench.now)
    with jax.dies("close", after=True):
        jax.submit(closing)
    jax.reconcile(2)
    jax.fill(closing, Leg.CLOSE)
    assert jax.now(closing).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(278)
def test_jax_dies_after_a_cancel_has_arrived(jax: Jax) -> None:
    order = jax.sent()
    with jax.dies("cancel", after=True):
        jax.cancel(order)
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(279)
def test_jax_dies_before_a_cancel_arrives(jax: Jax) -> None:
    order = jax.sent()
    with jax.dies("cancel", after=False):
        jax.cancel(order)
    jax.reconcile(2)
    assert jax.now(order).status == Status.CANCELLED
    jax.agrees()


@case(280)
def test_jax_dies_while_it_reads_what_was_executed(jax: Jax) -> None:
    order = jax.bought()
    jax.bench.fill(order.pk, Leg.STOP, STOP)
    for call in ("orders", "executions", "holdings", "account"):
        with jax.dies(call, after=True):
            jax.reconcile()
    jax.reconcile()
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()
