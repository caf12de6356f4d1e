"""Away, lost on the way there, lost on the way back, no answer at all; and what is not ours."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from approvals.brokers.base import AnswerLost, Broker, BrokerAway, Leg, Missing, Side, State
from tests.conformance.broker.bench import STOP, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case

READS: dict[str, Callable[[Broker], object]] = {
    "order": lambda broker: broker.order(uuid4()),
    "orders": lambda broker: broker.orders(),
    "executions": lambda broker: broker.executions(Bench.now),
    "holdings": lambda broker: broker.holdings(),
    "account": lambda broker: broker.account(),
}


@case(109)
def test_a_broker_that_is_away_says_so_whatever_it_is_asked(bench: Bench) -> None:
    order = bench.filled()
    calls: list[Callable[[Broker], object]] = [
        lambda broker: broker.place(bench.entry()),
        lambda broker: broker.close(bench.closing()),
        lambda broker: broker.protect(bench.protection()),
        lambda broker: broker.cancel(order.client_id, exits=True),
        *READS.values(),
    ]
    with bench.behind.is_away():
        for call in calls:
            with pytest.raises(BrokerAway):
                call(bench.broker)


@case(110)
def test_nothing_was_placed_while_it_was_away(bench: Bench) -> None:
    order = bench.entry()
    with bench.behind.is_away(), pytest.raises(BrokerAway):
        bench.broker.place(order)
    bench.wait()
    assert bench.broker.order(order.client_id) is Missing.NEVER_RECEIVED
    assert bench.behind.orders_made(order.client_id) == 0


@case(111)
def test_what_is_placed_after_it_was_away_works(bench: Bench) -> None:
    first = bench.filled()
    with bench.behind.is_away():
        bench.wait(600)
    bench.wait()
    second = bench.placed(quantity=5)
    assert bench.standing(second.client_id) == (State.WORKING, 0)
    assert bench.report(first.client_id).exits_working


@case(112)
def test_what_filled_while_it_was_away_is_told_afterwards(bench: Bench) -> None:
    order = bench.placed()
    with bench.behind.is_away():
        bench.behind.fill(order.client_id, Leg.ENTRY, PRICE)
        bench.wait(600)
    bench.wait()
    assert bench.standing(order.client_id) == (State.FILLED, 10)
    assert bench.only().quantity == 10


@case(113)
def test_an_entry_whose_answer_was_lost_is_found_by_its_id(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.lose_answer("place")
    with pytest.raises(AnswerLost):
        bench.broker.place(order)
    bench.wait()
    assert bench.standing(order.client_id) == (State.WORKING, 0)


@case(114)
def test_an_entry_placed_again_after_a_lost_answer_is_one_order(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.lose_answer("place")
    with pytest.raises(AnswerLost):
        bench.broker.place(order)
    bench.wait()
    assert bench.broker.place(order).client_id == order.client_id
    assert bench.behind.orders_made(order.client_id) == 1
    assert len(bench.broker.orders()) == 1


@case(115)
def test_an_entry_lost_on_its_way_there_was_never_received(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.lose_request("place")
    with pytest.raises(AnswerLost):
        bench.broker.place(order)
    bench.wait()
    assert bench.broker.order(order.client_id) is Missing.NEVER_RECEIVED
    assert bench.broker.place(order).state is State.WORKING
    assert bench.behind.orders_made(order.client_id) == 1


@case(116)
def test_a_closing_whose_answer_was_lost_is_found_and_is_one(bench: Bench) -> None:
    order, closing = bench.filled(), bench.closing()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.behind.lose_answer("close")
    with pytest.raises(AnswerLost):
        bench.broker.close(closing)
    bench.wait()
    assert bench.broker.close(closing).client_id == closing.client_id
    bench.fill(closing.client_id, Leg.CLOSE)
    assert bench.held() == 0
    assert bench.behind.orders_made(closing.client_id) == 1


@case(117)
def test_a_cancel_whose_answer_was_lost_has_cancelled(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.lose_answer("cancel")
    with pytest.raises(AnswerLost):
        bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)


@case(118)
def test_a_cancel_lost_on_its_way_there_has_not(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.lose_request("cancel")
    with pytest.raises(AnswerLost):
        bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)


@case(119)
def test_a_protection_whose_answer_was_lost_is_one(bench: Bench) -> None:
    order, protection = bench.filled(), bench.protection()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    bench.behind.lose_answer("protect")
    with pytest.raises(AnswerLost):
        bench.broker.protect(protection)
    bench.wait()
    bench.broker.protect(protection)
    bench.wait()
    assert bench.behind.stops(SYMBOL) == 10


@case(120, "replaces")
def test_a_change_whose_answer_was_lost_is_made_once(bench: Bench) -> None:
    order, change_id = bench.filled(), uuid4()
    bench.behind.lose_answer("replace")
    with pytest.raises(AnswerLost):
        bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=change_id)
    bench.wait()
    bench.broker.replace(order.client_id, Leg.STOP, level=STOP + 2, change_id=change_id)
    bench.wait()
    assert bench.leg(order.client_id, Leg.STOP).level == STOP + 2
    assert bench.behind.stops(SYMBOL) == 10


@case(121)
def test_an_answer_that_is_none_counts_as_lost(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.garble("place")
    with pytest.raises(AnswerLost):
        bench.broker.place(order)
    bench.wait()
    assert bench.standing(order.client_id) == (State.WORKING, 0)


@case(122)
def test_a_read_whose_answer_is_none_counts_as_lost(bench: Bench) -> None:
    bench.placed()
    for call, read in READS.items():
        bench.behind.garble(call)
        with pytest.raises((AnswerLost, BrokerAway)):
            read(bench.broker)
        read(bench.broker)


@case(123)
def test_an_order_of_another_person_is_told_without_an_id_of_ours(bench: Bench) -> None:
    ours = bench.placed()
    bench.behind.order_by_hand(Side.BUY, 3, PRICE - 20)
    bench.wait()
    assert bench.working() == {ours.client_id, None}
    (foreign,) = [report for report in bench.broker.orders() if report.client_id is None]
    assert (foreign.symbol, foreign.side, foreign.quantity) == (SYMBOL, Side.BUY, 3)


@case(124)
def test_an_order_of_another_person_outlives_a_cancel_of_ours(bench: Bench) -> None:
    ours = bench.placed()
    bench.behind.order_by_hand(Side.BUY, 3, PRICE - 20)
    bench.wait()
    bench.broker.cancel(ours.client_id, exits=True)
    bench.wait()
    assert bench.working() == {None}


@case(125)
def test_a_position_sold_by_hand_is_held_no_more(bench: Bench) -> None:
    bench.filled()
    bench.behind.trade_by_hand(Side.SELL, 10)
    bench.wait()
    assert bench.held() == 0
    assert bench.executions()[-1].client_id is None
