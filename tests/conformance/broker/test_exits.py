"""Exits of what is held: put there, moved, taken away, one without the other."""

from uuid import uuid4

import pytest

from approvals.brokers.base import Leg, LegState, OrderRefused, Side
from tests.conformance.broker.bench import STOP, TARGET, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case


def bare(bench: Bench) -> None:
    """Hold 10 shares that nothing guards."""
    order = bench.filled()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()


@case(73)
def test_a_protection_guards_what_is_held(bench: Bench) -> None:
    bare(bench)
    order = bench.protection()
    report = bench.broker.protect(order)
    assert (report.client_id, report.side) == (order.client_id, Side.SELL)
    bench.wait()
    assert bench.report(order.client_id).exits_working
    assert bench.leg(order.client_id, Leg.STOP).level == STOP
    assert bench.leg(order.client_id, Leg.TARGET).level == TARGET
    assert bench.behind.stops(SYMBOL) == 10


@case(74)
def test_a_known_protection_is_never_placed_twice(bench: Bench) -> None:
    bare(bench)
    order = bench.protection()
    for _ in range(2):
        bench.broker.protect(order)
        bench.wait()
    assert bench.behind.stops(SYMBOL) == 10
    assert bench.behind.orders_made(order.client_id) == 1


@case(75)
def test_the_stop_of_a_protection_cancels_its_target(bench: Bench) -> None:
    bare(bench)
    order = bench.protection()
    bench.broker.protect(order)
    bench.wait()
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert bench.executions()[-1].leg is Leg.STOP
    assert bench.executions()[-1].client_id == order.client_id
    assert not bench.report(order.client_id).exits_working
    assert bench.held() == 0


@case(76)
def test_a_stop_alone_guards(bench: Bench) -> None:
    bare(bench)
    order = bench.protection(take_profit=None)
    bench.broker.protect(order)
    bench.wait()
    assert [row.leg for row in bench.report(order.client_id).legs] == [Leg.STOP]
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert bench.held() == 0


@case(77)
def test_a_target_alone_sells(bench: Bench) -> None:
    bare(bench)
    order = bench.protection(stop_loss=None)
    bench.broker.protect(order)
    bench.wait()
    assert bench.behind.stops(SYMBOL) == 0
    bench.fill(order.client_id, Leg.TARGET, TARGET)
    assert bench.held() == 0


@case(78)
def test_a_protection_takes_the_place_of_the_exits_before(bench: Bench) -> None:
    order = bench.filled()
    protection = bench.protection(stop_loss=STOP - 1, cancels=order.client_id)
    bench.broker.protect(protection)
    bench.wait()
    assert not bench.report(order.client_id).exits_working
    assert bench.report(protection.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 10


@case(79)
def test_a_protection_that_is_refused_leaves_the_exits_before(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.refuse("protect", "no such order type")
    with pytest.raises(OrderRefused, match="order type"):
        bench.broker.protect(bench.protection(cancels=order.client_id))
    bench.wait()
    assert bench.report(order.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 10


@case(80)
def test_a_protection_is_cancelled_as_any_order(bench: Bench) -> None:
    bare(bench)
    order = bench.protection()
    bench.broker.protect(order)
    bench.wait()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert not bench.report(order.client_id).exits_working
    assert bench.behind.stops(SYMBOL) == 0
    assert bench.held() == 10


@case(81, "replaces")
def test_a_stop_and_a_target_are_moved(bench: Bench) -> None:
    order = bench.filled()
    for leg, level in ((Leg.STOP, STOP + 2), (Leg.TARGET, TARGET - 2)):
        bench.broker.replace(order.client_id, leg, level=level, change_id=uuid4())
        bench.wait()
        assert bench.leg(order.client_id, leg).level == level
        assert bench.lives(order.client_id, leg)
    assert bench.behind.stops(SYMBOL) == 10


@case(82, "replaces")
def test_a_moved_stop_still_cancels_the_target(bench: Bench) -> None:
    order = bench.filled()
    bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=uuid4())
    bench.wait()
    bench.fill(order.client_id, Leg.STOP, STOP + 2)
    assert bench.held() == 0
    assert not bench.report(order.client_id).exits_working
    last = bench.executions()[-1]
    assert (last.client_id, last.leg) == (order.client_id, Leg.STOP)


@case(83, "replaces")
def test_a_known_change_is_made_once(bench: Bench) -> None:
    order, change_id = bench.filled(), uuid4()
    bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=change_id)
    bench.wait()
    bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 1, change_id=uuid4())
    bench.wait()
    bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=change_id)
    bench.wait()
    assert bench.leg(order.client_id, Leg.STOP).level == STOP + 1


@case(84, "replaces")
def test_an_entry_gets_another_limit(bench: Bench) -> None:
    order = bench.placed()
    bench.broker.replace(order.client_id, Leg.ENTRY, level=PRICE + 2, change_id=uuid4())
    bench.wait()
    assert bench.leg(order.client_id, Leg.ENTRY).level == PRICE + 2
    bench.fill(order.client_id)
    assert bench.held() == 10
    assert bench.behind.stops(SYMBOL) == 10


@case(85, "replaces")
def test_a_change_that_is_refused_leaves_the_leg_as_it_was(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.refuse("replace", "the price is off the tick")
    with pytest.raises(OrderRefused, match="tick"):
        bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=uuid4())
    bench.wait()
    assert bench.leg(order.client_id, Leg.STOP).level == STOP
    assert bench.behind.stops(SYMBOL) == 10


@case(86)
def test_a_change_of_an_unknown_order_is_refused(bench: Bench) -> None:
    with pytest.raises(OrderRefused, match=r"\w+ \w+"):
        bench.broker.replace(uuid4(), Leg.STOP, level=STOP, change_id=uuid4())


@case(87, "no replaces")
def test_a_change_is_refused_in_words_where_nothing_is_changed(bench: Bench) -> None:
    order = bench.filled()
    with pytest.raises(OrderRefused, match=r"\w+ \w+"):
        bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 1, change_id=uuid4())
    assert bench.leg(order.client_id, Leg.STOP).level == STOP


@case(88)
def test_a_stop_moved_by_hand_is_told(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.replace_by_hand(order.client_id, Leg.STOP, STOP - 3)
    bench.wait()
    assert bench.leg(order.client_id, Leg.STOP).level == STOP - 3
    assert bench.report(order.client_id).exits_working


@case(89)
def test_a_stop_alone_works_on_when_the_target_was_cancelled_by_hand(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.cancel_by_hand(order.client_id, Leg.TARGET)
    bench.wait()
    assert bench.leg(order.client_id, Leg.TARGET).state is LegState.CANCELLED
    if bench.lives(order.client_id, Leg.STOP):  # one cancels the other at some brokers
        assert bench.report(order.client_id).exits_working
        assert bench.behind.stops(SYMBOL) == 10
    else:
        assert not bench.report(order.client_id).exits_working


@case(90)
def test_a_target_alone_is_told_when_the_stop_was_cancelled_by_hand(bench: Bench) -> None:
    order = bench.filled()
    bench.behind.cancel_by_hand(order.client_id, Leg.STOP)
    bench.wait()
    assert bench.leg(order.client_id, Leg.STOP).state is LegState.CANCELLED
    assert bench.report(order.client_id).exits_working == bench.lives(order.client_id, Leg.TARGET)
    assert bench.behind.stops(SYMBOL) == 0
