"""Rates of currencies: which are needed is known by itself, each comes from the first who has it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from market.ingestion import rates
from market.models import CurrencyPair, Fault, Instrument, ProviderPace, Quote, QuoteHistory, RateRefusal
from market.prices import Feed
from market.quotes import pairs
from market.quotes.rates import rate
from tests import make
from tests.loopback import AT, alpaca, polygon, watch
from tests.vendors import Alpaca, Polygon, faults

__all__ = ["alpaca", "polygon"]

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EURO = {"EUR/USD": 1.08}


def priced_in(*currencies: str) -> None:
    for currency in currencies:
        make.instrument(f"IN{currency}")
        Instrument.objects.filter(pk=f"IN{currency}").update(currency=currency)


def refresh(minutes: float = 0, *, into: str = "USD") -> None:
    ProviderPace.objects.all().delete()
    rates.refresh({into}, AT + minutes * MINUTE)


def problems() -> dict[str, str]:
    return dict(CurrencyPair.objects.values_list("symbol", "problem"))


@pytest.mark.parametrize(
    ("account", "shares", "needed"),
    [
        ("USD", ["USD"], []),
        ("USD", [], []),
        ("USD", ["EUR"], ["EUR/USD"]),
        ("EUR", ["USD"], ["EUR/USD"]),
        ("EUR", ["EUR"], []),
        ("EUR", ["GBP"], ["EUR/USD", "GBP/USD"]),
        ("USD", ["GBX", "GBP", "ZAC"], ["GBP/USD", "USD/ZAR"]),
        ("GBP", ["GBX"], []),
        ("USD", ["JPY", "usd", ""], ["USD/JPY"]),
    ],
)
def test_those_are_needed_that_make_all_currencies_comparable(
    account: str, shares: list[str], needed: list[str]
) -> None:
    Instrument.objects.update(watched=False)
    priced_in(*shares)
    assert sorted(rates.needed({account}, AT)) == needed


def test_of_what_is_not_watched_or_held_none_is_needed() -> None:
    priced_in("EUR", "JPY")
    Instrument.objects.filter(currency="EUR").update(watched=False)
    Instrument.objects.filter(currency="JPY").update(watched=False, in_use=True)
    assert rates.needed({"USD"}, AT) == {"USD/JPY"}


@pytest.mark.parametrize(("pay_date", "needed"), [("2024-08-01", {"USD/CAD"}), ("2024-10-01", set[str]())])
def test_a_dividend_in_another_currency_needs_its_rate_about_when_it_is_paid(
    pay_date: str, needed: set[str]
) -> None:
    make.instrument("BHP")
    make.action("BHP", "2024-05-01", currency="CAD", pay_date=pay_date)
    assert rates.needed({"USD"}, AT) == needed


def test_a_rate_is_a_stored_quote_with_its_source_and_age(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings, "AAPL")
    priced_in("EUR")
    alpaca.rates = EURO
    refresh()
    stored = Quote.objects.get(pk="EUR/USD")
    assert (stored.provider, stored.feed, stored.as_of.replace(microsecond=0)) == ("alpaca", Feed.LIVE, AT)
    assert QuoteHistory.objects.filter(symbol="EUR/USD").count() == 1
    assert not Instrument.objects.filter(pk="EUR/USD").exists()
    known = rate("EUR", "USD", AT + MINUTE)
    assert known is not None
    assert known.value == pytest.approx(Decimal("1.08"))
    assert timedelta(seconds=59) < known.age < MINUTE
    assert (known.providers, known.is_doubtful) == (("alpaca",), False)
    refresh()  # again at once: nothing is asked
    assert len(alpaca.visits) == 1


def test_what_is_no_longer_needed_is_no_longer_asked_for(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings)
    priced_in("EUR")
    alpaca.rates = EURO
    refresh()
    Instrument.objects.update(watched=False)
    refresh(5)
    assert not CurrencyPair.objects.exists()
    assert len(alpaca.visits) == 1


def test_what_the_first_provider_lacks_comes_from_the_second(
    settings: Settings, alpaca: Alpaca, polygon: Polygon
) -> None:
    watch(settings)
    priced_in("EUR", "JPY")
    alpaca.rates, polygon.rates = EURO, {"USD/JPY": 156.0}
    refresh()
    assert dict(Quote.objects.values_list("symbol", "provider")) == {
        "EUR/USD": "alpaca",
        "USD/JPY": "polygon",
    }
    assert problems() == {"EUR/USD": "", "USD/JPY": ""}
    assert not Fault.objects.exists()


def test_a_plan_without_rates_is_asked_again_a_day_later_and_is_no_fault(
    settings: Settings, alpaca: Alpaca, polygon: Polygon
) -> None:
    watch(settings)
    priced_in("EUR")
    for minutes in (0, 5, 10):
        refresh(minutes)
    assert (len(alpaca.visits), len(polygon.visits)) == (1, 1)
    assert not Fault.objects.exists()
    assert "Alpaca's plan has no rates" in problems()["EUR/USD"]
    assert "Polygon's plan has no live rates" in problems()["EUR/USD"]
    polygon.rates = EURO
    refresh(24 * 60 + 1)
    assert list(RateRefusal.objects.values_list("provider", flat=True)) == ["alpaca"]
    assert problems() == {"EUR/USD": ""}


def test_a_pair_that_nobody_has_is_a_fault_of_its_own(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings)
    priced_in("EUR", "XXX")
    alpaca.rates = EURO
    refresh()
    assert Quote.objects.filter(pk="EUR/USD").exists()
    fault = Fault.objects.get()
    assert (fault.work, fault.subject) == (Fault.Work.RATES, "USD/XXX")
    assert "invalid currency pair" in fault.reason


def test_a_provider_that_is_down_leaves_them_to_the_next(
    settings: Settings, alpaca: Alpaca, polygon: Polygon
) -> None:
    watch(settings)
    priced_in("EUR")
    alpaca.fail(faults.status(503))
    polygon.rates = EURO
    refresh()
    assert Quote.objects.get(pk="EUR/USD").provider == "polygon"
    assert not Fault.objects.exists()


def test_without_a_provider_that_knows_rates_it_is_said(settings: Settings) -> None:
    watch(settings)
    priced_in("EUR")
    refresh()
    assert problems() == {"EUR/USD": rates.NOT_ASKED}
    (lacking,) = pairs.missing(AT + 20 * MINUTE)
    assert str(lacking) == f"EUR/USD: no rate came; {rates.NOT_ASKED}"
    assert pairs.missing(AT + MINUTE) == []  # a first rate takes its time


WRONG = {
    "for a hundred": ("USD/JPY", 156.0, 1.56),
    "a hundredfold": ("USD/JPY", 156.0, 15_600.0),
    "upside down": ("USD/JPY", 156.0, 1 / 156),
    "upside down near one": ("EUR/USD", 1.08, 1 / 1.08),
    "of pence": ("GBP/USD", 1.27, 127.0),
}


@pytest.mark.parametrize(("symbol", "right", "wrong"), WRONG.values(), ids=WRONG)
def test_a_rate_of_another_unit_stays_doubtful_however_often_it_is_said(
    settings: Settings, alpaca: Alpaca, symbol: str, right: float, wrong: float
) -> None:
    watch(settings)
    priced_in("JPY", "EUR", "GBP")
    alpaca.rates = {"USD/JPY": 156.0, "EUR/USD": 1.08, "GBP/USD": 1.27}
    refresh()
    alpaca.rates[symbol] = wrong
    for minutes in (5, 10):
        alpaca.now = AT + minutes * MINUTE
        refresh(minutes)
    stored = Quote.objects.get(pk=symbol)
    assert stored.price == pytest.approx(right)
    assert stored.doubt == "off_scale"
    base, _, term = symbol.partition("/")
    known = rate(base, term, AT + 10 * MINUTE)
    assert known is not None
    assert known.is_doubtful
    assert rate(base, term, AT + 20 * MINUTE) is None  # the one before is too old


def test_the_first_rate_may_be_wrong_too(settings: Settings, alpaca: Alpaca) -> None:
    watch(settings)
    priced_in("JPY")
    alpaca.rates = {"USD/JPY": 1.56}
    refresh()
    refresh(5)
    assert rate("USD", "JPY", AT + 5 * MINUTE) is None
    alpaca.rates["USD/JPY"], alpaca.now = 156.0, AT + 10 * MINUTE
    refresh(10)
    known = rate("USD", "JPY", AT + 10 * MINUTE)
    assert known is not None
    assert not known.is_doubtful


def test_a_currency_that_falls_by_a_third_is_believed_the_second_time(
    settings: Settings, alpaca: Alpaca
) -> None:
    """As the Egyptian pound did on 6 March 2024."""
    watch(settings)
    priced_in("EGP")
    for minutes, price in ((0, 30.9), (5, 49.5), (10, 49.4)):
        alpaca.rates, alpaca.now = {"USD/EGP": price}, AT + minutes * MINUTE
        refresh(minutes)
    assert Quote.objects.get(pk="USD/EGP").price == pytest.approx(49.4)


def test_the_simulator_gives_labelled_rates(settings: Settings) -> None:
    settings.DATA_KIND = "simulated"
    Instrument.objects.update(watched=False)
    priced_in("EUR")
    refresh()
    assert Quote.objects.get(pk="EUR/USD").feed == Feed.SIMULATED
