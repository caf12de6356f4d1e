"""Alpaca's adapter against the loopback Alpaca: orders, exits, closings, and answers that are lost."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from approvals.brokers import alpaca
from approvals.brokers.alpaca.book import Book
from approvals.brokers.alpaca.broker import Alpaca
from approvals.brokers.alpaca.wire import Api
from approvals.brokers.base import (
    AnswerLost,
    Bracket,
    Broker,
    BrokerAway,
    Close,
    Instrument,
    Leg,
    LegState,
    Missing,
    OrderRefused,
    Protection,
    Report,
    Side,
    State,
)
from core.http import Patience
from tests.make import T0
from tests.vendors import AlpacaTrading, faults

AAPL, NEVER_DUE = Instrument("AAPL"), T0 + timedelta(days=3)
LONG_AGO = T0 - timedelta(days=30)


either = pytest.mark.parametrize("shown", [True, False], ids=["replaced legs shown", "left out"])
HASTY = Patience(connect=1, read=3, answer=5, fetch=8, attempts=1)


@pytest.fixture
def vendor() -> Iterator[AlpacaTrading]:
    with AlpacaTrading(now=T0) as vendor:
        yield vendor


@pytest.fixture
def broker(vendor: AlpacaTrading) -> Broker:
    return alpaca.SPEC.build(vendor.settings, T0)


def hasty(vendor: AlpacaTrading, sleep: Callable[[float], None] = time.sleep) -> Broker:
    """The broker without patience."""
    api = Api(vendor.url, key=vendor.key, secret=vendor.secret, patience=HASTY, sleep=sleep)
    return Alpaca(api, Book(api, {}), T0, is_paper=True)


def entry(quantity: int = 10) -> Bracket:
    levels = (Decimal(100), Decimal(95), Decimal(110))
    return Bracket(uuid4(), AAPL, Side.BUY, quantity, *levels, good_until=NEVER_DUE)


@pytest.fixture
def bought(broker: Broker, vendor: AlpacaTrading) -> Bracket:
    order = entry()
    broker.place(order)
    vendor.fill(order.client_id)
    return order


def closing(order: Bracket, quantity: int = 10) -> Close:
    return Close(uuid4(), AAPL, Side.SELL, quantity, guards=(order.client_id,))


def stands(broker: Broker, client_id: UUID) -> Report:
    report = broker.order(client_id)
    assert isinstance(report, Report)
    return report


def legs(report: Report) -> dict[Leg, LegState]:
    return {leg.leg: leg.state for leg in report.legs}


def test_an_entry_is_good_till_cancelled_and_its_exits_wait(broker: Broker, vendor: AlpacaTrading) -> None:
    order = entry()
    report = broker.place(order)
    assert (report.client_id, report.state, report.exits_working) == (order.client_id, State.WORKING, True)
    assert legs(report) == {Leg.ENTRY: LegState.WORKING, Leg.STOP: LegState.HELD, Leg.TARGET: LegState.HELD}
    sent = vendor.visits_to("/v2/orders")[0].content
    assert (sent["time_in_force"], sent["order_class"], sent["limit_price"]) == ("gtc", "bracket", "100")


def test_exits_work_once_the_entry_has_filled_though_the_stop_is_held(
    broker: Broker, bought: Bracket
) -> None:
    report = stands(broker, bought.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, True)
    assert legs(report) == {
        Leg.ENTRY: LegState.FILLED,
        Leg.STOP: LegState.WORKING,
        Leg.TARGET: LegState.WORKING,
    }
    assert broker.orders() == [report]
    assert {leg.leg: leg.level for leg in report.legs}[Leg.STOP] == Decimal(95)


def test_executions_name_order_and_leg(broker: Broker, vendor: AlpacaTrading, bought: Bracket) -> None:
    vendor.fill(bought.client_id, 4, leg="stop")
    vendor.fill(bought.client_id, leg="stop")
    done = broker.executions(LONG_AGO)
    assert [(row.client_id, row.leg, row.side, row.quantity) for row in done] == [
        (bought.client_id, Leg.ENTRY, Side.BUY, 10),
        (bought.client_id, Leg.STOP, Side.SELL, 4),
        (bought.client_id, Leg.STOP, Side.SELL, 6),
    ]
    assert {row.commission for row in done} == {Decimal(0)}
    report = stands(broker, bought.client_id)
    assert (report.exits_working, legs(report)[Leg.STOP]) == (False, LegState.FILLED)


def test_an_execution_of_an_order_that_no_process_has_seen_is_ours(
    vendor: AlpacaTrading, broker: Broker, bought: Bracket
) -> None:
    """Legs have ids of Alpaca's own: the order is found by the moment it was placed."""
    broker.replace(bought.client_id, Leg.TARGET, level=Decimal(108), change_id=uuid4())
    vendor.fill(bought.client_id, leg="target")
    alpaca.forget_owners()
    last = broker.executions(LONG_AGO)[-1]
    assert (last.client_id, last.leg) == (bought.client_id, Leg.TARGET)


