"""Losses that do not count yet. Examples after those of the tax office's Publication 550."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.positions.accounting import Split
from approvals.positions.trades.lots import Method, Transaction, match
from approvals.positions.trades.wash_sales import TaxLot, tax_lots


def at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(15), UTC)


def listed(
    *rows: tuple[str, str, str],
    splits: Sequence[Split] = (),
    method: Method = Method.FIFO,
    washes: bool = True,
) -> list[TaxLot]:
    """The tax lots of transactions: day, quantity, price."""
    transactions = [
        Transaction(key, Decimal(quantity), Decimal(price), Decimal(0), at(day))
        for key, (day, quantity, price) in enumerate(rows)
    ]
    matched = match(transactions, splits, method.choose)
    return tax_lots(matched, splits, datetime.date, washes=washes)


def gains(lots: list[TaxLot]) -> list[tuple[object, ...]]:
    return [(lot.quantity, lot.gain, lot.disallowed) for lot in lots]


def test_a_loss_counts_when_nothing_is_bought_around_it() -> None:
    lots = listed(("2024-01-10", "100", "10"), ("2024-03-01", "-100", "7.5"))
    assert gains(lots) == [(100, -250, 0)]


def test_a_loss_is_added_to_what_replaces_it() -> None:
    """100 shares for 1,000, sold for 750, 100 bought again for 800 within 30 days: a basis of 1,050."""
    first, second = listed(
        ("2024-01-10", "100", "10"),
        ("2024-12-01", "-100", "7.5"),
        ("2024-12-19", "100", "8"),
        ("2025-01-15", "-100", "12"),
    )
    assert gains([first, second]) == [(100, 0, 250), (100, 150, 0)]
    assert second.basis == Decimal(1050)


def test_what_replaces_it_counts_as_held_since_the_sold_was() -> None:
    lots = listed(
        ("2023-12-20", "100", "10"),
        ("2024-11-20", "-100", "7.5"),
        ("2024-12-10", "100", "8"),
        ("2025-02-03", "-100", "12"),
    )
    assert [lot.held_since for lot in lots] == [date(2023, 12, 20), date(2024, 1, 9)]
    assert [lot.is_long_term for lot in lots] == [False, True]


def test_more_sold_than_bought_again() -> None:
    lots = listed(("2024-01-10", "100", "10"), ("2024-03-01", "-100", "8"), ("2024-03-08", "75", "8"))
    assert gains(lots) == [(100, -50, 150)]


def test_more_bought_again_than_sold_is_listed_in_parts() -> None:
    lots = listed(
        ("2024-01-10", "100", "10"),
        ("2024-03-01", "-100", "8"),
        ("2024-03-08", "150", "8"),
        ("2024-06-03", "-150", "9"),
    )
    assert gains(lots) == [(100, 0, 200), (50, 50, 0), (100, -100, 0)]


def test_the_oldest_purchase_takes_the_loss_first() -> None:
    lots = listed(
        ("2024-01-10", "100", "10"),
        ("2024-03-01", "-100", "8"),
        ("2024-03-08", "60", "8"),
        ("2024-03-11", "60", "8"),
        ("2024-06-03", "-120", "8"),
    )
    assert gains(lots) == [(100, 0, 200), (60, -120, 0), (20, 0, 0), (40, -80, 0)]


def test_shares_that_were_bought_before_the_sale_and_are_still_held_replace_it() -> None:
    lots = listed(("2024-01-10", "100", "10"), ("2024-02-20", "100", "9"), ("2024-03-01", "-100", "8"))
    assert gains(lots) == [(100, 0, 200)]


def test_shares_of_the_same_purchase_do_not() -> None:
    lots = listed(("2024-02-20", "100", "10"), ("2024-03-01", "-40", "8"))
    assert gains(lots) == [(40, -80, 0)]


def test_shares_that_are_sold_with_it_or_before_do_not() -> None:
    lots = listed(("2024-02-20", "50", "10"), ("2024-02-21", "50", "9"), ("2024-03-01", "-100", "8"))
    assert gains(lots) == [(50, -100, 0), (50, -50, 0)]


@pytest.mark.parametrize(
    ("bought", "disallowed"), [("2024-03-31", 200), ("2024-04-01", 0), ("2024-01-31", 200), ("2024-01-30", 0)]
)
def test_thirty_days_either_way(bought: str, disallowed: int) -> None:
    lots = listed(("2024-01-10", "100", "10"), ("2024-03-01", "-100", "8"), (bought, "100", "8"))
    assert [lot.disallowed for lot in lots] == [disallowed]


def test_a_loss_is_moved_on_from_sale_to_sale() -> None:
    lots = listed(
        ("2024-01-10", "10", "100"),
        ("2024-02-01", "-10", "90"),
        ("2024-02-05", "10", "95"),
        ("2024-02-12", "-10", "85"),
        ("2024-02-20", "10", "80"),
        ("2024-08-01", "-10", "100"),
    )
    assert gains(lots) == [(10, 0, 100), (10, 0, 200), (10, 0, 0)]


def test_a_short_that_lost_and_is_sold_again() -> None:
    lots = listed(("2024-01-10", "-10", "100"), ("2024-02-01", "10", "110"), ("2024-02-05", "-10", "105"))
    assert gains(lots) == [(10, 0, 100)]
    assert (lots[0].acquired, lots[0].sold, lots[0].is_long_term) == (
        date(2024, 2, 1),
        date(2024, 2, 1),
        False,
    )


def test_a_purchase_does_not_replace_a_short() -> None:
    lots = listed(("2024-01-10", "-10", "100"), ("2024-02-01", "10", "110"), ("2024-02-05", "10", "105"))
    assert gains(lots) == [(10, -100, 0)]


def test_shares_are_compared_across_a_split() -> None:
    lots = listed(
        ("2024-01-10", "10", "100"),
        ("2024-03-01", "-10", "80"),
        ("2024-03-08", "20", "20"),
        splits=[Split(date(2024, 3, 5), Decimal(4))],
    )
    assert gains(lots) == [(10, -100, 100)]


def test_elsewhere_every_loss_counts_at_once() -> None:
    rows = (("2024-01-10", "100", "10"), ("2024-03-01", "-100", "8"), ("2024-03-08", "75", "8"))
    assert gains(listed(*rows, washes=False)) == [(100, -200, 0)]


@pytest.mark.parametrize(
    ("acquired", "sold", "is_long_term"),
    [
        ("2023-06-14", "2024-06-14", False),
        ("2023-06-14", "2024-06-15", True),
        ("2023-02-28", "2024-02-29", False),
        ("2023-02-28", "2024-03-01", True),
        ("2024-02-29", "2025-02-28", False),
        ("2024-02-29", "2025-03-01", True),
        ("2024-02-28", "2025-02-28", False),
        ("2024-02-28", "2025-03-01", True),
    ],
)
def test_more_than_a_year(acquired: str, sold: str, is_long_term: bool) -> None:
    (lot,) = listed((acquired, "1", "10"), (sold, "-1", "12"))
    assert lot.is_long_term == is_long_term


DAYS = st.dates(date(2024, 1, 1), date(2024, 6, 1))
ROWS = st.lists(st.tuples(DAYS, st.integers(-20, 20).filter(bool), st.integers(1, 200)), max_size=25)


@given(ROWS, st.sampled_from(Method))
def test_what_counts_and_what_waits_is_what_was_made(
    rows: list[tuple[date, int, int]], method: Method
) -> None:
    texts = [(day.isoformat(), str(quantity), str(price)) for day, quantity, price in sorted(rows)]
    washed, at_once = listed(*texts, method=method), listed(*texts, method=method, washes=False)
    moved_on = sum((lot.disallowed for lot in washed), Decimal(0))
    added = sum((lot.basis for lot in washed), Decimal(0)) - sum((lot.basis for lot in at_once), Decimal(0))
    assert sum((lot.gain for lot in washed), Decimal(0)) == pytest.approx(
        sum((lot.gain for lot in at_once), Decimal(0)) - added + moved_on
    )
    assert all(lot.disallowed >= 0 for lot in washed)
    assert 0 <= added <= moved_on
    assert sum(lot.quantity for lot in washed) == sum(lot.quantity for lot in at_once)
