"""The vendor's nightly restart in every state of an order, and records that do not reach back for ever."""

import pytest

from approvals.brokers.base import AnswerLost, Leg, Missing, OrderRefused, Report, State
from tests.conformance.broker.bench import STOP, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case


def sleep(bench: Bench) -> None:
    """Let half an hour pass with a restart in it."""
    bench.wait(900)
    bench.behind.restart()
    bench.wait(900)


@case(126)
def test_an_entry_works_on_over_a_restart(bench: Bench) -> None:
    order = bench.placed()
    before = bench.report(order.client_id)
    sleep(bench)
    after = bench.report(order.client_id)
    assert (after.state, after.filled, after.broker_id) == (before.state, 0, before.broker_id)
    assert bench.working() == {order.client_id}
    bench.fill(order.client_id)
    assert bench.standing(order.client_id) == (State.FILLED, 10)


@case(127)
def test_a_part_that_is_filled_stays_so_over_a_restart(bench: Bench) -> None:
    order = bench.partly_filled()
    sleep(bench)
    assert bench.standing(order.client_id) == (State.WORKING, 4)
    bench.fill(order.client_id)
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert sum(row.quantity for row in bench.counted()) == 10


@case(128)
def test_exits_work_on_over_a_restart(bench: Bench) -> None:
    order = bench.filled()
    sleep(bench)
    assert bench.report(order.client_id).exits_working
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert not bench.report(order.client_id).exits_working
    assert bench.held() == 0


@case(129)
def test_a_cancel_stays_pending_over_a_restart(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.delay_cancels()
    bench.broker.cancel(order.client_id, exits=True)
    sleep(bench)
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    bench.behind.let_cancels_through()
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)


@case(130)
def test_a_closing_waits_on_over_a_restart(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.broker.close(closing)
    sleep(bench)
    assert bench.broker.close(closing).client_id == closing.client_id
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.behind.orders_made(closing.client_id) == 1


@case(131, "closes_beside_exits")
def test_a_closing_beside_its_exits_outlives_a_restart(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.broker.close(closing)
    sleep(bench)
    assert bench.behind.stops(SYMBOL) == 10
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.behind.stops(SYMBOL) == 0


@case(132)
def test_a_protection_works_on_over_a_restart(bench: Bench) -> None:
    order, protection = bench.filled(), bench.protection()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.broker.protect(protection)
    sleep(bench)
    assert bench.report(protection.client_id).exits_working
    bench.broker.protect(protection)
    bench.wait()
    assert bench.behind.stops(SYMBOL) == 10


@case(133)
def test_what_has_ended_is_never_called_unknown_after_a_restart(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    sleep(bench)
    answer = bench.broker.order(order.client_id)
    assert answer is Missing.TOO_LONG_AGO or (isinstance(answer, Report) and answer.state is State.FILLED)


@case(134)
def test_executions_outlive_a_restart_as_far_as_it_says(bench: Bench) -> None:
    bench.filled()
    before = bench.counted()
    sleep(bench)
    assert bench.counted() == before


@case(135)
def test_what_filled_during_a_restart_is_told_afterwards(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.restart()
    bench.behind.fill(order.client_id, Leg.ENTRY, PRICE)
    sleep(bench)
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert bench.only().client_id == order.client_id


@case(136)
def test_a_known_id_is_not_placed_again_after_a_restart(bench: Bench) -> None:
    order = bench.placed()
    sleep(bench)
    bench.broker.place(order)
    bench.wait()
    assert bench.behind.orders_made(order.client_id) == 1
    assert len(bench.broker.orders()) == 1


@case(137)
def test_orders_after_a_restart_have_numbers_of_their_own(bench: Bench) -> None:
    first = bench.filled()
    sleep(bench)
    second = bench.filled(quantity=5)
    numbers = [bench.report(order.client_id).broker_id for order in (first, second)]
    assert len(set(numbers)) == 2
    assert len({row.execution_id for row in bench.counted()}) == 2
    assert bench.held() == 15


@case(138)
def test_an_answer_lost_before_a_restart_is_found_after_it(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.lose_answer("place")
    with pytest.raises(AnswerLost):
        bench.broker.place(order)
    sleep(bench)
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    assert bench.behind.orders_made(order.client_id) == 1


@case(139)
def test_what_it_has_forgotten_was_too_long_ago(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    bench.wait(2 * 86_400)
    bench.behind.forget()
    assert bench.broker.order(order.client_id) is Missing.TOO_LONG_AGO


@case(140)
def test_what_works_and_is_held_is_never_forgotten(bench: Bench) -> None:
    order = bench.filled()
    bench.wait(2 * 86_400)
    bench.behind.forget()
    assert bench.held() == 10
    assert bench.report(order.client_id).exits_working
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert bench.held() == 0


@case(141)
def test_an_id_that_was_forgotten_makes_no_second_order(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    bench.wait(2 * 86_400)
    bench.behind.forget()
    with pytest.raises(OrderRefused):
        bench.broker.place(order)
    assert bench.working() == set()
