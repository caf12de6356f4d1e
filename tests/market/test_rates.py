"""Rates of currencies are quotes of pairs: read directly, inverted, or through USD, never when unusable."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from market.quotes import forex
from market.quotes.rates import NoRate, Rate, Rates, rate
from tests import make

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def pair(symbol: str, price: float, age: float = 10, **values: Any) -> None:
    make.quote(symbol, price, make.T0 - age * SECOND, **values)


def known(currency: str, into: str, at: datetime = make.T0) -> Rate:
    return Rates.load([currency, into], at).between(currency, into)


def value(currency: str, into: str) -> Decimal:
    return known(currency, into).value


def near(figure: float) -> Any:
    return pytest.approx(Decimal(str(figure)), rel=Decimal("0.000001"))


def test_a_currency_in_itself_is_one_and_needs_no_quote(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert rate("EUR", "EUR", make.T0) == Rate(Decimal(1), make.T0, timedelta(0))


def test_a_rate_has_its_age_and_source() -> None:
    pair("EUR/USD", 1.25, age=10, provider="polygon")
    expected = Rate(Decimal("1.25"), make.T0 - 10 * SECOND, 10 * SECOND, ("EUR/USD",), ("polygon",))
    assert rate("EUR", "USD", make.T0) == expected


def test_the_middle_of_the_book_is_the_rate_unless_it_is_crossed() -> None:
    pair("EUR/USD", 1.20, bid=1.24, ask=1.26)
    pair("GBP/USD", 1.50, bid=1.61, ask=1.59)
    assert (value("EUR", "USD"), value("GBP", "USD")) == (Decimal("1.25"), Decimal("1.50"))


def test_a_pair_is_read_the_other_way_round_too() -> None:
    pair("USD/JPY", 160.0)
    assert value("JPY", "USD") == Decimal(1) / 160


def test_two_currencies_meet_in_dollars() -> None:
    pair("EUR/USD", 1.25, age=100, provider="alpaca")
    pair("USD/JPY", 160.0, age=20, provider="polygon")
    crossed = known("EUR", "JPY")
    assert (crossed.value, crossed.age, crossed.doubt) == (Decimal(200), 100 * SECOND, "")
    assert (crossed.pairs, crossed.providers) == (("EUR/USD", "USD/JPY"), ("alpaca", "polygon"))
    assert value("JPY", "EUR") == near(1 / 200)


def test_their_own_pair_comes_before_the_way_through_dollars_and_the_younger_one_first() -> None:
    pair("EUR/USD", 1.25)
    pair("GBP/USD", 1.50)
    pair("EUR/GBP", 0.84, age=60)
    assert value("EUR", "GBP") == Decimal("0.84")
    pair("GBP/EUR", 1.2, age=30)
    assert value("EUR", "GBP") == 1 / Decimal("1.2")


def test_two_ways_that_do_not_agree_are_doubtful() -> None:
    pair("EUR/USD", 1.25)
    pair("GBP/USD", 1.50)
    pair("EUR/GBP", 1.2, age=60)  # upside down
    assert known("EUR", "GBP").doubt == "EUR/GBP, EUR/USD, GBP/USD do not agree"
    with pytest.raises(NoRate, match="doubtful: EUR/GBP, EUR/USD, GBP/USD do not agree"):
        Rates.load(["EUR", "GBP"], make.T0).firm("EUR", "GBP")
    assert not known("EUR", "USD").is_doubtful


@pytest.mark.parametrize(
    ("currency", "into", "expected"),
    [
        ("GBX", "GBP", 0.01),
        ("GBP", "GBX", 100.0),
        ("GBX", "USD", 0.015),
        ("USD", "GBX", 100 / 1.5),
        ("ZAC", "USD", 0.01 / 20),
        ("GBX", "ZAC", 30.0),
        ("ILA", "USD", 0.0025),
    ],
)
def test_pence_are_hundredths_of_a_pound(currency: str, into: str, expected: float) -> None:
    pair("GBP/USD", 1.50)
    pair("USD/ZAR", 20.0)
    pair("USD/ILS", 4.0)
    assert value(currency, into) == near(expected)


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "too old": ({"age": 901}, "the quote of EUR/USD is too old"),
    "from the future": ({"age": -901}, "the quote of EUR/USD is from the future"),
    "never believed": (
        {"doubt": "off_scale", "doubtful_price": 1.25, "doubtful_as_of": make.T0 - 10 * SECOND},
        "the price of EUR/USD is doubtful",
    ),
    "a hundredfold": ({"price": 125.0}, "125 is no rate of EUR/USD"),
}


@pytest.mark.parametrize(("values", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_cannot_be_used_is_refused_with_the_reason(values: dict[str, Any], why: str) -> None:
    pair("EUR/USD", **{"price": 1.25} | values)
    assert rate("EUR", "USD", make.T0) is None
    with pytest.raises(NoRate, match=rf"{why}.*watch EUR/USD"):
        known("EUR", "USD")


def test_a_newer_price_that_is_not_believed_makes_the_one_before_doubtful() -> None:
    pair("EUR/USD", 1.25, doubt="off_scale", doubtful_price=0.8, doubtful_as_of=make.T0)
    assert known("EUR", "USD").doubt == "the newest price of EUR/USD is not believed"
    assert value("EUR", "USD") == Decimal("1.25")


def test_an_unusable_pair_is_gone_around() -> None:
    pair("EUR/GBP", 0.99, age=1000)
    pair("EUR/USD", 1.25)
    pair("GBP/USD", 1.25)
    assert value("EUR", "GBP") == 1


def test_a_rate_ages_only_while_currencies_trade() -> None:
    friday = datetime(2024, 7, 5, 20, 59, tzinfo=UTC)  # a minute before 17:00 in New York
    make.quote("EUR/USD", 1.25, friday)
    assert known("EUR", "USD", datetime(2024, 7, 7, 20, 0, tzinfo=UTC)).age == MINUTE
    assert rate("EUR", "USD", datetime(2024, 7, 7, 21, 15, tzinfo=UTC)) is None


def test_what_the_feed_delays_does_not_count() -> None:
    pair("EUR/USD", 1.25, age=1200, delay_seconds=900)
    assert known("EUR", "USD").age == 300 * SECOND


def test_a_pair_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(NoRate, match=r"No rate of CHF in USD: no pair is quoted\..*watch USD/CHF"):
        known("CHF", "USD")


def test_rates_take_one_query_however_many(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for symbol in ("EUR/USD", "USD/EUR", "GBP/USD", "EUR/GBP", "GBP/EUR"):
        pair(symbol, 1.0)
    with django_assert_num_queries(1):
        rates = Rates.load(["EUR", "GBP", "GBX", "USD"], make.T0)
        rates.between("EUR", "GBP")
        rates.between("GBX", "USD")


HOURS = [
    ("2024-07-01 12:00", "2024-07-01 13:00", 60),  # a Monday
    ("2024-07-05 20:00", "2024-07-05 22:00", 60),  # Friday 17:00 in New York is 21:00 in summer
    ("2024-01-05 21:00", "2024-01-05 23:00", 60),  # and 22:00 in winter
    ("2024-07-05 21:00", "2024-07-07 21:00", 0),  # a weekend
    ("2024-07-07 20:00", "2024-07-07 22:00", 60),  # Sunday evening
    ("2024-07-05 20:30", "2024-07-07 21:30", 60),
    ("2024-12-24 21:00", "2024-12-25 23:00", 120),  # Christmas, from the evening before
    ("2024-12-31 22:00", "2025-01-01 22:00", 0),
    ("2024-03-08 21:30", "2024-03-10 21:30", 60),  # the clocks change between: 22:00, then 21:00
    ("2024-07-01 13:00", "2024-07-01 12:00", 0),
    ("2024-07-01 00:00", "2024-07-08 00:00", 5 * 24 * 60),
]


@pytest.mark.parametrize(("since", "until", "minutes"), HOURS)
def test_currencies_trade_from_sunday_to_friday(since: str, until: str, minutes: int) -> None:
    begin, end = (datetime.fromisoformat(f"{text}Z") for text in (since, until))
    assert forex.traded(begin, end) == minutes * MINUTE
