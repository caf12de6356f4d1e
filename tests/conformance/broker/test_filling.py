"""Fills of entries and of the exits that they leave."""

from datetime import timedelta

from approvals.brokers.base import Leg, LegState, Side, State
from tests.conformance.broker.bench import HOUR, STOP, TARGET, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case


@case(32)
def test_what_was_filled_is_reported_executed_and_held(bench: Bench) -> None:
    order = bench.filled()
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    execution = bench.only()
    assert (execution.client_id, execution.leg, execution.side) == (order.client_id, Leg.ENTRY, Side.BUY)
    assert (execution.symbol, execution.quantity) == (SYMBOL, 10)
    assert abs(execution.price - PRICE) < 2
    assert bench.held() == 10


@case(33)
def test_the_exits_work_once_the_entry_is_filled(bench: Bench) -> None:
    order = bench.filled()
    assert bench.report(order.client_id).exits_working
    assert bench.leg(order.client_id, Leg.ENTRY).state is LegState.FILLED
    assert bench.lives(order.client_id, Leg.STOP)
    assert bench.lives(order.client_id, Leg.TARGET)
    assert bench.behind.stops(SYMBOL) == 10


@case(34)
def test_a_part_that_is_filled_is_counted_and_the_rest_works(bench: Bench) -> None:
    order = bench.partly_filled()
    assert bench.standing(order.client_id) == (State.WORKING, 4)
    assert bench.leg(order.client_id, Leg.ENTRY).filled == 4
    assert bench.only().quantity == 4
    assert bench.held() == 4


@case(35, "partial_brackets")
def test_a_part_that_is_filled_is_guarded(bench: Bench) -> None:
    order = bench.partly_filled()
    assert bench.report(order.client_id).exits_working
    assert bench.behind.stops(SYMBOL) >= 4


@case(36)
def test_two_parts_are_two_executions(bench: Bench) -> None:
    order = bench.partly_filled()
    bench.fill(order.client_id)
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert [execution.quantity for execution in bench.executions()] == [4, 6]
    assert bench.behind.stops(SYMBOL) == 10


@case(37)
def test_the_stop_ends_the_position_and_the_target_goes(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, False)
    last = bench.executions()[-1]
    assert (last.client_id, last.leg, last.side) == (order.client_id, Leg.STOP, Side.SELL)
    assert bench.leg(order.client_id, Leg.STOP).state is LegState.FILLED
    assert not bench.lives(order.client_id, Leg.TARGET)
    assert bench.held() == 0


@case(38)
def test_the_target_ends_the_position_and_the_stop_goes(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.TARGET, TARGET)
    assert not bench.report(order.client_id).exits_working
    assert bench.executions()[-1].leg is Leg.TARGET
    assert not bench.lives(order.client_id, Leg.STOP)
    assert bench.behind.stops(SYMBOL) == 0
    assert bench.held() == 0


@case(39)
def test_an_exit_that_fills_in_part_leaves_the_rest_guarded(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.TARGET, TARGET, quantity=4)
    assert bench.report(order.client_id).exits_working
    assert bench.held() == 6
    assert bench.behind.stops(SYMBOL) == 6


@case(40)
def test_an_exit_that_filled_in_part_never_sells_more_than_is_held(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.TARGET, TARGET, quantity=4)
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert bench.held() == 0
    assert not bench.report(order.client_id).exits_working


@case(41, "time_of_day_exits")
def test_what_is_held_at_the_time_of_day_is_sold(bench: Bench) -> None:
    order = bench.filled(flat_at=bench.now + HOUR)
    bench.wait(HOUR.total_seconds())
    bench.behind.fill(order.client_id, Leg.FLAT, PRICE)
    bench.wait(2 * 86_400)
    assert bench.executions()[-1].leg is Leg.FLAT
    assert bench.held() == 0
    assert not bench.report(order.client_id).exits_working


@case(42)
def test_a_fill_that_comes_after_the_cancel_is_executed_and_held(bench: Bench) -> None:
    order = bench.placed()
    bench.broker.cancel(order.client_id, exits=False)
    bench.wait()
    bench.behind.fill_late(order.client_id, 4, PRICE)
    bench.wait()
    assert bench.only().quantity == 4
    assert bench.report(order.client_id).filled == 4
    assert bench.held() == 4


@case(43)
def test_an_execution_has_an_instant_that_makes_sense(bench: Bench) -> None:
    placed_at = bench.now
    bench.filled()
    executed_at = bench.only().executed_at
    assert executed_at.utcoffset() is not None
    assert placed_at - timedelta(seconds=1) <= executed_at <= bench.now


@case(44)
def test_an_execution_keeps_its_id(bench: Bench) -> None:
    bench.filled()
    first = bench.only().execution_id
    bench.wait(60)
    bench.behind.restart()
    assert bench.only().execution_id == first


@case(45)
def test_two_positions_of_one_symbol_have_exits_of_their_own(bench: Bench) -> None:
    first, second = bench.filled(), bench.filled(quantity=5, stop_loss=STOP - 10)
    bench.fill(first.client_id, Leg.STOP, STOP)
    assert not bench.report(first.client_id).exits_working
    assert bench.report(second.client_id).exits_working
    assert bench.held() == 5
    assert bench.behind.stops(SYMBOL) == 5


@case(46, "shorting")
def test_the_stop_of_a_short_buys_back(bench: Bench) -> None:
    order = bench.filled(Side.SELL)
    bench.fill(order.client_id, Leg.STOP, TARGET)
    assert bench.executions()[-1].side is Side.BUY
    assert bench.held() == 0


@case(47)
def test_nothing_fills_in_a_halt_and_orders_stay(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.halt()
    bench.fill(order.client_id)
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    bench.behind.resume()
    bench.fill(order.client_id)
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert bench.held() == 10
