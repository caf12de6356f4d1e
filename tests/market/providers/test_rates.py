"""Rates of currencies, asked of vendors on loopback; answers in the shapes of the vendors' own examples."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.http import Patience
from market.providers.alpaca import Alpaca
from market.providers.base import ProviderError, Unpaced
from market.providers.currencies import TYPICAL, code, is_off_scale, is_other_unit, pair, whole
from market.providers.ib_bridge import IBBridge
from market.providers.polygon import Polygon
from market.providers.rates import GivesRates, Rates
from market.providers.simulator import Simulator
from tests import vendors
from tests.vendors import faults

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=1, pause=0.02)
PAIRS = ["EUR/USD", "USD/JPY"]
ALPACA: dict[str, Any] = {
    "rates": {"USDJPY": {"bp": 127.702, "mp": 127.757, "ap": 127.763, "t": "2022-05-20T05:38:41.311530885Z"}}
}
POLYGON: dict[str, Any] = {
    "last": {"ask": 0.73124, "bid": 0.73122, "exchange": 48, "timestamp": 1605557756000},
    "request_id": "a73a29dbcab4613eeaf48583d3baacf0",
    "status": "success",
    "symbol": "AUD/USD",
}


def alpaca(vendor: vendors.Alpaca, *pairs: str) -> Rates:
    provider = Alpaca(
        vendor.url, key=vendor.key, secret=vendor.secret, per_minute=200, pace=Unpaced(), patience=HASTY
    )
    return provider.rates(pairs, T)


def polygon(vendor: vendors.Polygon, *pairs: str) -> Rates:
    provider = Polygon(vendor.url, key=vendor.key, per_minute=5, pace=Unpaced(), patience=HASTY)
    return provider.rates(pairs, T)


def test_the_answer_that_alpaca_documents_is_read() -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.answers["/v1beta1/forex/latest/rates"] = ALPACA
        answer = alpaca(vendor, "EUR/USD", "USD/JPY")
        assert vendor.visits[-1].query == {"currency_pairs": "EURUSD,USDJPY"}
    (tick,) = answer.ticks
    assert (tick.symbol, tick.bid, tick.ask) == ("USD/JPY", 127.702, 127.763)
    assert tick.price == pytest.approx(127.7325)
    assert tick.as_of == datetime(2022, 5, 20, 5, 38, 41, 311530, tzinfo=UTC)
    assert answer.failed == {"EUR/USD": "no rate at Alpaca"}


def test_the_answer_that_polygon_documents_is_read() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers["/v1/last_quote/currencies/AUD/USD"] = POLYGON
        answer = polygon(vendor, "AUD/USD")
    (tick,) = answer.ticks
    assert (tick.bid, tick.ask) == (0.73122, 0.73124)
    assert tick.price == pytest.approx(0.73123)
    assert tick.as_of == datetime.fromtimestamp(1605557756, UTC)


def test_alpaca_is_asked_for_each_when_it_refuses_all_because_of_one() -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.rates = {"EUR/USD": 1.08}
        answer = alpaca(vendor, "EUR/USD", "EUR/XXX")
        assert len(vendor.visits) == 3
    assert [tick.symbol for tick in answer.ticks] == ["EUR/USD"]
    assert "invalid currency pair" in answer.failed["EUR/XXX"]


def test_a_refusal_with_200_is_one_of_the_plan() -> None:
    with vendors.Polygon(now=T) as vendor:
        for name in ("EUR/USD", "USD/JPY"):
            vendor.answers[f"/v1/last_quote/currencies/{name}"] = {
                "status": "NOT_AUTHORIZED",
                "message": "No.",
            }
        assert polygon(vendor, *PAIRS).off.startswith("Polygon's plan has no live rates")


@pytest.mark.parametrize("ask", [alpaca, polygon])
def test_a_vendor_that_is_down_has_failed(ask: Any) -> None:
    with (vendors.Alpaca if ask is alpaca else vendors.Polygon)(now=T) as vendor:
        vendor.fail(faults.status(503))
        with pytest.raises(ProviderError, match="503"):
            ask(vendor, *PAIRS)


ODD: list[Any] = [
    {}, {"rates": None}, {"rates": {"EURUSD": []}}, {"rates": {"EURUSD": {"bp": "x", "ap": None, "t": 5}}},
    {"rates": {"EURUSD": {"bp": 1.08, "ap": 1.09, "t": "yesterday"}}}, {"last": 5},
    {"last": {"bid": 0, "ask": -1, "timestamp": 1}}, {"last": {"bid": 1.08, "ask": 1.09, "timestamp": "x"}},
]  # fmt: skip


@pytest.mark.parametrize("body", ODD)
def test_an_answer_of_another_shape_is_no_rate(body: Any) -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.answers["/v1beta1/forex/latest/rates"] = body
        assert alpaca(vendor, "EUR/USD").failed.keys() == {"EUR/USD"}
    with vendors.Polygon(now=T) as vendor:
        vendor.answers["/v1/last_quote/currencies/EUR/USD"] = body
        assert polygon(vendor, "EUR/USD").failed.keys() == {"EUR/USD"}


def test_invented_rates_agree_and_are_said_to_be_invented() -> None:
    for seconds in range(0, 40 * 86_400, 7_777):
        ticks = Simulator(1).rates(["EUR/USD", "USD/JPY", "EUR/JPY"], T + timedelta(seconds=seconds)).ticks
        euro, yen, cross = (tick.price for tick in ticks)
        assert cross == pytest.approx(euro * yen, rel=1e-5)
        assert not any(is_off_scale(tick.symbol, tick.price) for tick in ticks)
    assert {tick.exchange for tick in ticks} == {"SIM"}


def test_the_bridge_has_none_in_its_contract() -> None:
    assert not hasattr(IBBridge, "rates")
    assert isinstance(Simulator(1), GivesRates)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("GBp", "GBX"), ("GBX", "GBX"), ("gbp", "GBP"), ("ZAc", "ZAC"), ("ILa", "ILA"), (" usd ", "USD"),
        ("USc", "USX"), (None, ""), ("Euro", "EUR"),
    ],
)  # fmt: skip
def test_parts_of_a_currency_are_not_the_currency(text: object, written: str) -> None:
    assert code(text) == written


@pytest.mark.parametrize(
    ("one", "other", "written"),
    [
        ("USD", "EUR", "EUR/USD"),
        ("JPY", "USD", "USD/JPY"),
        ("GBP", "EUR", "EUR/GBP"),
        ("CHF", "JPY", "CHF/JPY"),
    ],
)
def test_a_pair_is_written_as_the_market_does(one: str, other: str, written: str) -> None:
    assert pair(one, other) == written


def test_a_hundred_pence_are_a_pound() -> None:
    assert (whole("GBX"), whole("GBP"), whole("KWF")) == (("GBP", 100), ("GBP", 1), ("KWD", 1000))


@pytest.mark.parametrize("currency", sorted(TYPICAL.keys() - {"USD"}))
def test_a_rate_for_a_hundred_units_is_off_scale(currency: str) -> None:
    symbol = pair(currency, "USD")
    right = TYPICAL[currency] if symbol.startswith("USD") else 1 / TYPICAL[currency]
    assert not is_off_scale(symbol, right * 1.5)
    assert is_off_scale(symbol, right * 100)
    assert is_off_scale(symbol, right / 100)


def test_an_inverse_is_told_by_its_size_or_by_the_last_rate() -> None:
    assert is_off_scale("USD/JPY", 1 / 157)
    assert is_other_unit(1 / 1.08, 1.08)
    assert not is_other_unit(1.02, 1.08)
    assert not is_other_unit(0.998, 1.002)  # as near as parity
    assert not is_other_unit(1.3, 1.0)  # a currency can lose a third overnight
    assert is_off_scale("XAU/USD", 2_300) is False
