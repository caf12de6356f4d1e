"""Legs that are moved on paper: each price is judged by the level of its time. Minutes count from 10:00."""

from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid4

import pytest

from approvals.brokers.base import Bracket, Leg, LegReport, OrderRefused, Report, State
from approvals.brokers.paper import Restating
from tests.approvals.paper_tape import LAG, MINUTE, Account, Tape, bracket, held, short
from tests.make import T0

ENTRY, STOP, TARGET = Leg.ENTRY, Leg.STOP, Leg.TARGET


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def move(
    account: Account, order: Bracket, minute: float, leg: Leg, level: float | None = None, **terms: Any
) -> Report:
    wanted: dict[str, Any] = {"change_id": uuid4()} | terms
    price = None if level is None else Decimal(str(level))
    return account.at(minute).replace(order.client_id, leg, level=price, **wanted)


def leg_of(account: Account, order: UUID, minute: float, leg: Leg) -> LegReport:
    report = account.at(minute).order(order)
    assert isinstance(report, Report)
    return next(row for row in report.legs if row.leg is leg)


def test_a_quote_from_before_the_move_that_comes_late_is_judged_by_the_old_stop(account: Account) -> None:
    order = held(account)
    move(account, order, 3, STOP, 97)
    account.tape.quote(96.0, 2.5, late=1)
    assert len(account.fills(4)) == 1
    account.tape.quote(96.5, 4)
    assert account.fills(4.5)[1:] == [(STOP, 100, "96.47", 4)]


def test_a_quote_from_before_the_move_that_comes_late_is_stopped_by_the_old_stop(account: Account) -> None:
    order = held(account)
    move(account, order, 3, STOP, 90)
    account.tape.quote(94.0, 2.5, late=1)
    assert account.fills(4)[1:] == [(STOP, 100, "93.97", 2.5)]


def test_a_bar_from_before_the_move_that_comes_late_is_judged_by_the_old_levels(account: Account) -> None:
    order = held(account)
    move(account, order, 10.2, STOP, 97)
    move(account, order, 10.2, TARGET, 100)
    account.tape.bar(5, 98.0, 101.0, 96.0, 98.0)
    assert len(account.fills(15.1)) == 1
    account.tape.bar(15, 98.0, 99.0, 96.0, 98.0)
    assert account.fills(25)[1:] == [(STOP, 100, "96.97", 20)]


@pytest.mark.parametrize("level", [97, 93])
def test_in_the_bar_of_a_move_a_range_counts_that_reaches_the_old_and_the_new_stop(
    account: Account, level: int
) -> None:
    order = held(account)
    move(account, order, 7, STOP, level)
    account.tape.bar(5, 98.0, 99.0, min(level, 95) + 1.0, 98.0)  # before the move, or after it
    assert len(account.fills(15.1)) == 1
    account.tape.bar(10, 98.0, 99.0, 90.0, 98.0)
    assert account.fills(20)[1:] == [(STOP, 100, f"{level - 0.01 - level * 0.0002:.2f}", 15)]


def test_in_the_bar_of_a_move_its_open_meets_the_old_stop(account: Account) -> None:
    order = held(account)
    move(account, order, 7, STOP, 97)
    account.tape.bar(5, 96.0, 99.0, 96.0, 98.0)
    assert len(account.fills(15.1)) == 1


def test_in_the_bar_of_a_move_quotes_are_judged_each_by_its_time(account: Account) -> None:
    order = held(account)
    account.tape.quote(96.0, 6)
    move(account, order, 7, STOP, 97)
    account.tape.quote(96.5, 8)
    assert account.fills(8.1)[1:] == [(STOP, 100, "96.47", 8)]


def test_a_gap_at_the_open_fills_a_moved_stop_at_the_open(account: Account) -> None:
    order = held(account)
    move(account, order, 6, STOP, 98)
    account.tape.bar(30, 94.0, 96.0, 93.0, 95.0, first=True)
    assert account.fills(60)[1:] == [(STOP, 100, "93.97", 30)]


