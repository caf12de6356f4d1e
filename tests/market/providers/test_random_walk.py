"""What invented prices are like, and that a walk is the same wherever it is entered."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.prices import Bars, Floats, Timeframe
from market.providers.base import Provider
from market.providers.random_walk import PERIOD, ROW, Walks, hashed
from market.providers.simulator import Simulator
from market.quality import suspects

AT = datetime(2026, 3, 2, 15, 7, 33, tzinfo=UTC)
DAY = timedelta(days=1)


def returns(prices: Bars) -> Floats:
    moves: Floats = np.diff(np.log(prices.close))
    return moves


def lagged(values: Floats, lag: int = 1) -> float:
    """Autocorrelation."""
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Simulator(7)


@pytest.fixture(scope="module")
def thousand_days(provider: Provider) -> list[Bars]:
    names = [f"SIM{number}" for number in range(12)]
    return list(provider.candles(names, Timeframe.D1, AT - 1000 * DAY, AT).bars.values())


@pytest.fixture(scope="module")
def quarters(provider: Provider) -> list[Bars]:
    names = [f"SIM{number}" for number in range(12)]
    return list(provider.candles(names, Timeframe.M15, AT - 100 * DAY, AT).bars.values())


# Minutes since 1970 on both sides of where periods and rows meet, and anywhere.
seams = st.builds(
    lambda period, row, minute: period * PERIOD + row * ROW + minute,
    st.integers(20, 120),
    st.integers(0, 3),
    st.integers(-200, 200),
)


@given(st.integers(0, 2**40), seams, st.integers(1, 3000), st.integers(0, 3000))
def test_minutes_are_the_same_whichever_are_asked_with_them(
    seed: int, first: int, count: int, more: int
) -> None:
    walk = Walks.of(seed, ["A"])
    alone, among = walk.minutes(first, first + count), walk.minutes(first - more, first + count + more)
    np.testing.assert_array_equal(alone.price, among.price[more : more + count + 1])
    np.testing.assert_array_equal(alone.traded, among.traded[more : more + count + 1])
    np.testing.assert_array_equal(alone.high, among.high[more : more + count])
    np.testing.assert_array_equal(alone.low, among.low[more : more + count])


@given(st.integers(0, 2**40), seams)
def test_a_minute_found_from_above_is_the_one_in_its_row(seed: int, minute: int) -> None:
    walk, at = Walks.of(seed, ["A"]), np.array([minute])
    span, row = walk.spans(at, 1), walk.minutes(minute, minute + 1)
    assert [span.left[0], span.right[0]] == row.price.tolist()
    assert walk.traded(span.traded_left, at)[0] == row.traded[0]
    assert (row.high[0], row.low[0]) == tuple(column[0] for column in span.extremes(hashed(walk.keys, at)))


@given(st.integers(0, 2**40), seams)
def test_a_minute_holds_its_ends_and_volume_is_never_taken_back(seed: int, first: int) -> None:
    minutes = Walks.of(seed, ["A"]).minutes(first, first + 2000)
    ends = np.stack([minutes.price[:-1], minutes.price[1:]])
    assert (minutes.high >= ends.max(axis=0)).all()
    assert (minutes.low <= ends.min(axis=0)).all()
    assert (np.diff(minutes.traded) >= 0).all()


def test_volatility_is_that_of_shares(thousand_days: list[Bars]) -> None:
    yearly = [returns(prices).std() * 365**0.5 for prices in thousand_days]
    assert 0.15 < min(yearly) < max(yearly) < 0.7
    assert max(yearly) > 1.3 * min(yearly)


def test_returns_have_fat_tails_yet_no_day_is_absurd(thousand_days: list[Bars]) -> None:
    moves = np.concatenate([returns(prices) / returns(prices).std() for prices in thousand_days])
    assert 4 < np.mean(moves**4) < 15
    assert max(np.abs(returns(prices)).max() for prices in thousand_days) < 0.35


def test_calm_and_wild_stretches_alternate(thousand_days: list[Bars], quarters: list[Bars]) -> None:
    assert np.mean([lagged(np.abs(returns(prices))) for prices in thousand_days]) > 0.1
    assert np.mean([lagged(np.abs(returns(prices)), 96) for prices in quarters]) > 0.04


def test_one_return_says_nothing_about_the_next(quarters: list[Bars]) -> None:
    correlations = [lagged(returns(prices)) for prices in quarters]
    assert abs(np.mean(correlations)) < 0.02
    assert max(np.abs(correlations)) < 0.08


def test_wild_bars_trade_more(quarters: list[Bars]) -> None:
    for prices in quarters:
        assert np.corrcoef(prices.volume[1:], np.abs(returns(prices)))[0, 1] > 0.2


def test_a_thousand_days_hold_hardly_a_suspect_bar(thousand_days: list[Bars]) -> None:
    assert sum(int(suspects(prices).sum()) for prices in thousand_days) <= 2


def test_prices_stay_sensible_over_a_century() -> None:
    simulator, names = Simulator(3), [f"SIM{number}" for number in range(100)]
    moments = [datetime(1990, 1, 1, tzinfo=UTC) + 73 * DAY * number for number in range(500)]
    prices = np.array([[tick.price for tick in simulator.quotes(names, at).ticks] for at in moments])
    assert prices.min() > 3
    assert prices.max() < 3000
    assert (prices.max(axis=0) / prices.min(axis=0)).max() < 30
    assert 60 < np.median(prices) < 200