@either
def test_orders_by_hand_are_foreign_and_replaced_by_hand_stay_ours(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket, shown: bool
) -> None:
    vendor.shows_replaced = shown
    stop = vendor.order(bought.client_id, "stop")
    vendor.account.replace(stop.id, {"stop_price": "97"})
    vendor.trade_by_hand("MSFT", 3, 400)
    report = stands(broker, bought.client_id)
    assert {leg.leg: leg.level for leg in report.legs}[Leg.STOP] == Decimal(97)
    vendor.fill(bought.client_id, leg="stop")
    alpaca.forget_owners()
    done = {row.symbol: (row.client_id, row.leg) for row in broker.executions(LONG_AGO)}
    assert done == {"AAPL": (bought.client_id, Leg.STOP), "MSFT": (None, Leg.ENTRY)}


@either
def test_a_leg_is_moved_once_for_each_change(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket, shown: bool
) -> None:
    vendor.shows_replaced = shown
    change = uuid4()
    for _ in range(2):
        report = broker.replace(bought.client_id, Leg.STOP, level=Decimal("97.5"), change_id=change)
        assert {leg.leg: leg.level for leg in report.legs}[Leg.STOP] == Decimal("97.5")
    assert len([visit for visit in vendor.visits if visit.method == "PATCH"]) == 1
    assert broker.replace(bought.client_id, Leg.STOP, level=Decimal("97.5"), change_id=uuid4()) == report


def test_shares_of_an_exit_are_not_changed(broker: Broker, bought: Bracket) -> None:
    with pytest.raises(OrderRefused, match="cancel the exits"):
        broker.replace(bought.client_id, Leg.STOP, quantity=4, change_id=uuid4())


@either
def test_a_closing_beside_exits_takes_the_target_and_keeps_the_stop(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket, shown: bool
) -> None:
    vendor.shows_replaced = shown
    order = closing(bought)
    report = broker.close(order)
    assert (report.client_id, report.state, report.quantity) == (order.client_id, State.WORKING, 10)
    assert vendor.order(order.client_id).limit_price == Decimal("95.01")
    assert stands(broker, bought.client_id).exits_working
    vendor.fill(order.client_id, price=101)
    assert stands(broker, order.client_id).state is State.FILLED
    assert not stands(broker, bought.client_id).exits_working
    last = broker.executions(LONG_AGO)[-1]
    assert (last.client_id, last.leg, last.price) == (order.client_id, Leg.CLOSE, Decimal(101))
    assert broker.close(order).state is State.FILLED


@either
def test_a_closing_is_whole_whatever_guards_it(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket, shown: bool
) -> None:
    """Two entries' exits and three shares without any: three orders, one closing."""
    vendor.shows_replaced = shown
    second = entry(5)
    broker.place(second)
    vendor.fill(second.client_id)
    vendor.trade_by_hand("AAPL", 3, 100)
    order = Close(uuid4(), AAPL, Side.SELL, 18, guards=(bought.client_id, second.client_id))
    report = broker.close(order)
    assert (report.quantity, report.filled, report.state) == (18, 0, State.WORKING)
    for part in list(vendor.account.orders.values()):
        if part.is_alive and str(order.client_id) in part.client_order_id:
            vendor.fill(part.client_order_id, price=101)
    report = stands(broker, order.client_id)
    assert (report.filled, report.state) == (18, State.FILLED)
    assert broker.holdings() == {}
    assert {row.client_id for row in broker.executions(LONG_AGO)[3:]} == {order.client_id}


