"""Cancels: at once, pending, crossed by a fill, by hand."""

from uuid import uuid4

import pytest

from approvals.brokers.base import Leg, LegState, OrderRefused, State
from tests.conformance.broker.bench import STOP, Bench
from tests.conformance.broker.counterpart import SYMBOL
from tests.conformance.broker.table import case


@case(48)
def test_a_cancelled_entry_works_no_more_and_twice_is_no_error(bench: Bench) -> None:
    order = bench.placed()
    for _ in range(2):
        bench.broker.cancel(order.client_id, exits=False)
        bench.wait()
        assert bench.standing(order.client_id) == (State.CANCELLED, 0)
    assert bench.working() == set()
    assert not bench.report(order.client_id).exits_working


@case(49)
def test_a_cancel_of_what_was_never_received_is_refused(bench: Bench) -> None:
    with pytest.raises(OrderRefused):
        bench.broker.cancel(uuid4(), exits=False)


@case(50)
def test_a_filled_entry_keeps_its_exits_unless_they_are_cancelled_too(bench: Bench) -> None:
    order = bench.filled()
    bench.broker.cancel(order.client_id, exits=False)
    bench.wait()
    assert bench.report(order.client_id).exits_working
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, False)
    assert bench.behind.stops(SYMBOL) == 0


@case(51, "partial_brackets")
def test_a_part_that_filled_before_the_cancel_keeps_its_exits(bench: Bench) -> None:
    order = bench.partly_filled()
    bench.broker.cancel(order.client_id, exits=False)
    bench.wait()
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.CANCELLED, 4, True)
    assert bench.behind.stops(SYMBOL) == 4


@case(52)
def test_a_part_that_filled_before_the_cancel_is_held_without_exits_where_they_go_too(bench: Bench) -> None:
    order = bench.partly_filled()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.CANCELLED, 4, False)
    assert bench.held() == 4
    assert bench.working() == set()


@case(53)
def test_a_cancel_that_is_pending_for_an_hour_leaves_the_order_working(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.delay_cancels()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait(3600)
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    assert bench.leg(order.client_id, Leg.ENTRY).state is LegState.PENDING_CANCEL
    assert bench.working() == {order.client_id}
    bench.behind.let_cancels_through()
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)


@case(54)
def test_an_entry_that_fills_while_its_cancel_is_pending_is_filled(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.delay_cancels()
    bench.broker.cancel(order.client_id, exits=False)
    bench.wait()
    bench.fill(order.client_id)
    bench.behind.let_cancels_through()
    bench.wait()
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert bench.held() == 10


@case(55)
def test_exits_whose_cancel_is_pending_still_work(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.delay_cancels()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert bench.report(order.client_id).exits_working
    bench.fill(order.client_id, Leg.STOP, STOP)
    bench.behind.let_cancels_through()
    bench.wait()
    assert bench.held() == 0
    assert not bench.report(order.client_id).exits_working


@case(56)
def test_an_entry_cancelled_by_hand_is_cancelled(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.cancel_by_hand(order.client_id, Leg.ENTRY)
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)
    assert not bench.report(order.client_id).exits_working


@case(57)
def test_a_cancel_that_is_refused_leaves_the_order_working(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.refuse("cancel", "too late to cancel")
    with pytest.raises(OrderRefused, match="too late"):
        bench.broker.cancel(order.client_id, exits=False)
    bench.wait()
    assert bench.standing(order.client_id) == (State.WORKING, 0)


@case(58)
def test_a_cancel_of_what_has_ended_answers_as_it_stands(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    report = bench.broker.cancel(order.client_id, exits=True)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, False)


@case(59)
def test_a_cancel_of_one_order_leaves_the_other_alone(bench: Bench) -> None:
    first, second = bench.filled(), bench.placed(quantity=5)
    bench.broker.cancel(second.client_id, exits=True)
    bench.wait()
    assert bench.report(first.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 10
