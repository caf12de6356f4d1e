"""Our book and a statement side by side: what differs, in which words, and what is taken over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals.brokers.answers import Charge, Execution
from approvals.brokers.base import Instrument, Leg, Side
from approvals.brokers.statements import Books, Entry, Kind, Statement, compare

BEGAN = datetime(2024, 7, 1, tzinfo=UTC)
AT = datetime(2024, 7, 3, 14, 0, tzinfo=UTC)
END = datetime(2024, 7, 4, 4, 0, tzinfo=UTC)


def entry(name: str = "x1", **values: Any) -> Entry:
    given: dict[str, Any] = {
        "ids": (name,),
        "symbol": "AAPL",
        "side": Side.BUY,
        "quantity": Decimal(10),
        "price": Decimal(100),
        "commission": Decimal(1),
        "commission_currency": "",
        "currency": "USD",
        "executed_at": AT,
    }
    return Entry(**given | values)


def execution(name: str = "x1", **values: Any) -> Execution:
    given: dict[str, Any] = {
        "execution_id": name,
        "client_id": None,
        "leg": Leg.ENTRY,
        "instrument": Instrument("AAPL"),
        "side": Side.BUY,
        "quantity": 10,
        "price": Decimal("100.00"),
        "commission": Decimal(1),
        "executed_at": AT,
    }
    return Execution(**given | values)


def books(*entries: Entry, **values: Any) -> Books:
    given: dict[str, Any] = {"began": BEGAN, "executions": entries, "charges": ()}
    return Books(**given | values)


def stated(*executions: Execution, **values: Any) -> Statement:
    given: dict[str, Any] = {
        "account_id": "A1",
        "source": "a file",
        "since": BEGAN,
        "until": END,
        "executions": executions,
    }
    return Statement(**given | values)


def kinds(comparison: Any) -> list[tuple[Kind, str]]:
    return [(difference.kind, difference.name) for difference in comparison.differences]


def test_what_agrees_differs_in_nothing() -> None:
    both = {"holdings": {"AAPL": Decimal(10)}, "cash": {"USD": Decimal("98999.00")}}
    comparison = compare(books(entry(), **both), stated(execution(), **both))
    assert (comparison.differences, comparison.corrections, comparison.agreed) == ((), (), 3)


def test_each_side_alone_is_told_with_what_to_do() -> None:
    comparison = compare(books(entry("ours")), stated(execution("theirs")))
    assert kinds(comparison) == [(Kind.NOT_HERE, "theirs"), (Kind.NOT_THERE, "ours")]
    assert "2024-07-03 14:00 UTC" in comparison.differences[0].detail


def test_what_was_before_we_followed_the_account_is_its_owners() -> None:
    early = execution("theirs", executed_at=BEGAN - timedelta(hours=1))
    assert kinds(compare(books(), stated(early))) == []


def test_a_fill_near_the_edge_of_a_day_may_be_in_the_next_statement() -> None:
    late = entry(executed_at=END - timedelta(hours=1))
    assert kinds(compare(books(late), stated(edge=timedelta(hours=4)))) == []
    assert kinds(compare(books(late), stated())) == [(Kind.NOT_THERE, "x1")]


@pytest.mark.parametrize(
    ("column", "value"),
    [("quantity", 9), ("price", Decimal("100.01")), ("side", Side.SELL), ("instrument", Instrument("MSFT"))],
)
def test_other_figures_under_the_same_number_are_a_difference(column: str, value: object) -> None:
    changed: dict[str, Any] = {column: value}
    comparison = compare(books(entry()), stated(execution(**changed)))
    assert kinds(comparison) == [(Kind.DIFFERS, "x1")]
    assert column.replace("instrument", "symbol") in comparison.differences[0].detail
    assert not comparison.corrections


def test_a_correction_that_names_what_it_corrects_is_taken_over() -> None:
    corrected = execution("x2", price=Decimal("99.50"), corrects="x1")
    comparison = compare(books(entry()), stated(corrected))
    assert comparison.corrections == (corrected,)
    assert not comparison.differences


def test_the_next_revision_of_an_execution_of_ib_is_its_correction() -> None:
    ours = entry("0001f4e8.6571ab12.01.01")
    revised = execution("0001f4e8.6571ab12.01.02", quantity=9)
    assert compare(books(ours), stated(revised)).corrections == (replace(revised, corrects=ours.ids[0]),)
    older = entry("0001f4e8.6571ab12.01.02", quantity=Decimal(9))
    assert not compare(books(older), stated(execution("0001f4e8.6571ab12.01.01", quantity=9))).corrections


@pytest.mark.parametrize(
    ("told", "stated_commission", "currency", "is_taken"),
    [
        (None, "1.00", "USD", True),
        ("1.00", "1.25", "USD", True),
        ("1.00", "1.00", "EUR", True),
        ("1.00", "1.00005", "USD", False),
        ("-0.20", "-0.20", "USD", False),
    ],
)
def test_a_commission_told_later_is_taken_over(
    told: str | None, stated_commission: str, currency: str, is_taken: bool
) -> None:
    ours = entry(commission=None if told is None else Decimal(told))
    theirs = execution(commission=Decimal(stated_commission), commission_currency=currency)
    comparison = compare(books(ours), stated(theirs))
    assert bool(comparison.corrections) is is_taken
    assert not comparison.differences


@pytest.mark.parametrize("name", ["x1", ""])
def test_an_execution_that_was_taken_back_is_told(name: str) -> None:
    comparison = compare(books(entry()), stated(cancelled=(execution(name),)))
    assert kinds(comparison) == [(Kind.CANCELLED, "x1")]


def test_trades_without_numbers_are_compared_by_the_sums_of_their_day() -> None:
    ours = (entry("x1"), entry("x2", quantity=Decimal(5), price=Decimal(102)))
    together = execution("", quantity=15, price=Decimal("100.666666"))
    assert kinds(compare(books(*ours), stated(together))) == []
    fewer = replace(together, quantity=14)
    assert kinds(compare(books(*ours), stated(fewer))) == [(Kind.SUM, "2024-07-03 BUY AAPL")]


def test_an_old_symbol_in_a_statement_is_todays() -> None:
    names = {"FB": "META"}
    theirs = stated(execution(instrument=Instrument("FB")), holdings={"FB": Decimal(10)})
    ours = books(entry(symbol="META"), names=names, holdings={"META": Decimal(10)})
    assert kinds(compare(ours, theirs)) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "differs"),
    [("10", "7", True), ("0", "10", True), ("10", "10.4", False), ("10.5", "10", False), ("10", "9", True)],
)
def test_whole_shares_have_to_agree(ours: str, theirs: str, differs: bool) -> None:
    comparison = compare(books(holdings={"AAPL": Decimal(ours)}), stated(holdings={"AAPL": Decimal(theirs)}))
    assert kinds(comparison) == ([(Kind.HOLDING, "AAPL")] if differs else [])


def test_cash_has_to_agree_in_each_currency() -> None:
    ours = books(cash={"USD": Decimal("100.004"), "EUR": Decimal(5)})
    comparison = compare(ours, stated(cash={"USD": Decimal(100)}))
    assert kinds(comparison) == [(Kind.CASH, "EUR")]


def test_money_that_moved_by_itself_is_taken_over_once_whatever_its_number() -> None:
    fee = Charge("f1", AT, Decimal("-0.05"), "USD", "fee")
    same = replace(fee, charge_id="from another file")
    assert compare(books(), stated(charges=(fee,))).charges == (fee,)
    assert not compare(books(charges=(fee,)), stated(charges=(fee,))).charges
    assert not compare(books(charges=(fee,)), stated(charges=(same,))).charges
    second = replace(fee, charge_id="f2")
    assert compare(books(charges=(fee,)), stated(charges=(fee, second))).charges == (second,)


def test_what_cannot_be_compared_is_said_and_a_row_that_cannot_be_read_differs() -> None:
    comparison = compare(books(why_not=("because",)), stated(unread=("Trades, row 3: no quantity",)))
    assert kinds(comparison) == [(Kind.UNREAD, "Trades, row 3: no quantity")]
    assert comparison.not_compared == (
        "The statement has no fees and dividends and no positions and no cash: have its sections added.",
        "because",
    )
