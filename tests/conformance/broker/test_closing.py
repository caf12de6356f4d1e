"""Closings: after the exits, and beside them where the broker can."""

import pytest

from approvals.brokers.base import Leg, OrderRefused, Side, State
from tests.conformance.broker.bench import STOP, TARGET, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case


@case(60)
def test_a_closing_ends_the_position_once_its_exits_are_gone(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    report = bench.broker.close(closing)
    assert (report.client_id, report.side, report.quantity) == (closing.client_id, Side.SELL, 10)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.standing(closing.client_id) == (State.FILLED, 10)
    assert SYMBOL not in bench.broker.holdings()
    assert [execution.leg for execution in bench.executions()] == [Leg.ENTRY, Leg.CLOSE]


@case(61)
def test_a_known_closing_is_never_placed_twice(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    for _ in range(2):
        assert bench.broker.close(closing).client_id == closing.client_id
        bench.wait()
    assert bench.behind.orders_made(closing.client_id) == 1


@case(62, "closes_beside_exits")
def test_the_exits_stay_until_the_closing_has_filled(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.broker.close(closing)
    bench.wait()
    assert bench.report(order.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 10
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.standing(closing.client_id) == (State.FILLED, 10)
    assert not bench.report(order.client_id).exits_working
    assert bench.held() == 0
    assert bench.behind.stops(SYMBOL) == 0


@case(63, "closes_beside_exits")
def test_the_closing_of_a_part_leaves_the_rest_guarded(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order, quantity=4)
    bench.broker.close(closing)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 6
    assert bench.behind.stops(SYMBOL) == 6
    assert bench.report(order.client_id).exits_working


@case(64, "closes_beside_exits")
def test_a_closing_that_is_refused_leaves_the_exits(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.behind.refuse("close", "no market orders now")
    with pytest.raises(OrderRefused, match="market"):
        bench.broker.close(closing)
    bench.wait()
    assert bench.report(order.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 10


@case(65, "closes_beside_exits")
def test_a_closing_that_is_cancelled_leaves_the_exits(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.broker.close(closing)
    bench.wait()
    bench.broker.cancel(closing.client_id, exits=False)
    bench.wait()
    assert bench.standing(closing.client_id) == (State.CANCELLED, 0)
    assert bench.behind.stops(SYMBOL) == 10


@case(66, "closes_beside_exits")
def test_the_stop_that_comes_before_the_closing_takes_its_shares(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.broker.close(closing)
    bench.wait()
    bench.fill(order.client_id, Leg.STOP, STOP)
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.standing(closing.client_id) == (State.CANCELLED, 0)


@case(67, "closes_beside_exits")
def test_a_stop_that_fills_in_part_leaves_the_rest_to_the_closing(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order)
    bench.broker.close(closing)
    bench.wait()
    bench.fill(order.client_id, Leg.STOP, STOP, quantity=3)
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.report(closing.client_id).filled == 7


@case(68)
def test_a_closing_that_fills_in_part_goes_on(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.broker.close(closing)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE, quantity=4)
    assert bench.standing(closing.client_id) == (State.WORKING, 4)
    assert bench.held() == 6
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.standing(closing.client_id) == (State.FILLED, 10)
    assert bench.held() == 0


@case(69, "shorting")
def test_a_short_is_bought_back(bench: Bench) -> None:
    order, closing = bench.filled(Side.SELL), bench.closing(side=Side.BUY)
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.broker.close(closing)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.executions()[-1].side is Side.BUY


@case(70)
def test_a_closing_waits_in_a_halt_and_fills_once(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.behind.halt()
    bench.broker.close(closing)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.standing(closing.client_id) == (State.WORKING, 0)
    bench.behind.resume()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.standing(closing.client_id) == (State.FILLED, 10)
    assert bench.held() == 0


@case(71, "closes_beside_exits")
def test_a_closing_of_two_entries_takes_from_both(bench: Bench) -> None:
    first, second = bench.filled(), bench.filled(quantity=5)
    closing = bench.closing(first, second, quantity=15)
    bench.broker.close(closing)
    bench.wait()
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.behind.stops(SYMBOL) == 0


@case(72, "closes_beside_exits")
def test_the_target_that_comes_before_the_closing_takes_its_shares(bench: Bench) -> None:
    order = bench.filled()
    closing = bench.closing(order, quantity=4)
    bench.broker.close(closing)
    bench.wait()
    bench.fill(order.client_id, Leg.TARGET, TARGET)
    bench.fill(closing.client_id, Leg.CLOSE, PRICE)
    assert bench.held() == 0
