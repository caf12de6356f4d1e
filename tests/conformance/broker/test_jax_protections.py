"""Jax puts a stop back on shares that have none: each share has one stop, whoever dies on the way."""

import pytest

from approvals import exits, positions
from approvals.brokers.base import Leg
from approvals.exits import Guard
from approvals.models import Order
from tests.approvals.execution_rows import trader
from tests.conformance.broker.bench import STOP, TARGET
from tests.conformance.broker.counterpart import SYMBOL
from tests.conformance.broker.jax import Jax, Status
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db


def bare(jax: Jax) -> Order:
    """Return a filled entry whose exits a person has cancelled."""
    order = jax.cancel(jax.bought(), exits_too=True)
    jax.reconcile(2)
    assert positions.protected()[0].unprotected == 10
    return jax.now(order)


def put_back(jax: Jax) -> Order:
    return exits.put_back(SYMBOL, Guard(STOP, TARGET), by=trader(), at=jax.bench.now, shown=10)


@case(301, "protects")
def test_jax_puts_a_stop_back_that_sells_once(jax: Jax) -> None:
    bare(jax)
    order = jax.submit(put_back(jax))
    assert order.exits_working
    jax.agrees()
    jax.fill(order, Leg.STOP, STOP)
    jax.reconcile()
    assert jax.now(order).status == Status.FILLED
    assert jax.behind.held(SYMBOL) == 0
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    jax.agrees()


@case(302, "protects")
def test_jax_dies_before_a_stop_is_put_back(jax: Jax) -> None:
    bare(jax)
    order = put_back(jax)
    with jax.dies("protect", after=False):
        jax.submit(order)
    jax.reconcile(8)
    assert jax.now(order).exits_working
    assert positions.protected()[0].unprotected == 0
    jax.agrees()


@case(303, "protects")
def test_jax_dies_after_a_stop_was_put_back(jax: Jax) -> None:
    bare(jax)
    order = put_back(jax)
    with jax.dies("protect", after=True):
        jax.submit(order)
    jax.reconcile(3)
    assert jax.now(order).exits_working
    jax.fill(order, Leg.STOP, STOP)
    jax.reconcile()
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(304, "protects")
def test_jax_guards_what_a_cancelled_entry_has_filled(jax: Jax) -> None:
    entry = jax.cancel(jax.partly_bought())
    jax.reconcile(3)
    (protected,) = positions.protected()
    assert (protected.position.quantity, protected.unprotected) == (4, 0)
    jax.agrees()
    guard = Order.objects.protections().first() or entry
    jax.fill(guard, Leg.STOP, STOP, quantity=4)
    jax.reconcile()
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(305, "protects")
def test_jax_dies_before_and_after_it_guards_a_part(jax: Jax) -> None:
    jax.cancel(jax.partly_bought())
    jax.reconcile()
    for order in Order.objects.protections():
        with jax.dies("protect", after=False):
            jax.submit(order)
    jax.reconcile(8)
    (protected,) = positions.protected()
    assert (protected.position.quantity, protected.unprotected) == (4, 0)
    jax.agrees()


@case(306, "protects")
def test_a_closing_takes_a_stop_along_that_was_put_back(jax: Jax) -> None:
    bare(jax)
    jax.submit(put_back(jax))
    closing = jax.close()
    jax.reconcile()
    jax.fill(closing, Leg.CLOSE)
    jax.reconcile()
    assert jax.behind.held(SYMBOL) == 0
    assert not Order.objects.filter(exits_working=True).exists()
    jax.agrees()
