"""Jax moves stops and targets that work: once, and never without one meanwhile."""

from decimal import Decimal

import pytest

from approvals import execution, exits
from approvals.brokers.base import Leg
from approvals.exits import ExitRefused, Wanted
from approvals.models import ExitChange, Order
from market.models import Quote
from tests.approvals.execution_rows import trader
from tests.conformance.broker.bench import STOP, TARGET
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.jax import Jax
from tests.conformance.broker.table import case

pytestmark = pytest.mark.django_db

HIGHER = STOP + 2


def ask(jax: Jax, order: Order, stop: Decimal | None = HIGHER, target: Decimal | None = None) -> None:
    """Have a person ask for other levels."""
    now = jax.bench.now
    source = {"price": float(PRICE), "as_of": now, "received_at": now, "provider": "simulator"}
    Quote.objects.update_or_create(symbol=SYMBOL, defaults=source | {"feed": "live"})
    exits.move(order, Wanted(stop, target), by=trader(), seen=exits.seen_as(jax.now(order)), at=now)


def move(jax: Jax, order: Order, stop: Decimal | None = HIGHER, target: Decimal | None = None) -> None:
    """Have a person ask for other levels, and the worker for them."""
    ask(jax, order, stop, target)
    execution.change_exits(order.pk, jax.bench.now)
    jax.bench.wait()


def state() -> str:
    return ExitChange.objects.get().state


@case(281, "replaces")
def test_jax_moves_a_stop(jax: Jax) -> None:
    order = jax.bought()
    move(jax, order)
    jax.reconcile()
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    assert (state(), jax.now(order).stop_now) == ("done", HIGHER)
    assert jax.behind.stops(SYMBOL) == 10
    jax.agrees()


@case(282, "replaces")
def test_jax_moves_both_and_the_moved_stop_ends_the_position(jax: Jax) -> None:
    order = jax.bought()
    move(jax, order, HIGHER, TARGET - 2)
    jax.reconcile()
    assert jax.bench.leg(order.pk, Leg.TARGET).level == TARGET - 2
    jax.fill(order, Leg.STOP, HIGHER)
    assert jax.fills() == [("entry", 10), ("stop", 10)]
    assert not jax.now(order).exits_working
    jax.agrees()


@case(283, "replaces")
def test_jax_moves_a_stop_again(jax: Jax) -> None:
    order = jax.bought()
    for stop in (HIGHER, HIGHER + 1):
        move(jax, order, stop)
        jax.reconcile()
    assert jax.now(order).stop_now == HIGHER + 1
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER + 1
    assert jax.behind.stops(SYMBOL) == 10
    jax.agrees()


@case(284, "replaces")
def test_jax_settles_a_move_whose_answer_was_lost(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.lose_answer("replace")
    move(jax, order)
    jax.reconcile(2)
    assert (state(), jax.behind.stops(SYMBOL)) == ("done", 10)
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    jax.agrees()


@case(285, "replaces")
def test_jax_asks_again_for_a_move_that_never_arrived(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.lose_request("replace")
    move(jax, order)
    assert jax.bench.leg(order.pk, Leg.STOP).level == STOP
    jax.reconcile(2)
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    assert state() == "done"
    jax.agrees()


@case(286, "replaces")
def test_jax_tells_of_a_move_that_is_refused(jax: Jax) -> None:
    order = jax.bought()
    jax.behind.refuse("replace", "the price is off the tick")
    move(jax, order)
    jax.reconcile()
    assert (state(), jax.now(order).stop_now) == ("refused", STOP)
    assert any("off the tick" in title for title in jax.told())
    assert jax.behind.stops(SYMBOL) == 10
    jax.agrees()


@case(287, "no replaces")
def test_jax_refuses_a_move_in_words_where_nothing_is_moved(jax: Jax) -> None:
    order = jax.bought()
    with pytest.raises(ExitRefused, match=r"\w+ \w+"):
        ask(jax, order)
    assert jax.behind.stops(SYMBOL) == 10
    jax.agrees()


@case(288, "replaces")
def test_jax_moves_a_stop_once_the_broker_is_back(jax: Jax) -> None:
    order = jax.bought()
    with jax.behind.is_away():
        move(jax, order)
        jax.reconcile()
    jax.reconcile(2)
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    assert state() == "done"
    jax.agrees()


@case(289, "replaces")
def test_jax_dies_after_a_move_has_arrived(jax: Jax) -> None:
    order = jax.bought()
    with jax.dies("replace", after=True):
        move(jax, order)
    jax.reconcile(2)
    assert (state(), jax.behind.stops(SYMBOL)) == ("done", 10)
    jax.agrees()


@case(290, "replaces")
def test_jax_dies_before_a_move_arrives(jax: Jax) -> None:
    order = jax.bought()
    with jax.dies("replace", after=False):
        move(jax, order)
    jax.reconcile(2)
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    assert state() == "done"
    jax.agrees()


@case(291, "replaces")
def test_jax_lets_a_move_lapse_when_the_stop_has_filled(jax: Jax) -> None:
    order = jax.bought()
    ask(jax, order)
    jax.bench.fill(order.pk, Leg.STOP, STOP)
    execution.change_exits(order.pk, jax.bench.now)
    jax.reconcile(2)
    assert state() in ("lapsed", "refused")
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()


@case(292, "replaces")
def test_jax_keeps_a_moved_stop_over_a_restart(jax: Jax) -> None:
    order = jax.bought()
    move(jax, order)
    jax.behind.restart()
    jax.reconcile(3)
    assert jax.bench.leg(order.pk, Leg.STOP).level == HIGHER
    jax.fill(order, Leg.STOP, HIGHER)
    assert jax.behind.held(SYMBOL) == 0
    jax.agrees()
