"""Intervals and figures against published and hand-made values."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.statistics import (
    by_moment,
    growth,
    largest_drawdown,
    largest_fall,
    mean_interval,
    profit_factor,
    wilson,
)

results = st.lists(st.floats(-5, 5), min_size=2, max_size=50).map(np.array)


# R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=0.00005)


def test_no_trial_says_nothing() -> None:
    assert wilson(0, 0) == (0, 1)


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_share_lies_in_its_interval(successes: int, failures: int) -> None:
    low, high = wilson(successes, successes + failures)
    assert 0 <= low <= high <= 1
    if successes + failures:
        assert low - 1e-12 <= successes / (successes + failures) <= high + 1e-12


def test_the_interval_of_a_mean_is_about_that_of_the_normal_distribution_in_a_large_sample() -> None:
    values = np.random.default_rng(1).normal(0.2, 1.5, 5_000)
    low, high = mean_interval(values)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_the_interval_of_a_skewed_sample_is_skewed() -> None:
    values = np.array([-1.0] * 30 + [9.0] * 3)
    low, high = mean_interval(values)
    assert high - values.mean() > values.mean() - low


@given(results)
def test_the_same_values_have_the_same_interval_in_any_order(values: np.typing.NDArray[np.float64]) -> None:
    low, high = mean_interval(values, resamples=100)
    assert mean_interval(values[::-1], resamples=100) == (low, high)
    assert values.min() - 1e-9 <= low <= high <= values.max() + 1e-9


def test_one_value_has_no_interval() -> None:
    assert np.isnan(mean_interval(np.array([1.0]))).all()


def test_a_hundred_thousand_values_need_little_memory() -> None:
    tracemalloc.start()
    mean_interval(np.arange(100_000.0), resamples=50)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 2**20


def test_the_profit_factor_is_gains_over_losses() -> None:
    assert profit_factor(np.array([2.0, -1.0, 1.0, -0.5])) == 2
    assert profit_factor(np.array([2.0])) == math.inf
    assert math.isnan(profit_factor(np.array([])))


def test_the_largest_drawdown_is_the_deepest_fall_from_a_high_or_from_the_start() -> None:
    assert largest_drawdown(np.array([1.0, 2.0, -1.0, -1.5, 4.0, -1.0])) == 2.5
    assert largest_drawdown(np.array([-1.0, -1.0, 5.0])) == 2
    assert largest_drawdown(np.array([1.0, 1.0])) == 0
    assert largest_drawdown(np.array([])) == 0


def test_the_largest_fall_of_a_price_is_a_share_of_its_high() -> None:
    assert largest_fall(np.array([100.0, 200.0, 50.0, 300.0])) == 0.75
    assert largest_fall(np.array([1.0, 2.0])) == 0


def test_what_ends_at_one_moment_is_one_step() -> None:
    moments = np.array([3, 1, 3, 2])
    assert by_moment(np.array([1.0, 2.0, 4.0, 8.0]), moments).tolist() == [2, 8, 5]


@given(results)
def test_a_drawdown_does_not_depend_on_how_simultaneous_results_are_listed(
    values: np.typing.NDArray[np.float64],
) -> None:
    moments = np.arange(len(values)) // 3
    shuffled = np.random.default_rng(0).permutation(len(values))
    largest = largest_drawdown(by_moment(values, moments))
    other = largest_drawdown(by_moment(values[shuffled], moments[shuffled]))
    assert largest == pytest.approx(other, abs=1e-9)


def test_growth_compounds_and_ruin_is_final() -> None:
    assert growth(np.array([2.0, -1.0]), 0.01) == pytest.approx(1.02 * 0.99 - 1)
    assert growth(np.array([-150.0, 50.0]), 0.01) == -1
