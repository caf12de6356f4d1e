"""What holding shares costs and brings on paper: a borrow fee for each night, cash for parts of shares.

Minutes count from 10:00; a night comes after a minute here.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from approvals.brokers.paper import Night, Restating
from tests.approvals.paper_tape import MINUTE, Account, Tape, closing, held, short
from tests.make import T0

DAY, BEFORE = date(2024, 7, 3), date(2024, 7, 2)
CLOSE, NEXT = 30, 60


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def night(account: Account, minute: float = CLOSE, nights: int = 1, close: float = 102.0) -> None:
    """A close at a minute, with the bar that ends there."""
    account.tape.nights.append(Night(DAY, T0 + minute * MINUTE, nights))
    account.tape.bar(minute - 5, close, close, close, close)


def split(account: Account, ratio: Fraction, minute: float = 20, close: float = 98.0) -> None:
    account.tape.nights.append(Night(BEFORE, T0 + 15 * MINUTE, 1))
    account.tape.bar(10, close, close, close, close)
    account.tape.splits.append(Restating(T0 + minute * MINUTE, ratio))


def charged(account: Account, minute: float) -> list[tuple[str, str]]:
    """Quantity and cash of what was charged by a minute, once the account was looked at."""
    account.at(minute).account()
    return [(f"{each.quantity.normalize():f}", f"{each.cash}") for each in account.book.carried()]


def test_a_short_pays_a_years_rate_over_360_for_a_night(account: Account) -> None:
    held(account, short())
    night(account)
    account.book.rates["AAPL"] = Decimal("0.36")
    before = account.at(29).account()
    after = account.at(31).account()
    assert charged(account, 31) == [("-100", "-10.20")]
    assert after.cash - before.cash == Decimal("-10.20")


def test_without_a_rate_of_its_own_the_default_counts(account: Account) -> None:
    held(account, short())
    night(account)
    assert charged(account, 31) == [("-100", "-0.07")]


def test_a_weekend_has_three_nights(account: Account) -> None:
    held(account, short())
    night(account, nights=3)
    account.book.rates["AAPL"] = Decimal("0.36")
    assert charged(account, 31) == [("-100", "-30.60")]
    assert account.at(31).charges(T0)[0].what == (
        "Borrow fee of 2024-07-03 for 100 AAPL, 3 nights at 36.00% a year"
    )


def test_a_long_and_a_short_that_ended_before_the_close_pay_nothing(account: Account) -> None:
    held(account)
    night(account)
    assert charged(account, 31) == []
    other = Account(Tape())
    order = held(other, short())
    other.at(2).close(closing(side=order.side.opposite))
    other.tape.quote(101.0, 3)
    night(other)
    assert charged(other, 31) == []


def test_it_is_charged_once_and_a_rate_that_changes_later_changes_nothing(account: Account) -> None:
    held(account, short())
    night(account)
    account.book.rates["AAPL"] = Decimal("0.36")
    for minute in (31, 32, 500):
        assert charged(account, minute) == [("-100", "-10.20")]
        account.book.rates["AAPL"] = Decimal(1)


def test_it_waits_for_the_bar_that_has_the_close(account: Account) -> None:
    held(account, short())
    account.tape.nights.append(Night(DAY, T0 + CLOSE * MINUTE, 1))
    account.book.rates["AAPL"] = Decimal("0.36")
    account.tape.bar(15, 101.0, 101.0, 101.0, 101.0)
    assert charged(account, 31) == []
    account.tape.bar(25, 102.0, 102.0, 102.0, 102.0)
    assert charged(account, 32) == [("-100", "-10.20")]


def test_a_bar_that_never_comes_is_not_waited_for_longer_than_a_day(account: Account) -> None:
    held(account, short())
    account.tape.nights.append(Night(DAY, T0 + CLOSE * MINUTE, 1))
    account.book.rates["AAPL"] = Decimal("0.36")
    account.tape.bar(15, 101.0, 101.0, 101.0, 101.0)
    assert charged(account, CLOSE + 27 * 60) == [("-100", "-10.10")]


@pytest.mark.parametrize(
    ("ratio", "shares", "part", "cash"),
    [
        (Fraction(7, 3), 233, "0.333333", "14.00"),  # at 42
        (Fraction(1, 15), 6, "0.666667", "980.00"),  # at 1,470
        (Fraction(3, 2), 150, "", ""),
    ],
)
def test_the_part_of_a_share_is_paid_at_the_last_close(
    account: Account, ratio: Fraction, shares: int, part: str, cash: str
) -> None:
    held(account)
    split(account, ratio)
    before = account.at(19).account()
    after = account.at(21).account()
    assert [holding.quantity for holding in account.at(21).holdings().values()] == [shares]
    assert charged(account, 21) == ([(part, cash)] if part else [])
    assert after.cash - before.cash == Decimal(cash or 0)


def test_a_short_pays_for_the_part_that_it_owes(account: Account) -> None:
    held(account, short())
    split(account, Fraction(7, 3))
    assert charged(account, 21) == [("-0.333333", "-14.00"), ("-100", "-0.07")]
    assert account.at(21).charges(T0)[0].what == "Cash in lieu of 0.333333 AAPL after the split of 2024-07-03"


def test_what_is_left_of_two_splits_is_whole_after_each(account: Account) -> None:
    """100 shares are 66 after 2:3, and 99 after 3:2: what was paid out does not come back."""
    held(account)
    split(account, Fraction(2, 3))
    account.tape.splits.append(Restating(T0 + 25 * MINUTE, Fraction(3, 2)))
    assert [holding.quantity for holding in account.at(26).holdings().values()] == [99]
    account.tape.quote(80.0, 27)
    account.at(33).account()
    assert account.at(33).holdings() == {}
    assert sum(each.side.sign * each.quantity for each, _ in account.book.executed) == 1


def test_a_split_that_is_withdrawn_is_taken_back(account: Account) -> None:
    held(account)
    split(account, Fraction(7, 3))
    before = account.at(19).account().cash
    assert charged(account, 21) == [("0.333333", "14.00")]
    account.tape.splits.clear()
    assert charged(account, 22) == [("0.333333", "14.00"), ("-0.333333", "-14.00")]
    assert account.at(23).account().cash == before


def test_a_split_without_a_price_yet_waits(account: Account) -> None:
    held(account)
    split(account, Fraction(7, 3))
    bars, account.tape.closed = account.tape.closed, []
    assert charged(account, 21) == []
    account.tape.closed = bars
    assert charged(account, 22) == [("0.333333", "14.00")]
