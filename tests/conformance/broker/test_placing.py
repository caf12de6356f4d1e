"""Entries before anything fills."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from approvals.brokers.base import Instrument, Leg, LegState, Missing, OrderRefused, Side, State
from approvals.execution import fitting
from tests.conformance.broker.bench import STOP, TARGET, Bench
from tests.conformance.broker.counterpart import PRICE, SYMBOL
from tests.conformance.broker.table import case


@case(13)
def test_an_entry_works_until_it_fills(bench: Bench) -> None:
    order = bench.entry()
    report = bench.broker.place(order)
    assert (report.client_id, report.symbol, report.side) == (order.client_id, SYMBOL, Side.BUY)
    assert (report.state, report.quantity, report.filled) == (State.WORKING, 10, 0)
    assert report.broker_id
    bench.wait()
    assert bench.standing(order.client_id) == (State.WORKING, 0)
    assert bench.working() == {order.client_id}


@case(14)
def test_a_known_id_is_never_placed_twice(bench: Bench) -> None:
    order = bench.placed()
    again = bench.broker.place(order)
    assert (again.client_id, again.state) == (order.client_id, State.WORKING)
    assert bench.behind.orders_made(order.client_id) == 1
    assert len(bench.broker.orders()) == 1


@case(15)
def test_a_known_id_that_was_filled_answers_as_filled(bench: Bench) -> None:
    order = bench.filled()
    assert bench.broker.place(order).state is State.FILLED
    assert bench.behind.orders_made(order.client_id) == 1


@case(16)
def test_a_known_id_that_was_cancelled_answers_as_cancelled(bench: Bench) -> None:
    order = bench.placed()
    bench.broker.cancel(order.client_id, exits=True)
    bench.wait()
    assert bench.broker.place(order).state is State.CANCELLED
    assert bench.behind.orders_made(order.client_id) == 1


@case(17)
def test_an_order_that_never_arrived_was_never_received(bench: Bench) -> None:
    assert bench.broker.order(uuid4()) is Missing.NEVER_RECEIVED


@case(18)
def test_each_leg_is_reported_with_its_level(bench: Bench) -> None:
    order = bench.placed()
    levels = {row.leg: row.level for row in bench.report(order.client_id).legs}
    assert levels == {Leg.ENTRY: PRICE + 1, Leg.STOP: STOP, Leg.TARGET: TARGET}
    assert bench.leg(order.client_id, Leg.ENTRY).state is LegState.WORKING
    assert bench.leg(order.client_id, Leg.STOP).state is LegState.HELD


@case(19)
def test_an_entry_that_is_refused_says_why_and_does_not_exist(bench: Bench) -> None:
    order = bench.entry()
    bench.behind.refuse("place", "no shares to borrow")
    with pytest.raises(OrderRefused, match="borrow"):
        bench.broker.place(order)
    bench.wait()
    missing = bench.broker.order(order.client_id)
    assert isinstance(missing, Missing) or missing.state is State.REJECTED
    assert bench.working() == set()


@case(20)
def test_an_entry_that_is_rejected_later_says_why(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.reject(order.client_id, "risk check")
    bench.wait()
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.REJECTED, 0, False)
    assert "risk check" in report.reason


@case(21, "shorting")
def test_a_short_entry_sells_and_its_exits_buy(bench: Bench) -> None:
    order = bench.placed(Side.SELL)
    report = bench.report(order.client_id)
    assert (report.side, report.state) == (Side.SELL, State.WORKING)
    assert bench.leg(order.client_id, Leg.STOP).level == TARGET
    bench.fill(order.client_id)
    assert bench.only().side is Side.SELL


@case(22, "no shorting")
def test_a_short_entry_is_refused_where_nothing_is_sold_short(bench: Bench) -> None:
    with pytest.raises(OrderRefused, match=r"\w+ \w+"):
        bench.broker.place(bench.entry(Side.SELL))
    assert bench.working() == set()


@case(23)
def test_an_unknown_symbol_is_refused_in_words(bench: Bench) -> None:
    with pytest.raises(OrderRefused, match=r"\w+ \w+"):
        bench.broker.place(bench.entry(instrument=Instrument("ZZZZZ")))


@case(24)
def test_levels_on_the_wrong_side_are_refused_in_words(bench: Bench) -> None:
    with pytest.raises(OrderRefused, match=r"\w+ \w+"):
        bench.broker.place(bench.entry(stop_loss=PRICE + 5))
    assert bench.working() == set()


@case(25)
def test_two_entries_in_a_symbol_are_two_orders(bench: Bench) -> None:
    first, second = bench.placed(), bench.placed(quantity=5)
    bench.broker.cancel(first.client_id, exits=False)
    bench.wait()
    assert bench.standing(second.client_id) == (State.WORKING, 0)
    assert bench.working() == {second.client_id}


@case(26)
def test_an_entry_keeps_its_currency(bench: Bench) -> None:
    instrument = bench.behind.foreign_instrument()
    order = bench.placed(instrument=instrument)
    bench.fill(order.client_id)
    execution = bench.only()
    assert (execution.symbol, execution.instrument.currency) == (instrument.symbol, instrument.currency)


@case(27, "good_till_date")
def test_an_entry_that_is_not_filled_in_time_ends(bench: Bench) -> None:
    order = bench.placed(good_until=bench.now + timedelta(hours=1))
    bench.wait(2 * 3600)
    report = bench.report(order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.CANCELLED, 0, False)
    assert report.reason
    assert bench.working() == set()


@case(28)
def test_an_entry_that_expires_counts_as_cancelled(bench: Bench) -> None:
    order = bench.placed()
    bench.behind.expire(order.client_id)
    bench.wait()
    assert bench.standing(order.client_id) == (State.CANCELLED, 0)
    assert bench.leg(order.client_id, Leg.ENTRY).state in (LegState.EXPIRED, LegState.CANCELLED)


@case(29)
def test_what_it_reports_fits_the_tables(bench: Bench) -> None:
    """What does not fit goes into quarantine: it is not counted."""
    report = bench.report(bench.placed().client_id)
    assert fitting.report(report) == report


@case(30, "what_if")
def test_a_what_if_says_what_an_order_needs_and_places_nothing(bench: Bench) -> None:
    order = bench.entry()
    answer = bench.broker.whatif(order)
    assert answer is not None
    assert len(answer.currency) == 3
    assert isinstance(answer.initial_margin, Decimal)
    assert answer.initial_margin > 0
    assert bench.broker.order(order.client_id) is Missing.NEVER_RECEIVED
    assert bench.behind.orders_made(order.client_id) == 0


@case(31, "no what_if")
def test_without_a_what_if_nothing_is_said(bench: Bench) -> None:
    assert bench.broker.whatif(bench.entry()) is None
