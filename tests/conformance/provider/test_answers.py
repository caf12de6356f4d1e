"""What a provider answers when its vendor does."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pytest

from market.prices import Bars, Feed, Timeframe, to_instant
from market.providers.base import Candles, Quotes
from tests.conformance.provider.candidates import SYMBOLS, Candidate, Closed, T
from tests.vendors import faults
from tests.vendors.prices import Bar
from tests.vendors.server import Vendor

FETCHED = [timeframe for timeframe in Timeframe if timeframe.built_from is None]
SINCE = {timeframe: timedelta(days=1 if timeframe.is_intraday else 30) for timeframe in FETCHED}
ODD = ("NOPE", "BRK.B", "A/../B?x=1#y", "", "ÄÖ", "A" * 40)
SPOILT: list[Callable[[list[Bar]], list[Bar]]] = [
    faults.with_nan,
    faults.with_zeros,
    faults.with_minus_one,
    faults.duplicated,
    faults.unordered,
    faults.from_the_future,
    lambda bars: [],
]


def accounted(answer: Quotes | Candles) -> list[str]:
    """The symbols of an answer, as often as each occurs."""
    came = [tick.symbol for tick in answer.ticks] if isinstance(answer, Quotes) else [*answer.bars]
    return sorted([*came, *answer.failed, *answer.declined])


def test_every_symbol_has_a_quote(candidate: Candidate, answering: Vendor) -> None:
    quotes = candidate.build(answering).quotes(SYMBOLS, T)
    assert sorted(tick.symbol for tick in quotes.ticks) == sorted(SYMBOLS)
    assert (quotes.failed, quotes.declined) == ({}, [])


def test_a_quote_has_a_price_a_time_and_a_feed(candidate: Candidate, answering: Vendor) -> None:
    quotes = candidate.build(answering).quotes(SYMBOLS, T)
    for tick in quotes.ticks:
        assert math.isfinite(tick.price)
        assert tick.price > 0
        assert T - timedelta(hours=1) <= tick.as_of <= T + timedelta(seconds=2)
        assert tick.bid is None or tick.ask is None or tick.bid <= tick.ask
    assert (quotes.feed is Feed.SIMULATED) is candidate.spec.is_simulated
    assert (quotes.delay > timedelta(0)) is (quotes.feed is Feed.DELAYED)


@pytest.mark.parametrize("timeframe", FETCHED)
def test_bars_are_whole_ordered_and_inside_the_span(
    candidate: Candidate, answering: Vendor, timeframe: Timeframe
) -> None:
    since = T - SINCE[timeframe]
    candles = candidate.build(answering).candles(SYMBOLS, timeframe, since, T)
    assert accounted(candles) == sorted(SYMBOLS)
    assert (candles.feed is Feed.SIMULATED) is candidate.spec.is_simulated
    for bars in candles.bars.values():
        assert len(bars) > 5
        assert_sound(bars, since)
        step = np.timedelta64(timeframe.length)
        assert not np.any((bars.opened_at - np.datetime64(0, "us")) % step)  # days at 00:00 UTC of their date


def assert_sound(bars: Bars, since: datetime) -> None:
    assert np.all(np.diff(bars.opened_at) > np.timedelta64(0, "us"))
    assert np.all(bars.opened_at >= to_instant(since))
    assert np.all(bars.opened_at <= to_instant(T))
    assert np.all(bars.low > 0)
    assert np.all(bars.low <= np.minimum(bars.open, bars.close))
    assert np.all(bars.high >= np.maximum(bars.open, bars.close))
    assert np.all(bars.volume >= 0)


def test_an_empty_span_is_no_failure(candidate: Candidate, answering: Vendor) -> None:
    candles = candidate.build(answering).candles(SYMBOLS, Timeframe.M15, T, T)
    assert accounted(candles) == sorted(SYMBOLS)
    assert candles.failed == {}


@pytest.mark.parametrize("odd", ODD)
def test_a_symbol_that_the_vendor_does_not_have_costs_no_other(
    candidate: Candidate, answering: Vendor, odd: str
) -> None:
    symbols = ["AAPL", odd, "SPY"]
    provider = candidate.build(answering)
    quotes = provider.quotes(symbols, T)
    candles = provider.candles(symbols, Timeframe.D1, T - timedelta(days=30), T)
    assert accounted(quotes) == accounted(candles) == sorted(symbols)
    assert {"AAPL", "SPY"} <= {tick.symbol for tick in quotes.ticks}
    assert len(candles.bars["AAPL"]) > 5
    if candidate.is_remote:
        assert quotes.failed.get(odd)


@pytest.mark.parametrize("spoil", SPOILT, ids=[getattr(spoil, "__name__", "") for spoil in SPOILT])
def test_bars_that_cannot_be_true_are_for_the_house_to_refuse(
    candidate: Candidate, answering: Vendor, spoil: Callable[[list[Bar]], list[Bar]]
) -> None:
    answering.spoil = spoil
    candles = candidate.build(answering).candles(SYMBOLS, Timeframe.D1, T - timedelta(days=30), T)
    assert accounted(candles) == sorted(SYMBOLS)
    assert candles.failed == {}


def test_what_the_pace_does_not_allow_is_declined_and_not_sent(
    candidate: Candidate, answering: Vendor, remote: Vendor
) -> None:
    provider = candidate.build(answering, Closed())
    assert provider.quotes(SYMBOLS, T).declined == [*SYMBOLS]
    assert provider.candles(SYMBOLS, Timeframe.D1, T - timedelta(days=9), T).declined == [*SYMBOLS]
    assert [visit.path for visit in answering.visits if visit.path not in answering.unlimited] == []


def test_keys_travel_in_headers_only(candidate: Candidate, answering: Vendor, remote: Vendor) -> None:
    provider = candidate.build(answering)
    provider.quotes(SYMBOLS, T)
    provider.candles(SYMBOLS, Timeframe.D1, T - timedelta(days=9), T)
    provider.report(T)
    secrets = candidate.secrets(answering)
    assert answering.visits
    assert [visit.target for visit in answering.visits if any(key in visit.target for key in secrets)] == []


def test_it_reports_what_it_is_entitled_to(candidate: Candidate, answering: Vendor) -> None:
    report = candidate.build(answering).report(T)
    assert report.answers
    assert "" not in (report.entitlement, report.delay, report.volume, report.hours, report.adjustment)
