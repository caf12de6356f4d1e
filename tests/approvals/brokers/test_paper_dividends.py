"""Dividends of an account on paper: who holds over the ex-date has the cash from the pay date on, once.

Minutes count from 10:00; sessions are minutes here, an ex-date one of them.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from approvals.brokers.paper import Dividend, ExchangeRate, Restating
from tests.approvals.paper_tape import MINUTE, Account, Tape, closing, held, short
from tests.make import T0

EX = date(2024, 7, 4)
EX_AT, PAID_AT = 10, 20


@pytest.fixture
def account() -> Account:
    return Account(Tape())


def declare(
    account: Account, amount: str = "0.24", ex: float = EX_AT, paid: float = PAID_AT, currency: str = "USD"
) -> None:
    declared = Dividend("AAPL", EX, T0 + ex * MINUTE, T0 + paid * MINUTE, Decimal(amount), currency)
    account.tape.declared = [declared]


def dividends(account: Account, minute: float) -> list[Decimal]:
    """What was paid by a minute, once the account was looked at."""
    account.at(minute).account()
    return [payment.cash for payment in account.book.paid]


def test_a_long_has_it_from_the_pay_date_on(account: Account) -> None:
    held(account)
    declare(account)
    before = account.at(19).account()
    after = account.at(20).account()
    assert after.cash - before.cash == Decimal("24.00")
    assert after.equity == before.equity


@pytest.mark.parametrize(("is_short", "cash"), [(False, "24.00"), (True, "-24.00")], ids=["long", "short"])
def test_it_counts_in_the_equity_from_the_ex_date_on(account: Account, is_short: bool, cash: str) -> None:
    held(account, short()) if is_short else held(account)
    declare(account)
    before, after = account.at(9).account(), account.at(10).account()
    assert (after.equity - before.equity, after.cash - before.cash) == (Decimal(cash), Decimal(0))
    assert after.buying_power - before.buying_power == min(Decimal(cash), Decimal(0))


def test_it_is_paid_once_however_often_the_account_is_looked_at(account: Account) -> None:
    held(account)
    declare(account)
    for minute in (20, 21, 22, 60):
        assert dividends(account, minute) == [Decimal("24.00")]


def test_a_worker_that_was_down_for_long_pays_it_afterwards(account: Account) -> None:
    held(account)
    declare(account)
    assert dividends(account, 10_000) == [Decimal("24.00")]


def test_a_short_pays_it(account: Account) -> None:
    held(account, short())
    declare(account)
    assert dividends(account, 20) == [Decimal("-24.00")]


def test_who_sold_before_the_ex_date_has_none(account: Account) -> None:
    held(account)
    account.at(2).close(closing())
    account.tape.quote(99.0, 3)
    declare(account)
    assert dividends(account, 20) == []


def test_who_sold_between_ex_date_and_pay_date_has_it(account: Account) -> None:
    held(account)
    declare(account)
    account.at(11).close(closing())
    account.tape.quote(99.0, 12)
    assert dividends(account, 20) == [Decimal("24.00")]


def test_who_bought_on_the_ex_date_has_none(account: Account) -> None:
    declare(account, ex=0.5)
    held(account)
    assert dividends(account, 20) == []


def test_a_part_that_was_sold_before_has_none(account: Account) -> None:
    held(account)
    account.at(2).close(closing(40))
    account.tape.quote(99.0, 3)
    declare(account)
    assert dividends(account, 20) == [Decimal("14.40")]


def test_a_split_on_the_ex_date_is_in_the_shares_that_are_paid_for(account: Account) -> None:
    held(account)
    declare(account)
    account.tape.splits.append(Restating(T0 + EX_AT * MINUTE, Fraction(4)))
    assert dividends(account, 20) == [Decimal("96.00")]


def test_a_split_after_the_ex_date_is_not(account: Account) -> None:
    held(account)
    declare(account)
    account.tape.splits.append(Restating(T0 + 15 * MINUTE, Fraction(4)))
    assert dividends(account, 20) == [Decimal("24.00")]


def test_a_fraction_of_a_cent_is_rounded_once(account: Account) -> None:
    held(account)
    declare(account, "0.086928")
    assert dividends(account, 20) == [Decimal("8.69")]


def test_a_correction_pays_the_difference(account: Account) -> None:
    held(account)
    declare(account)
    dividends(account, 20)
    declare(account, "0.25")
    assert dividends(account, 30) == [Decimal("24.00"), Decimal("1.00")]
    assert dividends(account, 40) == [Decimal("24.00"), Decimal("1.00")]


def test_one_that_never_was_is_taken_back(account: Account) -> None:
    held(account)
    declare(account)
    dividends(account, 20)
    account.tape.declared = []
    assert dividends(account, 30) == [Decimal("24.00"), Decimal("-24.00")]


def test_one_that_was_paid_stays_paid_when_its_day_moves(account: Account) -> None:
    held(account)
    declare(account)
    dividends(account, 20)
    declare(account, paid=50)
    assert dividends(account, 30) == dividends(account, 50) == [Decimal("24.00")]


def test_a_worker_whose_clock_is_behind_takes_nothing_back(account: Account) -> None:
    held(account)
    declare(account)
    dividends(account, 20)
    assert dividends(account, 19) == dividends(account, 20) == [Decimal("24.00")]


def test_side_of_the_position_when_it_goes_ex_counts(account: Account) -> None:
    held(account)
    account.at(2).close(closing())
    account.tape.quote(99.0, 3)
    account.at(4).account()
    account.at(4).place(short(good_until=T0 + 200 * MINUTE))
    account.tape.quote(101.0, 5)
    declare(account)
    assert account.at(6).holdings()["AAPL"].quantity == -100
    assert dividends(account, 20) == [Decimal("-24.00")]


def euro(value: str, minute: float = 15) -> ExchangeRate:
    return ExchangeRate(Decimal(value), T0 + minute * MINUTE, "alpaca")


def test_one_in_another_currency_is_paid_at_the_rate_of_the_moment(account: Account) -> None:
    held(account)
    declare(account, currency="EUR")
    account.tape.rates["EUR"] = euro("1.0834")
    assert dividends(account, 20) == [Decimal("26.00")]  # 24.00 EUR
    (payment,) = account.book.paid
    assert (payment.currency, payment.value, payment.rate) == ("EUR", Decimal("24.00"), euro("1.0834"))
    account.tape.rates["EUR"] = euro("1.2")
    assert dividends(account, 30) == [Decimal("26.00")]  # a rate that moves changes nothing that is paid


@pytest.mark.parametrize(("is_short", "cash"), [(False, "26.40"), (True, "-26.40")], ids=["long", "short"])
def test_it_counts_at_the_newest_rate_until_it_is_paid(account: Account, is_short: bool, cash: str) -> None:
    held(account, short()) if is_short else held(account)
    declare(account, currency="EUR")
    account.tape.rates["EUR"] = euro("1.1")
    before, after = account.at(9).account(), account.at(10).account()
    assert (after.equity - before.equity, after.cash - before.cash) == (Decimal(cash), Decimal(0))


def test_without_a_rate_it_waits_until_there_is_one(account: Account) -> None:
    held(account)
    declare(account, currency="EUR")
    before = account.at(15).account()
    after = account.at(20).account()
    assert (after.equity, after.cash) == (before.equity, before.cash)
    (waiting,) = account.book.waiting
    assert (waiting.key.currency, waiting.value, waiting.why) == ("EUR", Decimal("24.00"), "No rate of EUR.")
    account.tape.rates["EUR"] = euro("1.1")
    assert dividends(account, 30) == [Decimal("26.40")]
    assert account.book.waiting == []


def test_a_rate_that_a_person_gives_settles_it(account: Account) -> None:
    held(account)
    declare(account, currency="EUR")
    account.at(20).account()
    account.book.agreed[account.book.waiting[0].key] = euro("1.05")
    assert dividends(account, 21) == [Decimal("25.20")]


def test_a_correction_pays_the_difference_and_a_withdrawal_takes_back_what_was_paid(account: Account) -> None:
    held(account)
    declare(account, currency="EUR")
    account.tape.rates["EUR"] = euro("1.1")
    dividends(account, 20)
    declare(account, "0.25", currency="EUR")
    account.tape.rates["EUR"] = euro("1.2")
    assert dividends(account, 21) == [Decimal("26.40"), Decimal("1.20")]
    account.tape.declared = []
    assert sum(dividends(account, 22)) == 0
    assert sum(payment.value for payment in account.book.paid) == 0
    assert dividends(account, 23) == dividends(account, 22)


def test_one_that_is_found_to_be_in_another_currency_is_paid_anew(account: Account) -> None:
    held(account)
    declare(account)
    account.tape.rates["CAD"] = euro("0.7")
    dividends(account, 20)
    declare(account, currency="CAD")
    assert sum(dividends(account, 21)) == Decimal("16.80")


def test_two_of_a_day_in_two_currencies_are_both_paid(account: Account) -> None:
    held(account)
    declare(account, currency="EUR")
    (first,) = account.tape.declared
    account.tape.declared.append(replace(first, currency="USD", amount=Decimal("0.10")))
    account.tape.rates["EUR"] = euro("1.1")
    assert sorted(dividends(account, 20)) == [Decimal("10.00"), Decimal("26.40")]


def test_what_is_worth_less_than_half_a_cent_pays_nothing(account: Account) -> None:
    held(account)
    declare(account, "0.01", currency="IDR")
    account.tape.rates["IDR"] = euro("0.00006")
    assert dividends(account, 20) == []
    assert account.book.waiting == []
