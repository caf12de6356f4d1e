"""Executions as brokers tell them: late, twice, corrected, their commission later; and charges."""

from datetime import timedelta
from decimal import Decimal

from approvals.brokers.base import Leg, Side
from approvals.execution import fitting
from tests.conformance.broker.bench import HOUR, STOP, Bench
from tests.conformance.broker.counterpart import PRICE
from tests.conformance.broker.table import case


@case(91)
def test_what_was_executed_before_is_left_out(bench: Bench) -> None:
    order = bench.filled()
    assert len(bench.executions()) == 1
    bench.wait(7200)
    since = bench.now
    bench.wait(60)
    bench.fill(order.client_id, Leg.STOP, STOP)
    assert [row.leg for row in bench.broker.executions(since)] == [Leg.STOP]


@case(92)
def test_what_was_executed_at_that_instant_is_told(bench: Bench) -> None:
    bench.filled()
    execution = bench.only()
    assert bench.broker.executions(execution.executed_at) == [execution]


@case(93)
def test_executions_are_told_oldest_first(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    rows = bench.broker.executions(bench.now - HOUR)
    assert [row.leg for row in rows] == [Leg.ENTRY, Leg.STOP]


@case(94)
def test_what_a_vendor_tells_twice_and_out_of_order_is_the_same(bench: Bench) -> None:
    order = bench.filled()
    bench.fill(order.client_id, Leg.STOP, STOP)
    before = {row.execution_id: row for row in bench.executions()}
    bench.behind.disorder()
    rows = bench.broker.executions(bench.now - HOUR)
    assert all(before[row.execution_id] == row for row in rows)
    assert {row.execution_id for row in rows} == set(before)


@case(95)
def test_a_commission_that_is_not_known_yet_is_not_zero(bench: Bench) -> None:
    bench.behind.hold_back_commissions()
    bench.filled()
    assert bench.only().commission is None


@case(96)
def test_a_commission_that_comes_later_is_told_with_its_execution(bench: Bench) -> None:
    bench.behind.hold_back_commissions()
    bench.filled()
    number = bench.only().execution_id
    bench.wait(3 * 3600)
    since = bench.now
    bench.behind.tell_commission(number, Decimal("1.25"), "USD")
    bench.wait()
    assert bench.only().commission == Decimal("1.25")
    assert [row.execution_id for row in bench.broker.executions(since - HOUR)] == [number]


@case(97)
def test_a_commission_in_another_currency_says_so(bench: Bench) -> None:
    bench.behind.hold_back_commissions()
    bench.filled()
    bench.behind.tell_commission(bench.only().execution_id, Decimal("0.90"), "EUR")
    bench.wait()
    execution = bench.only()
    assert (execution.commission, execution.commission_currency) == (Decimal("0.90"), "EUR")


@case(98)
def test_a_rebate_is_a_negative_commission(bench: Bench) -> None:
    bench.behind.hold_back_commissions()
    bench.filled()
    bench.behind.tell_commission(bench.only().execution_id, Decimal("-0.20"), "USD")
    bench.wait()
    assert bench.only().commission == Decimal("-0.20")


@case(99)
def test_a_corrected_price_replaces_the_execution(bench: Bench) -> None:
    bench.filled()
    old = bench.only()
    bench.wait(3 * 3600)
    since = bench.now
    bench.behind.correct(old.execution_id, 10, PRICE + 1)
    bench.wait()
    (new,) = bench.counted()
    assert (new.corrects, new.quantity, new.price) == (old.execution_id, 10, PRICE + 1)
    assert new.execution_id != old.execution_id
    assert new in bench.broker.executions(since - HOUR)


@case(100)
def test_a_corrected_quantity_is_counted_once(bench: Bench) -> None:
    order = bench.partly_filled()
    bench.behind.correct(bench.only().execution_id, 3, PRICE)
    bench.wait()
    assert [row.quantity for row in bench.counted()] == [3]
    assert bench.held() == 3
    assert bench.report(order.client_id).filled == 3


@case(101)
def test_a_correction_is_corrected_again(bench: Bench) -> None:
    bench.filled()
    first = bench.only().execution_id
    bench.behind.correct(first, 10, PRICE + 1)
    bench.wait()
    (second,) = bench.counted()
    bench.behind.correct(second.execution_id, 10, PRICE + 2)
    bench.wait()
    assert [row.price for row in bench.counted()] == [PRICE + 2]
    assert bench.held() == 10


@case(102)
def test_what_a_person_traded_names_no_order_of_ours(bench: Bench) -> None:
    bench.behind.trade_by_hand(Side.BUY, 7)
    bench.wait()
    execution = bench.only()
    assert (execution.client_id, execution.side, execution.quantity) == (None, Side.BUY, 7)
    assert bench.held() == 7


@case(103)
def test_what_was_executed_fits_the_tables(bench: Bench) -> None:
    bench.filled()
    rows = list(bench.broker.executions(bench.now - HOUR))
    assert list(map(fitting.execution, rows)) == rows


@case(104)
def test_a_fee_that_comes_later_is_a_charge(bench: Bench) -> None:
    since = bench.now
    assert bench.broker.charges(since) == []
    bench.wait(86_400)
    bench.behind.charge(Decimal("-0.03"), "TAF fee")
    bench.wait()
    (charge,) = bench.broker.charges(since)
    assert (charge.amount, charge.currency) == (Decimal("-0.03"), "USD")
    assert charge.charge_id
    assert charge.what
    assert charge.at.utcoffset() is not None


@case(105)
def test_a_charge_keeps_its_id_and_is_told_from_its_instant_on(bench: Bench) -> None:
    bench.behind.charge(Decimal("12.50"), "dividend")
    bench.wait()
    (charge,) = bench.broker.charges(bench.now - HOUR)
    bench.wait(2 * 86_400)
    bench.behind.restart()
    assert [row.charge_id for row in bench.broker.charges(charge.at)] == [charge.charge_id]
    assert bench.broker.charges(bench.now) == []


@case(106)
def test_a_clock_that_is_behind_hides_no_execution(bench: Bench) -> None:
    bench.behind.skew(timedelta(seconds=-90))
    bench.wait()
    bench.filled()
    assert len(bench.broker.executions(bench.now - HOUR)) == 1
    assert bench.only().executed_at <= bench.now


@case(107)
def test_a_clock_that_is_ahead_hides_no_execution(bench: Bench) -> None:
    bench.behind.skew(timedelta(seconds=90))
    bench.wait()
    bench.filled()
    assert len(bench.broker.executions(bench.now - HOUR)) == 1


@case(108)
def test_two_orders_of_one_symbol_keep_their_executions_apart(bench: Bench) -> None:
    first, second = bench.filled(), bench.filled(quantity=5)
    owners = {row.client_id: row.quantity for row in bench.executions()}
    assert owners == {first.client_id: 10, second.client_id: 5}
