"""Whatever the market and its owner do, the paper account adds up, however often it is brought up to date."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.brokers.base import Execution, Leg, OrderRefused, Side
from tests.approvals.paper_tape import MINUTE, START, Account, Tape, TapeUntil, bracket, closing, short
from tests.make import T0

LENGTH = 180  # minutes of the tape
END = LENGTH + 3 * 24 * 60
Act = tuple[float, str, int]
Answers = list[tuple[float, str, int, object]]


@st.composite
def tapes(draw: st.DrawFn, *, scarce: bool = False) -> Tape:
    """A walk from 100; each quote is up to four minutes late, each bar spans the quotes that lie in it.

    Some bars reach further than any quote. `scarce`: some books show less than an order asks for, some bars
    have little volume.
    """
    length = draw(st.sampled_from([None, MINUTE, 5 * MINUTE, 15 * MINUTE]))
    moves = draw(st.lists(st.integers(-60, 60), min_size=40, max_size=120))
    late = draw(st.lists(st.integers(0, 240), min_size=len(moves), max_size=len(moves)))
    sizes = draw(st.sampled_from([[0.0, 7.0, 30.0, 500.0], [5.0, math.nan]])) if scarce else [math.nan]
    half = draw(st.sampled_from([0.02, None]))
    tape = Tape(length)
    for row, moved in enumerate(accumulate(moves)):
        tape.quote(
            max(100 + moved / 20, 20),
            (row + 0.1) * LENGTH / len(moves),
            late=late[row] / 60,
            half=half,
            size=sizes[row % len(sizes)] if half else math.nan,
        )
    volumes, wick = (0.0, 90.0, 1_000.0) if scarce else (math.nan,), draw(st.sampled_from([0, 2]))
    for number, first in enumerate(range(0, LENGTH, int((length or LENGTH * MINUTE) / MINUTE))):
        _bar(tape, first, length or timedelta(0), volumes[number % len(volumes)], wick)
    return tape


def _bar(tape: Tape, first: int, length: timedelta, volume: float, wick: float) -> None:
    opened_at = T0 + first * MINUTE
    inside = [quote.price for quote in tape.quotes if opened_at <= quote.as_of < opened_at + length]
    if inside:
        tape.bar(first, inside[0], max(inside) + wick, min(inside) - wick, inside[-1], volume=volume)


minutes = st.integers(0, 170 * 60).map(lambda seconds: seconds / 60)
what = st.sampled_from(["buy", "buy", "sell", "close", "cover", "cancel"])
scripts = st.lists(st.tuples(minutes, what, st.integers(1, 8)), min_size=1, max_size=12)
of_one_order = st.lists(st.tuples(minutes, st.sampled_from(["buy", "cancel"]), st.just(7)), max_size=4)


def played(tape: Tape, script: list[Act], looks: Iterable[float]) -> tuple[Account, Answers]:
    """Return the account to which all of that happened, and what it answered to each act but the looks."""
    account = Account(tape)
    acts = sorted([*script, *((minute, "look", 0) for minute in looks)])
    answers = [(*act, _answer(account, *act)) for act in acts]
    return account, [answer for answer in answers if answer[1] != "look"]


def _answer(account: Account, minute: float, act: str, number: int) -> object:
    """What the broker said. Acts of one number are of one order; odd ones are flat after 150 minutes."""
    broker, at = account.at(minute), T0 + minute * MINUTE
    flat_at = T0 + 150 * MINUTE if number % 2 else None
    terms: dict[str, Any] = {
        "client_id": UUID(int=number),
        "quantity": 10 * number,
        "good_until": at + 20 * MINUTE,
        "flat_at": flat_at,
    }
    low, high = Decimal(99 - number), Decimal(101 + number)
    levels = {"BUY": {"stop_loss": low, "take_profit": high}, "SELL": {"stop_loss": high, "take_profit": low}}
    calls: dict[str, Callable[[], object]] = {
        "look": broker.orders,
        "buy": lambda: broker.place(bracket(**terms, **levels["BUY"])),
        "sell": lambda: broker.place(short(**terms, **levels["SELL"])),
        "close": lambda: broker.close(closing(5 * number, Side.SELL, UUID(int=100 + number))),
        "cover": lambda: broker.close(closing(5 * number, Side.BUY, UUID(int=200 + number))),
        "cancel": lambda: broker.cancel(UUID(int=number), exits=number % 2 == 0),
    }
    try:
        return calls[act]()
    except OrderRefused as refusal:
        return str(refusal)


@given(tapes(), scripts)
@settings(max_examples=100)
def test_looking_every_minute_gives_the_same_fills_as_looking_once(tape: Tape, script: list[Act]) -> None:
    _assert_same_fills(tape, script)


@given(tapes(scarce=True), of_one_order)
@settings(max_examples=50)
def test_the_same_where_there_are_not_enough_shares_for_an_order(tape: Tape, script: list[Act]) -> None:
    """Of two orders, how often they are worked may decide which one gets what is too little for both."""
    _assert_same_fills(tape, script)


def _assert_same_fills(tape: Tape, script: list[Act]) -> None:
    often, told_often = played(tape, script, [*range(LENGTH + 30), END])
    once, told_once = played(tape, script, [END])
    assert told_often == told_once
    assert _executed(often) == _executed(once)


@given(tapes() | tapes(scarce=True), scripts, st.sampled_from([30, 90, LENGTH, END]))
@settings(max_examples=100)
def test_the_equity_is_the_start_and_what_every_fill_made(tape: Tape, script: list[Act], minute: int) -> None:
    account, _ = played(tape, [act for act in script if act[0] < minute], [minute])
    (_, price) = TapeUntil(tape, T0 + minute * MINUTE).price("AAPL") or (None, Decimal(0))
    result = sum(
        (
            execution.side.sign * execution.quantity * (price - execution.price) - (execution.commission or 0)
            for execution in _executed(account)
        ),
        START,
    )
    worth = account.at(minute).account()
    held = sum(execution.quantity for execution in account.at(minute).holdings().values())
    assert worth.equity == worth.cash + held * price
    assert abs(worth.equity - result) < Decimal("0.01")


@given(tapes() | tapes(scarce=True), scripts)
@settings(max_examples=100)
def test_no_more_shares_go_out_than_came_in(tape: Tape, script: list[Act]) -> None:
    account, _ = played(tape, script, [*range(0, LENGTH, 7), END])
    executed = _executed(account)
    entered, left = Counter[UUID | None](), Counter[UUID | None]()
    for execution in executed:
        if execution.leg is not Leg.CLOSE:
            (entered if execution.leg is Leg.ENTRY else left)[execution.client_id] += execution.quantity
    assert left <= entered
    held = list(accumulate(execution.side.sign * execution.quantity for execution in executed))
    assert all(before * after >= 0 for before, after in pairwise(held))


def _executed(account: Account) -> list[Execution]:
    executions = [execution for execution, _ in account.book.executed]
    return sorted(executions, key=lambda execution: (execution.executed_at, execution.execution_id))
