"""The spec, the account and what it holds."""

from decimal import Decimal

import pytest

from approvals.brokers.base import OrderRefused, Side
from approvals.execution import fitting
from tests.conformance.broker.bench import Bench
from tests.conformance.broker.counterpart import SYMBOL, unexplained
from tests.conformance.broker.table import case


@case(1)
def test_the_spec_names_its_broker_and_a_paper_account(bench: Bench) -> None:
    assert (bench.spec.name, bench.spec.is_paper) == (bench.broker.name, bench.broker.is_paper)
    assert bench.spec.is_paper
    assert bench.spec.title


@case(2)
def test_every_act_is_played_or_has_a_reason(bench: Bench) -> None:
    assert unexplained(bench.behind) == []


@case(3)
def test_the_account_has_a_currency_and_money(bench: Bench) -> None:
    account = bench.broker.account()
    assert len(account.currency) == 3
    assert all(type(amount) is Decimal for amount in (account.equity, account.cash, account.buying_power))
    assert account.equity > 0
    assert account.is_blocked == ""


@case(4)
def test_the_account_number_is_told_and_stays_over_a_restart(bench: Bench) -> None:
    number = bench.broker.account().account_id
    assert number
    bench.behind.restart()
    assert bench.broker.account().account_id == number


@case(5)
def test_cash_by_currency_adds_up_where_there_is_one_currency(bench: Bench) -> None:
    account = bench.broker.account()
    if len(account.cash_by_currency) == 1:
        assert account.cash_by_currency == {account.currency: account.cash}
    assert all(len(currency) == 3 for currency in account.cash_by_currency)


@case(6)
def test_a_blocked_account_says_why_and_refuses_an_entry(bench: Bench) -> None:
    bench.behind.block("A margin call")
    bench.wait()
    assert bench.broker.account().is_blocked
    with pytest.raises(OrderRefused, match=r"\w"):
        bench.broker.place(bench.entry())


@case(7)
def test_the_account_and_holdings_fit_the_tables(bench: Bench) -> None:
    bench.filled()
    broker = bench.broker
    assert fitting.account(broker.account()) == broker.account()
    assert fitting.holding(broker.holdings()[SYMBOL]) == broker.holdings()[SYMBOL]


@case(8)
def test_a_fraction_of_a_share_is_held_as_it_is(bench: Bench) -> None:
    bench.behind.transfer(SYMBOL, Decimal("2.5"))
    bench.wait()
    assert bench.held() == Decimal("2.5")


@case(9)
def test_shares_that_came_without_an_execution_are_held(bench: Bench) -> None:
    bench.behind.transfer(SYMBOL, Decimal(7))
    bench.wait()
    assert bench.held() == 7
    assert bench.executions() == []


@case(10, "shorting")
def test_what_was_sold_short_is_a_negative_holding(bench: Bench) -> None:
    bench.filled(Side.SELL)
    assert bench.held() == -10


@case(11)
def test_a_holding_names_its_instrument_and_cost(bench: Bench) -> None:
    bench.filled()
    holding = bench.broker.holdings()[SYMBOL]
    assert (holding.instrument.symbol, holding.instrument.currency) == (SYMBOL, "USD")
    assert Decimal(95) < holding.average_cost < Decimal(105)


@case(12)
def test_asking_changes_nothing(bench: Bench) -> None:
    order = bench.filled()
    first, second = (
        (broker.orders(), broker.executions(bench.now), broker.holdings(), broker.order(order.client_id))
        for broker in (bench.broker, bench.broker)
    )
    assert first == second