def test_a_stop_that_is_moved_beyond_the_price_is_executed_at_the_next_quote(account: Account) -> None:
    order = held(account)
    move(account, order, 3, STOP, 105)
    account.tape.quote(99.5, 4, half=0.1)
    assert account.fills(4)[1:] == [(STOP, 100, "99.38", 4)]


def test_a_target_that_is_moved_beyond_the_price_gets_the_bid_and_rests_from_then_on(
    account: Account,
) -> None:
    order = held(account)
    move(account, order, 3, TARGET, 98)
    account.tape.quote(99.5, 4, half=0.1, size=30)
    account.tape.quote(103.0, 4.5, half=0.1, size=500)
    assert account.fills(5)[1:] == [(TARGET, 30, "99.4", 4), (TARGET, 70, "98", 4.5)]


def test_a_short_positions_stop_is_moved_the_other_way_round(account: Account) -> None:
    order = held(account, short())
    move(account, order, 3, STOP, 103)
    account.tape.quote(103.5, 2.5, late=1)
    assert len(account.fills(3.6)) == 1
    account.tape.quote(103.5, 4)
    assert [row[0] for row in account.fills(4)] == [ENTRY, STOP]


def test_a_known_change_is_made_once_also_when_its_order_has_ended(account: Account) -> None:
    order, change_id = held(account), uuid4()
    move(account, order, 3, STOP, 97, change_id=change_id)
    move(account, order, 3, STOP, 96)
    move(account, order, 3, STOP, 97, change_id=change_id)
    assert leg_of(account, order.client_id, 3, STOP).level == 96
    account.tape.quote(95.5, 4)
    assert len(account.fills(4)) == 2
    report = move(account, order, 5, STOP, 97, change_id=change_id)
    assert not report.exits_working


def test_two_moves_at_once_leave_the_later_one(account: Account) -> None:
    order = held(account)
    move(account, order, 3, STOP, 97)
    move(account, order, 3, STOP, 96)
    account.tape.quote(96.5, 4)
    assert len(account.fills(4)) == 1


def test_a_move_after_the_stop_was_reached_is_refused_and_the_fill_stays(account: Account) -> None:
    order = held(account)
    account.tape.quote(94.0, 3)
    with pytest.raises(OrderRefused, match="no stop of it that works"):
        move(account, order, 4, STOP, 90)
    assert account.fills(5)[1:] == [(STOP, 100, "93.97", 3)]


def test_what_of_a_stop_is_left_is_not_moved(account: Account) -> None:
    order = held(account)
    account.tape.quote(94.0, 3, half=0.1, size=30)
    with pytest.raises(OrderRefused, match="stop was hit"):
        move(account, order, 4, STOP, 90)


def test_what_of_a_target_is_left_is_moved(account: Account) -> None:
    order = held(account)
    account.tape.quote(111.0, 3, half=0.1, size=30)
    move(account, order, 4, TARGET, 120)
    account.tape.quote(115.0, 4.5, half=0.1)
    account.tape.quote(121.0, 4.8, half=0.1)
    assert account.fills(5)[1:] == [(TARGET, 30, "110", 3), (TARGET, 70, "120", 4.8)]
    rows = [leg_of(account, order.client_id, 5, leg) for leg in (ENTRY, STOP, TARGET)]
    assert [(row.state, row.quantity, row.filled) for row in rows] == [
        ("filled", 100, 100),
        ("cancelled", 100, 0),
        ("filled", 100, 100),
    ]


def test_a_level_is_of_its_day_over_a_split(account: Account) -> None:
    order = held(account)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(2)))
    assert leg_of(account, order.client_id, 11, STOP).level == Decimal("47.5")
    assert leg_of(account, order.client_id, 11, STOP).quantity == 200
    move(account, order, 12, STOP, 48.5)
    assert leg_of(account, order.client_id, 12, STOP).level == Decimal("48.5")
    account.tape.quote(48.4, 13)
    assert account.fills(20)[1:] == [(STOP, 200, "48.38", 13)]


