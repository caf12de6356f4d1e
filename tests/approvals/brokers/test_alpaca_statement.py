"""Alpaca's account activities as a statement, against a counterpart on loopback."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from approvals.brokers import alpaca
from approvals.brokers.statements import NotYet, Statement
from tests.vendors import AlpacaTrading
from tests.vendors.alpaca_trading import hand

AT = datetime(2024, 7, 3, 14, 0, tzinfo=UTC)
SINCE = AT - timedelta(days=10)
UNTIL = AT + timedelta(hours=10)


@pytest.fixture
def vendor() -> Iterator[AlpacaTrading]:
    with AlpacaTrading(now=AT) as vendor:
        yield vendor


def read(vendor: AlpacaTrading) -> Statement:
    values = {"ALPACA_TRADING_URL": vendor.url, **vendor.settings}
    assert alpaca.SPEC.statement is not None
    return alpaca.SPEC.statement(values, SINCE, UNTIL)


def test_trades_money_shares_and_cash_of_all_pages(vendor: AlpacaTrading) -> None:
    opening = vendor.account.cash
    for minute in range(205):
        hand.trade_by_hand(vendor.account, "AAPL", Decimal(1), Decimal(100), AT + timedelta(minutes=minute))
    for kind, amount in (("FEE", "-0.05"), ("DIV", "2.40"), ("CSD", "1000"), ("INT", "-1.10"), ("JNLC", "5")):
        hand.pay(vendor.account, kind, Decimal(amount), AT)
    statement = read(vendor)
    assert statement.executions is not None
    assert statement.charges is not None
    assert len({execution.execution_id for execution in statement.executions}) == 205
    assert [charge.amount for charge in statement.charges] == [
        Decimal(amount) for amount in ("-0.05", "2.40", "1000", "-1.10", "5")
    ]
    assert statement.holdings == {"AAPL": Decimal(205)}
    assert statement.cash == {"USD": opening - 20_500 + Decimal("1006.25")}
    assert statement.account_id == vendor.account.number
    assert statement.unread == ()


def test_a_corrected_execution_counts_once(vendor: AlpacaTrading) -> None:
    row = hand.trade_by_hand(vendor.account, "AAPL", Decimal(10), Decimal(100), AT)
    new = hand.correct(vendor.account, row, AT + timedelta(days=2), price="99.50")
    statement = read(vendor)
    assert statement.executions is not None
    assert [(own.execution_id, own.corrects) for own in statement.executions] == [(new["id"], row["id"])]


def test_what_is_cancelled_is_left_out_and_what_cannot_be_read_is_named(vendor: AlpacaTrading) -> None:
    hand.pay(vendor.account, "FEE", Decimal(0), AT, status="canceled", net_amount="-3")
    hand.pay(vendor.account, "DIV", Decimal(0), AT, net_amount="much")
    statement = read(vendor)
    assert statement.charges == ()
    assert len(statement.unread) == 1
    assert "a figure is 'much'" in statement.unread[0]


def test_one_that_cannot_be_reached_may_come_later(vendor: AlpacaTrading) -> None:
    vendor.server_close()
    with pytest.raises(NotYet, match="Alpaca"):
        read(vendor)