def test_a_part_is_closed_and_the_rest_is_guarded_by_exits_of_the_same_order(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    order = closing(bought, 4)
    broker.close(order)
    report = stands(broker, bought.client_id)
    assert report.exits_working
    assert {leg.leg: (leg.quantity, leg.level) for leg in report.legs[1:]} == {
        Leg.STOP: (6, Decimal(95)),
        Leg.TARGET: (6, Decimal(110)),
    }
    working = {row.client_id: row for row in broker.orders()}
    assert working == {order.client_id: stands(broker, order.client_id), bought.client_id: report}
    vendor.fill(order.client_id, price=101)
    rest = next(row for row in vendor.account.orders.values() if "rest1" in row.client_order_id)
    vendor.fill(rest.client_order_id, leg="stop")
    alpaca.forget_owners()
    last = broker.executions(LONG_AGO)[-1]
    assert (last.client_id, last.leg, last.quantity) == (bought.client_id, Leg.STOP, 6)
    assert not stands(broker, bought.client_id).exits_working


def test_exits_that_others_were_to_replace_come_back_when_those_are_refused(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    moved = Protection(uuid4(), AAPL, Side.SELL, 11, Decimal(96), Decimal(109), cancels=bought.client_id)
    with pytest.raises(OrderRefused, match="insufficient qty"):
        broker.protect(moved)
    assert stands(broker, bought.client_id).exits_working
    moved = replace(moved, client_id=uuid4(), quantity=10)
    assert broker.protect(moved).exits_working
    assert not stands(broker, bought.client_id).exits_working


def test_a_closing_that_is_cancelled_is_a_target_again(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    order = closing(bought)
    broker.close(order)
    for _ in range(2):
        assert broker.cancel(order.client_id, exits=False).state is State.CANCELLED
    report = stands(broker, bought.client_id)
    assert {leg.leg: leg.level for leg in report.legs}[Leg.TARGET] == Decimal(110)
    assert legs(report)[Leg.STOP] is LegState.WORKING


def test_a_closing_waits_while_its_exits_are_not_at_the_exchange(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    vendor.order(bought.client_id, "target").status = "accepted"
    order = closing(bought)
    with pytest.raises(BrokerAway, match="not sent the order to the exchange yet"):
        broker.close(order)
    assert broker.order(order.client_id) is Missing.NEVER_RECEIVED
    vendor.order(bought.client_id, "target").status = "new"
    assert broker.close(order).state is State.WORKING


def test_a_closing_that_is_refused_leaves_the_exits(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    vendor.order(bought.client_id, "target").status = "suspended"
    with pytest.raises(OrderRefused, match="suspended"):
        broker.close(closing(bought))
    assert stands(broker, bought.client_id).exits_working


def test_a_position_without_exits_is_closed_at_the_market(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    broker.cancel(bought.client_id, exits=True)
    order = Close(uuid4(), AAPL, Side.SELL, 10)
    assert broker.close(order).state is State.WORKING
    vendor.fill(order.client_id, price=101)
    assert broker.close(order).filled == 10


def test_an_exit_pair_guards_what_is_held(broker: Broker, vendor: AlpacaTrading) -> None:
    vendor.trade_by_hand("AAPL", 10, 100)
    order = Protection(uuid4(), AAPL, Side.SELL, 10, Decimal(95), Decimal(110))
    report = broker.protect(order)
    assert (report.state, report.exits_working) == (State.WORKING, True)
    assert legs(report) == {Leg.STOP: LegState.WORKING, Leg.TARGET: LegState.WORKING}
    assert broker.protect(order).broker_id == report.broker_id
    broker.replace(order.client_id, Leg.TARGET, level=Decimal(109), change_id=uuid4())
    vendor.fill(order.client_id, leg="stop")
    report = stands(broker, order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.FILLED, 10, False)
    last = broker.executions(LONG_AGO)[-1]
    assert (last.client_id, last.leg) == (order.client_id, Leg.STOP)


@either
def test_a_pair_of_exits_is_closed_beside(broker: Broker, vendor: AlpacaTrading, shown: bool) -> None:
    vendor.shows_replaced = shown
    vendor.trade_by_hand("AAPL", 10, 100)
    guard = Protection(uuid4(), AAPL, Side.SELL, 10, Decimal(95), Decimal(110))
    broker.protect(guard)
    order = Close(uuid4(), AAPL, Side.SELL, 10, guards=(guard.client_id,))
    assert broker.close(order).state is State.WORKING
    assert stands(broker, guard.client_id).exits_working
    vendor.fill(order.client_id, price=101)
    assert not stands(broker, guard.client_id).exits_working


@pytest.mark.parametrize("levels", [(Decimal(95), None), (None, Decimal(110))], ids=["stop", "target"])
def test_a_lone_exit_guards_too(
    broker: Broker, vendor: AlpacaTrading, levels: tuple[Decimal | None, Decimal | None]
) -> None:
    vendor.trade_by_hand("AAPL", 10, 100)
    guard = Protection(uuid4(), AAPL, Side.SELL, 10, *levels)
    report = broker.protect(guard)
    assert [leg.level for leg in report.legs] == [level for level in levels if level]
    order = Close(uuid4(), AAPL, Side.SELL, 10, guards=(guard.client_id,))
    broker.close(order)
    vendor.fill(order.client_id, price=101)
    assert broker.holdings() == {}


def test_a_cancel_that_lasts_is_told_and_may_still_fill(broker: Broker, vendor: AlpacaTrading) -> None:
    order = entry()
    broker.place(order)
    vendor.account.keeps_pending = True
    for _ in range(2):
        report = broker.cancel(order.client_id, exits=False)
        assert (report.state, legs(report)[Leg.ENTRY]) == (State.WORKING, LegState.PENDING_CANCEL)
    vendor.fill(order.client_id, 4)
    vendor.account.settle()
    report = stands(broker, order.client_id)
    assert (report.state, report.filled, report.exits_working) == (State.CANCELLED, 4, False)


def test_exits_are_cancelled_when_they_are_to_be(broker: Broker, bought: Bracket) -> None:
    assert broker.cancel(bought.client_id, exits=False).exits_working
    for _ in range(2):
        report = broker.cancel(bought.client_id, exits=True)
        assert (report.state, report.exits_working) == (State.FILLED, False)


@pytest.mark.parametrize("status", [None, 500, 502, 504])
def test_an_answer_that_is_lost_is_looked_up(
    broker: Broker, vendor: AlpacaTrading, status: int | None
) -> None:
    order = entry()
    vendor.lose_answer(status=status)
    with pytest.raises(AnswerLost):
        broker.place(order)
    assert stands(broker, order.client_id).state is State.WORKING
    assert broker.place(order).broker_id == vendor.order(order.client_id).id
    assert len([visit for visit in vendor.visits if visit.method == "POST"]) == 2


def test_what_was_turned_away_for_its_pace_is_sent_again_later(vendor: AlpacaTrading) -> None:
    slept: list[float] = []
    broker = hasty(vendor, slept.append)
    vendor.fail(faults.status(429, retry_after="2"), on="/v2/orders", times=2)
    assert broker.place(entry()).state is State.WORKING
    vendor.fail(faults.status(429), on="/v2/orders")
    with pytest.raises(BrokerAway, match="429"):
        broker.place(entry())
    assert slept == [2.0, 3.0, 1.0, 3.0, 6.0]


def test_an_account_that_cannot_be_reached_says_so(vendor: AlpacaTrading) -> None:
    broker = hasty(vendor)
    calls: list[Callable[[], object]] = [
        lambda: broker.place(entry()),
        lambda: broker.order(uuid4()),
        broker.orders,
        broker.holdings,
        broker.account,
        lambda: broker.executions(LONG_AGO),
        lambda: broker.charges(LONG_AGO),
    ]
    with vendor.away():
        for call in calls:
            with pytest.raises(BrokerAway):
                call()
    assert broker.account().equity == Decimal(100_000)


@pytest.mark.parametrize(
    ("url", "is_paper"),
    [
        ("https://paper-api.alpaca.markets", True),
        ("http://127.0.0.1:9000", True),
        ("https://api.alpaca.markets", False),
        ("https://api.alpaca.markets.", False),
        ("https://proxy.example.com/paper-api.alpaca.markets", False),
    ],
)
def test_only_the_address_of_paper_accounts_counts_as_paper(url: str, is_paper: bool) -> None:
    values = {"ALPACA_TRADING_URL": url, "ALPACA_API_KEY": "key", "ALPACA_API_SECRET": "secret"}
    assert alpaca.SPEC.build(values, T0).is_paper is is_paper


def test_keys_of_another_account_say_what_to_check(vendor: AlpacaTrading) -> None:
    broker = alpaca.SPEC.build({**vendor.settings, "ALPACA_API_SECRET": "other"}, T0)
    for call in (broker.account, lambda: broker.place(entry())):
        with pytest.raises(BrokerAway, match="ALPACA_TRADING_URL"):
            call()


def test_what_alpaca_refuses_says_why(broker: Broker, vendor: AlpacaTrading) -> None:
    with pytest.raises(OrderRefused, match=r"insufficient buying power \(buying power 200000, cost"):
        broker.place(entry(10_000))
    with pytest.raises(OrderRefused, match="dollars"):
        broker.place(Bracket(uuid4(), Instrument("SAP", "EUR"), Side.BUY, 1, *(Decimal(1),) * 3, NEVER_DUE))
    vendor.account.flags["trading_blocked"] = True
    with pytest.raises(OrderRefused, match="not allowed to trade"):
        broker.place(entry())
    assert "blocked trading" in broker.account().is_blocked


def test_cancelling_or_changing_what_alpaca_does_not_have_is_refused(broker: Broker) -> None:
    with pytest.raises(OrderRefused):
        broker.cancel(uuid4(), exits=True)
    with pytest.raises(OrderRefused):
        broker.replace(uuid4(), Leg.STOP, level=Decimal(1), change_id=uuid4())


def test_an_order_that_was_rejected_later_is_told(broker: Broker, vendor: AlpacaTrading) -> None:
    order = entry()
    broker.place(order)
    vendor.reject(order.client_id)
    report = stands(broker, order.client_id)
    assert (report.state, report.exits_working) == (State.REJECTED, False)
    assert "rejected" in report.reason


def test_holdings_have_fractions_and_shorts_are_negative(broker: Broker, vendor: AlpacaTrading) -> None:
    vendor.trade_by_hand("AAPL", "2.5", 100)
    vendor.trade_by_hand("MSFT", -3, 400)
    holdings = broker.holdings()
    assert {symbol: row.quantity for symbol, row in holdings.items()} == {
        "AAPL": Decimal("2.5"),
        "MSFT": Decimal(-3),
    }
    assert holdings["AAPL"].average_cost == Decimal(100)
    fraction, whole = broker.executions(LONG_AGO)
    assert [str(row.quantity) for row in (fraction, whole)] == ["2.5", "3"]
    assert whole.side is Side.SELL


def test_charges_come_without_trades_and_deposits(
    broker: Broker, vendor: AlpacaTrading, bought: Bracket
) -> None:
    vendor.pay("FEE", "-0.02", description="TAF fee for proceed of 10 shares")
    vendor.pay("CSD", "5000")
    vendor.pay("DIV", "3.10", symbol="AAPL")
    told = [(row.amount, row.currency, row.what, row.symbol) for row in broker.charges(LONG_AGO)]
    assert told == [
        (Decimal("-0.02"), "USD", "TAF fee for proceed of 10 shares", ""),
        (Decimal("3.10"), "USD", "Dividend", "AAPL"),
    ]


def test_a_correction_names_what_it_replaces(broker: Broker, vendor: AlpacaTrading) -> None:
    order = entry()
    broker.place(order)
    first = vendor.fill(order.client_id)
    vendor.correct(first, qty=8)
    old, new = broker.executions(LONG_AGO)
    assert (new.corrects, new.quantity, new.client_id) == (old.execution_id, 8, order.client_id)


def test_all_pages_are_read(broker: Broker, vendor: AlpacaTrading) -> None:
    order = entry(250)
    broker.place(order)
    for _ in range(250):
        vendor.fill(order.client_id, 1)
    assert len({row.execution_id for row in broker.executions(LONG_AGO)}) == 250


def test_more_orders_than_a_page_has_are_all_seen(broker: Broker, vendor: AlpacaTrading) -> None:
    vendor.account.cash = Decimal(10**9)
    for number in range(600):
        vendor.now = T0 - timedelta(minutes=number // 7)
        broker_id = vendor.account.place(
            {
                "symbol": "AAPL",
                "qty": "1",
                "side": "buy",
                "type": "limit",
                "time_in_force": "gtc",
                "limit_price": "1",
            }
        ).id
    assert broker_id in {report.broker_id for report in broker.orders()}
    assert len({report.broker_id for report in broker.orders()}) == 600