def test_a_split_after_the_move_restates_it(account: Account) -> None:
    order = held(account)
    move(account, order, 3, STOP, 97)
    account.tape.splits.append(Restating(T0 + 10 * MINUTE, Fraction(2)))
    assert leg_of(account, order.client_id, 11, STOP).level == Decimal("48.5")
    account.tape.quote(48.4, 13)
    assert account.fills(20)[1:] == [(STOP, 200, "48.38", 13)]


def test_an_entry_is_filled_within_the_limit_of_the_quotes_time(account: Account) -> None:
    order = bracket(limit_price=Decimal(98))
    account.at(0).place(order)
    move(account, order, 3, ENTRY, 100)
    account.tape.quote(99.0, 2, late=2)
    assert account.fills(4) == []
    account.tape.quote(99.99, 5)
    assert account.fills(6) == [(ENTRY, 100, "100", 5)]


def test_levels_of_an_entry_that_waits_are_moved(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    move(account, order, 0.5, STOP, 98)
    account.tape.quote(99.0, 1)
    account.tape.quote(97.5, 2)
    assert [row[0] for row in account.fills(3)] == [ENTRY, STOP]


def test_an_entry_asks_for_fewer_shares(account: Account) -> None:
    order = bracket()
    account.at(0).place(order)
    account.tape.quote(99.0, 1, half=0.1, size=30)
    with pytest.raises(OrderRefused, match="30 shares are filled"):
        move(account, order, 2, ENTRY, quantity=30)
    move(account, order, 2, ENTRY, quantity=50)
    account.tape.quote(99.0, 3, half=0.1, size=500)
    assert [quantity for _, quantity, *_ in account.fills(4)] == [30, 20]
    report = account.at(4).order(order.client_id)
    assert isinstance(report, Report)
    assert (report.state, report.quantity, report.filled) == (State.FILLED, 50, 50)


def test_an_entry_that_would_cost_too_much_is_not_moved(account: Account) -> None:
    order = bracket(quantity=900)
    account.at(0).place(order)
    with pytest.raises(OrderRefused, match="buying power"):
        move(account, order, 1, ENTRY, quantity=1_100)
    assert leg_of(account, order.client_id, 1, ENTRY).quantity == 900


@pytest.mark.parametrize(
    ("leg", "terms", "why"),
    [
        (STOP, {"level": 111}, "in order"),
        (TARGET, {"level": 95}, "in order"),
        (STOP, {"level": 0}, "above zero"),
        (STOP, {"quantity": 0}, "above zero"),
        (STOP, {"quantity": 101}, "not free"),
        (STOP, {}, "another level"),
        (ENTRY, {"level": 99}, "no entry of it that works"),
        (Leg.CLOSE, {"level": 99}, "no close of it that works"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    account: Account, leg: Leg, terms: dict[str, Any], why: str
) -> None:
    order = held(account)
    with pytest.raises(OrderRefused, match=why):
        move(account, order, 3, leg, **terms)
    assert leg_of(account, order.client_id, 3, STOP).level == 95


def test_how_often_it_is_looked_at_changes_nothing() -> None:
    """A move is judged alike whether the quotes and bars are read one by one or all at the end."""
    outcomes = []
    for minutes in ((), [number / 4 for number in range(13, 120)]):
        account = Account(Tape())
        order = held(account)
        move(account, order, 3, STOP, 97)
        account.tape.quote(96.0, 2.5, late=2)
        account.tape.quote(98.0, 6.5)
        account.tape.bar(5, 98.0, 99.0, 97.5, 98.0)
        account.tape.bar(10, 98.0, 99.0, 96.0, 98.0)
        for minute in minutes:
            account.at(minute).orders()
        outcomes.append(account.fills(30 + LAG / MINUTE))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][1:] == [(STOP, 100, "96.97", 15)]
