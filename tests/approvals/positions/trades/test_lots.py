"""Which shares a sale sold, and what it made."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.positions.accounting import Split, Trade, fold
from approvals.positions.trades.lots import Matched, Method, Transaction, match, named
from approvals.positions.trades.rounds import rounds
from tests.make import T0

DAY = timedelta(days=1)


def row(*transactions: tuple[str, str] | tuple[str, str, str]) -> list[Transaction]:
    """Transactions a day apart: quantity, price and, where there was one, commission."""
    values = [[Decimal(value) for value in (*texts, "0")[:3]] for texts in transactions]
    return [
        Transaction(key, quantity, price, commission, T0 + key * DAY)
        for key, (quantity, price, commission) in enumerate(values)
    ]


def columns(rows: Iterable[object], *names: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(row, name) for name in names) for row in rows]


def pairs(matched: Matched) -> list[tuple[object, ...]]:
    return [(lot.opened.key, lot.closed.key if lot.closed else None, lot.quantity) for lot in matched.closed]


TWO_BOUGHT = row(("10", "100"), ("10", "120"), ("-15", "130"))


def test_first_in_first_out() -> None:
    matched = match(TWO_BOUGHT)
    assert pairs(matched) == [(0, 2, 10), (1, 2, 5)]
    assert [lot.gross for lot in matched.closed] == [300, 50]
    assert columns(matched.held, "opened", "quantity", "value") == [(TWO_BOUGHT[1], 5, 600)]


def test_last_in_first_out() -> None:
    assert pairs(match(TWO_BOUGHT, choose=Method.LIFO.choose)) == [(1, 2, 10), (0, 2, 5)]


def test_named_lots_come_first_and_the_rest_by_the_method() -> None:
    choose = named({2: {1: Decimal(4)}})
    assert pairs(match(TWO_BOUGHT, choose=choose)) == [(1, 2, 4), (0, 2, 10), (1, 2, 1)]


def test_a_named_lot_that_is_not_held_changes_nothing() -> None:
    assert pairs(match(TWO_BOUGHT, choose=named({2: {7: Decimal(4)}}))) == [(0, 2, 10), (1, 2, 5)]


def test_a_short_is_sold_first_and_bought_back() -> None:
    lot = match(row(("-10", "100", "1"), ("10", "90", "2"))).closed[0]
    assert columns([lot], "is_short", "gross", "net") == [(True, 100, 97)]
    assert columns([lot], "proceeds", "basis") == [(999, 902)]


def test_a_sale_of_more_than_is_held_opens_a_short_lot() -> None:
    matched = match(row(("10", "100"), ("-15", "110", "3")))
    assert columns(matched.closed, "quantity", "close_commission") == [(10, 2)]
    assert columns(matched.held, "quantity", "value", "commission") == [(-5, 550, 1)]


def test_fractions_and_rebates() -> None:
    lot = match(row(("0.5", "100", "-0.01"), ("-0.5", "110", "0.03"))).closed[0]
    assert columns([lot], "gross", "net") == [(5, Decimal("4.98"))]


def test_a_commission_is_divided_to_its_last_digit() -> None:
    matched = match(row(("3", "10", "1"), ("-1", "11"), ("-1", "11"), ("-1", "11")))
    assert [lot.open_commission for lot in matched.closed] == [
        Decimal("0.33333333"),
        Decimal("0.33333334"),
        Decimal("0.33333333"),
    ]


def test_a_split_changes_the_shares_and_not_what_they_cost() -> None:
    split = Split((T0 + DAY).date(), Decimal(4))
    matched = match(
        [
            Transaction(0, Decimal(10), Decimal(400), Decimal(1), T0),
            Transaction(1, Decimal(-40), Decimal(110), Decimal(0), T0 + DAY),
        ],
        [split],
    )
    assert columns(matched.closed, "quantity", "opened_for", "gross") == [(40, 4000, 400)]
    assert not matched.held


def test_a_part_of_a_share_that_a_split_leaves_is_paid_out_at_cost() -> None:
    matched = match(row(("7", "100")), [Split((T0 + DAY).date(), Decimal("1.5"))])
    assert columns(matched.closed, "closed", "quantity", "gross") == [(None, Decimal("0.5"), 0)]
    assert columns(matched.held, "quantity", "value") == [(10, Decimal("666.66666667"))]


def test_a_reverse_split_may_leave_nothing() -> None:
    matched = match(row(("7", "1")), [Split((T0 + DAY).date(), Decimal("0.1"))])
    assert columns(matched.closed, "quantity", "gross") == [(Decimal("0.7"), 0)]
    assert not matched.held


def test_who_holds_fractions_keeps_what_a_split_leaves() -> None:
    matched = match(row(("0.7", "100")), [Split((T0 + DAY).date(), Decimal("1.5"))])
    assert not matched.closed
    assert [lot.quantity for lot in matched.held] == [Decimal("1.05")]


# --- round trips ------------------------------------------------------------------------------------------


def test_a_round_trip_ends_when_nothing_is_held() -> None:
    first, second = rounds(
        row(("10", "100", "1"), ("10", "110"), ("-20", "120", "2"), ("-5", "50"), ("5", "40"))
    )
    assert columns([first], "shares", "entry", "exit", "gross", "net") == [(20, 105, 120, 300, 297)]
    assert [entry.key for entry in first.entries] == [0, 1]
    assert [closing.key for closing in first.exits] == [2]
    assert columns([second], "is_short", "gross") == [(True, 50)]


def test_what_is_still_held_is_in_none() -> None:
    assert rounds(row(("10", "100"), ("-5", "110"))) == []


def test_one_sale_may_end_a_round_and_begin_the_next() -> None:
    first, second = rounds(row(("10", "100"), ("-15", "110"), ("5", "105")))
    assert columns([first, second], "gross") == [(100,), (25,)]
    assert (second.opened_at, second.closed_at) == (T0 + DAY, T0 + 2 * DAY)


def test_a_round_goes_on_while_a_newer_purchase_is_held() -> None:
    (trip,) = rounds(row(("10", "100"), ("5", "100"), ("-10", "110"), ("-5", "90")))
    assert columns([trip], "gross") == [(50,)]


# --- against an independent count ---------------------------------------------------------------------------

MONEY = st.integers(1, 50_000).map(lambda cents: Decimal(cents) / 100)
QUANTITY = st.integers(-30, 30).filter(bool)
RATIOS = st.sampled_from([Decimal(2), Decimal("1.5"), Decimal("0.1"), Decimal(10) / 3])
HISTORIES = st.lists(st.tuples(QUANTITY, MONEY, MONEY), min_size=1, max_size=20)
CHOICES = st.sampled_from([Method.FIFO.choose, Method.LIFO.choose, named({3: {1: Decimal(5)}})])


def history(values: list[tuple[int, Decimal, Decimal]]) -> list[Transaction]:
    return [
        Transaction(key, Decimal(quantity), price, commission, T0 + key * DAY)
        for key, (quantity, price, commission) in enumerate(values)
    ]


@given(HISTORIES, st.lists(st.tuples(st.integers(0, 20), RATIOS), max_size=2), CHOICES)
def test_no_share_and_no_cent_is_lost(
    values: list[tuple[int, Decimal, Decimal]],
    split_days: list[tuple[int, Decimal]],
    choose: Callable[..., object],
) -> None:
    transactions = history(values)
    splits = [Split((T0 + day * DAY).date(), ratio) for day, ratio in split_days]
    matched = match(transactions, splits, choose)  # type: ignore[arg-type]  # the strategy knows no types
    in_and_out = sum((-t.quantity * t.price - t.commission for t in transactions), Decimal(0))
    paid_out = sum(
        (lot.closed_for if lot.quantity > 0 else -lot.closed_for for lot in matched.closed if not lot.closed),
        Decimal(0),
    )
    held = sum((lot.value if lot.quantity > 0 else -lot.value for lot in matched.held), Decimal(0))
    commission_held = sum((lot.commission for lot in matched.held), Decimal(0))
    assert (
        sum((lot.net for lot in matched.closed), Decimal(0)) == in_and_out + paid_out + held + commission_held
    )
    assert len({lot.quantity > 0 for lot in matched.held}) <= 1


@given(HISTORIES)
def test_round_trips_make_what_average_cost_makes(values: list[tuple[int, Decimal, Decimal]]) -> None:
    transactions = history(values)
    flat = [0, *(n for n in range(1, len(values) + 1) if sum(quantity for quantity, _, _ in values[:n]) == 0)]
    until_flat = [Trade(q, p, c, T0 + n * DAY) for n, (q, p, c) in enumerate(values)][: flat[-1]]
    trips = rounds(transactions[: flat[-1]])
    assert sum(trip.net for trip in trips) == pytest.approx(fold(until_flat).realised, abs=Decimal("0.0001"))
