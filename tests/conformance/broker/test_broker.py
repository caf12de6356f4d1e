"""What execution counts on from every broker. See docs/extending/broker.md."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from approvals.brokers.base import (
    AnswerLost,
    Bracket,
    Broker,
    BrokerAway,
    BrokerSpec,
    Close,
    Instrument,
    Leg,
    Missing,
    OrderRefused,
    Report,
    Side,
    State,
)
from approvals.execution import fitting
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart
from tests.make import T0

SECOND = timedelta(seconds=1)


def entry() -> Bracket:
    levels = (PRICE, PRICE - 5, PRICE + 10)
    return Bracket(uuid4(), Instrument(SYMBOL), Side.BUY, 10, *levels, good_until=T0 + timedelta(hours=3))


@pytest.fixture
def bought(at: Callable[[int], Broker], behind: Counterpart) -> Bracket:
    """An entry that was filled."""
    order = entry()
    at(0).place(order)
    behind.fill(order.client_id, T0 + 10 * SECOND)
    return order


def test_the_spec_names_it(spec: BrokerSpec, at: Callable[[int], Broker]) -> None:
    broker = at(0)
    assert (spec.name, spec.is_paper) == (broker.name, broker.is_paper)
    assert 0 < len(broker.name) <= 20
    assert spec.title


def test_an_entry_works_until_it_fills(at: Callable[[int], Broker]) -> None:
    order = entry()
    report = at(0).place(order)
    assert (report.client_id, report.symbol, report.side) == (order.client_id, SYMBOL, Side.BUY)
    assert (report.state, report.quantity, report.filled) == (State.WORKING, 10, 0)
    assert report.broker_id
    assert at(1).order(order.client_id) == report
    assert at(1).orders() == [report]


def test_an_id_that_is_known_is_never_placed_twice(at: Callable[[int], Broker]) -> None:
    order = entry()
    first = at(0).place(order)
    assert at(1).place(order) == first
    assert len(at(2).orders()) == 1


def test_an_order_that_never_arrived_is_not_there(at: Callable[[int], Broker]) -> None:
    assert at(0).order(uuid4()) is Missing.NEVER_RECEIVED


def test_what_was_filled_is_reported_executed_and_held(at: Callable[[int], Broker], bought: Bracket) -> None:
    report = at(20).order(bought.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, True)
    (execution,) = at(20).executions(T0 - timedelta(hours=1))
    assert (execution.client_id, execution.leg, execution.side) == (bought.client_id, Leg.ENTRY, Side.BUY)
    assert (execution.symbol, execution.quantity) == (SYMBOL, 10)
    assert execution.price > 0
    assert execution.commission is None or isinstance(execution.commission, Decimal)
    assert execution.executed_at.tzinfo is not None
    assert at(20).holdings()[SYMBOL].quantity == 10


def test_what_it_reports_fits_the_tables_as_it_is(at: Callable[[int], Broker], bought: Bracket) -> None:
    """What does not fit goes into quarantine: it is not counted."""
    broker = at(20)
    report = broker.order(bought.client_id)
    assert fitting.report(report) == report
    assert list(map(fitting.execution, broker.executions(T0))) == broker.executions(T0)
    assert fitting.holding(broker.holdings()[SYMBOL]) == broker.holdings()[SYMBOL]
    assert fitting.account(broker.account()) == broker.account()


def test_an_execution_keeps_its_id(at: Callable[[int], Broker], bought: Bracket) -> None:
    first, second = (at(seconds).executions(T0 - timedelta(hours=1)) for seconds in (20, 21))
    assert [execution.execution_id for execution in first] == [execution.execution_id for execution in second]


def test_a_cancelled_entry_works_no_more_and_twice_is_no_error(at: Callable[[int], Broker]) -> None:
    order = entry()
    at(0).place(order)
    for seconds in (1, 2):
        assert at(seconds).cancel(order.client_id, exits=False).state is State.CANCELLED
    assert at(3).orders() == []


def test_cancelling_what_was_never_received_is_refused(at: Callable[[int], Broker]) -> None:
    with pytest.raises(OrderRefused):
        at(0).cancel(uuid4(), exits=False)


def test_a_filled_entry_keeps_its_exits_unless_they_are_cancelled_too(
    at: Callable[[int], Broker], bought: Bracket
) -> None:
    assert at(20).cancel(bought.client_id, exits=False).exits_working
    report = at(21).cancel(bought.client_id, exits=True)
    assert (report.state, report.exits_working) == (State.FILLED, False)


def test_a_closing_ends_the_position(
    at: Callable[[int], Broker], bought: Bracket, behind: Counterpart
) -> None:
    closing = Close(uuid4(), Instrument(SYMBOL), Side.SELL, 10)
    at(20).cancel(bought.client_id, exits=True)
    at(21).close(closing)
    assert at(21).close(closing).client_id == closing.client_id
    behind.fill(closing.client_id, T0 + 30 * SECOND)
    report = at(40).order(closing.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.filled) == (State.FILLED, 10)
    assert SYMBOL not in at(40).holdings()
    legs = [execution.leg for execution in at(40).executions(T0 - timedelta(hours=1))]
    assert legs == [Leg.ENTRY, Leg.CLOSE]


def test_the_account_has_a_currency_and_money(at: Callable[[int], Broker]) -> None:
    account = at(0).account()
    assert len(account.currency) == 3
    assert all(isinstance(sum_, Decimal) for sum_ in (account.equity, account.cash, account.buying_power))
    assert account.equity > 0


def test_a_broker_that_is_away_says_so(at: Callable[[int], Broker], behind: Counterpart) -> None:
    try:
        away = behind.is_away()
    except NotImplementedError:
        pytest.skip("it cannot be away")
    with away:
        for ask in CALLS:
            with pytest.raises(BrokerAway):
                ask(at(0))


CALLS: list[Callable[[Broker], object]] = [
    lambda broker: broker.place(entry()),
    lambda broker: broker.order(uuid4()),
    lambda broker: broker.orders(),
    lambda broker: broker.executions(T0),
    lambda broker: broker.holdings(),
    lambda broker: broker.account(),
]


def test_an_order_whose_answer_was_lost_is_found_by_its_id(
    at: Callable[[int], Broker], behind: Counterpart
) -> None:
    try:
        behind.lose_next_answer()
    except NotImplementedError:
        pytest.skip("its answers cannot be lost")
    order = entry()
    with pytest.raises(AnswerLost):
        at(0).place(order)
    report = at(1).order(order.client_id)
    assert isinstance(report, Report)
    assert report.state is State.WORKING
