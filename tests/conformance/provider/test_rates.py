"""What a provider that knows rates of currencies answers. One that knows none has no such method."""

import math
from datetime import timedelta

import pytest

from market.prices import Feed
from market.providers.base import Pace
from market.providers.rates import GivesRates, Rates
from tests.conformance.provider.candidates import Candidate, Closed, T
from tests.vendors.server import Vendor

RATES = {"EUR/USD": 1.08, "USD/JPY": 156.0, "GBP/USD": 1.27}
UNKNOWN = ("XXX/USD", "EUR", "", "A/../B?x=1#y", "ÄÖÜ/USD")


def ask(candidate: Candidate, vendor: Vendor, *pairs: str, pace: Pace | None = None) -> Rates | None:
    """Return the answer; None of a provider that knows no rates, of which there is nothing to try."""
    provider = candidate.build(vendor, pace)
    return provider.rates(pairs, T) if isinstance(provider, GivesRates) else None


def test_every_pair_has_a_rate_of_its_size_with_a_time(candidate: Candidate, answering: Vendor) -> None:
    answering.rates = dict(RATES)
    answer = ask(candidate, answering, *RATES)
    if answer is None:
        return
    assert (answer.failed, answer.declined, answer.off) == ({}, [], "")
    assert sorted(tick.symbol for tick in answer.ticks) == sorted(RATES)
    for tick in answer.ticks:
        assert tick.price == pytest.approx(RATES[tick.symbol], rel=0.2)
        assert T - timedelta(hours=1) <= tick.as_of <= T + timedelta(seconds=2)
        assert tick.bid is None or tick.ask is None or tick.bid <= tick.price <= tick.ask
    assert (answer.feed is Feed.SIMULATED) is candidate.spec.is_simulated


@pytest.mark.parametrize("odd", UNKNOWN)
def test_a_pair_that_it_does_not_have_costs_no_other(
    candidate: Candidate, answering: Vendor, odd: str
) -> None:
    answering.rates = dict(RATES)
    answer = ask(candidate, answering, "EUR/USD", odd, "USD/JPY")
    if answer is None:
        return
    assert {tick.symbol for tick in answer.ticks} == {"EUR/USD", "USD/JPY"}
    assert all(math.isfinite(tick.price) for tick in answer.ticks)
    assert answer.failed[odd]


def test_a_plan_without_rates_is_no_failure(candidate: Candidate, answering: Vendor, remote: Vendor) -> None:
    answering.rates = None
    answer = ask(candidate, answering, *RATES)
    if answer is None:
        return
    assert answer.off
    assert not any(secret in answer.off for secret in candidate.secrets(answering))
    assert (answer.ticks, answer.failed, answer.declined) == ([], {}, [])


def test_rates_that_the_pace_does_not_allow_are_declined(
    candidate: Candidate, answering: Vendor, remote: Vendor
) -> None:
    answering.rates = dict(RATES)
    answer = ask(candidate, answering, *RATES, pace=Closed())
    if answer is None:
        return
    assert sorted(answer.declined) == sorted(RATES)
    assert answering.visits == []
