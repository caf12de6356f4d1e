"""Rates of currencies are quotes of pairs: read directly, inverted, or through USD, never when unusable."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from market.quotes.rates import NoRate, Rate, rate
from tests import make

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def calendar() -> None:
    make.round_the_clock()


def pair(symbol: str, price: float, age: float = 10, **values: Any) -> None:
    make.instrument(symbol, "24/7")
    make.quote(symbol, price, make.T0 - age * SECOND, **values)


def value(currency: str, into: str) -> float:
    return rate(currency, into, make.T0).value


def test_a_currency_in_itself_is_one_and_needs_no_quote(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert rate("EUR", "EUR", make.T0) == Rate(1.0, make.T0, timedelta(0))


def test_a_rate_has_its_age_and_source() -> None:
    pair("EUR/USD", 1.25, age=10, provider="polygon")
    expected = Rate(1.25, make.T0 - 10 * SECOND, 10 * SECOND, ("EUR/USD",), ("polygon",))
    assert rate("EUR", "USD", make.T0) == expected


def test_the_middle_of_the_book_is_the_rate_unless_it_is_crossed() -> None:
    pair("EUR/USD", 1.20, bid=1.24, ask=1.26)
    pair("GBP/USD", 1.50, bid=1.61, ask=1.59)
    assert (value("EUR", "USD"), value("GBP", "USD")) == (1.25, 1.50)


def test_a_pair_is_read_the_other_way_round_too() -> None:
    pair("USD/JPY", 160.0)
    assert value("JPY", "USD") == 1 / 160


def test_two_currencies_meet_in_dollars() -> None:
    pair("EUR/USD", 1.25, age=100, provider="alpaca")
    pair("USD/JPY", 160.0, age=20, provider="polygon")
    crossed = rate("EUR", "JPY", make.T0)
    assert (crossed.value, crossed.age) == (200.0, 100 * SECOND)
    assert (crossed.pairs, crossed.providers) == (("EUR/USD", "USD/JPY"), ("alpaca", "polygon"))
    assert value("JPY", "EUR") == pytest.approx(1 / 200)


def test_their_own_pair_comes_before_the_way_through_dollars_and_the_younger_one_first() -> None:
    pair("EUR/USD", 1.25)
    pair("GBP/USD", 1.50)
    pair("EUR/GBP", 0.85, age=60)
    assert value("EUR", "GBP") == 0.85
    pair("GBP/EUR", 1.25, age=30)
    assert value("EUR", "GBP") == 0.8


@pytest.mark.parametrize(
    ("currency", "into", "expected"),
    [("GBX", "GBP", 0.01), ("GBP", "GBX", 100.0), ("GBX", "USD", 0.015), ("USD", "GBX", 100 / 1.5)],
)
def test_pence_are_hundredths_of_a_pound(currency: str, into: str, expected: float) -> None:
    pair("GBP/USD", 1.50)
    assert value(currency, into) == pytest.approx(expected)


UNUSABLE: dict[str, dict[str, Any]] = {
    "too old": {"age": 301},
    "from the future": {"age": -301},
    "doubtful": {"doubt": "far_from_last", "doubtful_price": 12.5, "doubtful_as_of": make.T0},
}


@pytest.mark.parametrize(("why", "values"), UNUSABLE.items())
def test_what_cannot_be_used_is_refused_with_the_reason(why: str, values: dict[str, Any]) -> None:
    pair("EUR/USD", 1.25, **values)
    with pytest.raises(NoRate, match=rf"EUR/USD is {why}.*Watch EUR/USD"):
        rate("EUR", "USD", make.T0)


def test_an_unusable_pair_is_gone_around() -> None:
    pair("EUR/GBP", 0.99, age=400)
    pair("EUR/USD", 1.25)
    pair("GBP/USD", 1.25)
    assert value("EUR", "GBP") == 1.0


def test_a_quote_ages_only_while_its_pair_trades() -> None:
    make.july_2024()
    make.instrument("EUR/USD", "XNYS")
    close = make.T0.replace(hour=17)
    make.quote("EUR/USD", 1.25, close - 10 * SECOND)
    later = close + timedelta(hours=20)
    assert rate("EUR", "USD", later).age == timedelta(hours=20, seconds=10)


def test_a_pair_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(NoRate, match=r"No rate of CHF in USD: no pair is quoted\. Watch CHF/USD"):
        rate("CHF", "USD", make.T0)


def test_a_rate_takes_three_queries_however_many_pairs(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for symbol in ("EUR/USD", "USD/EUR", "GBP/USD", "EUR/GBP", "GBP/EUR"):
        pair(symbol, 1.0)
    with django_assert_num_queries(3):
        rate("EUR", "GBP", make.T0)
