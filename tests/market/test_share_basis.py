"""When two accounts of the same bars differ by a split, and by nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.prices import Bars, Floats
from market.share_basis import common_factor


def bars(close: Floats, first: int = 0) -> Bars:
    """Final daily bars around these closes, in cents."""
    opened = np.datetime64("2014-06-02", "us") + (first + np.arange(len(close))) * np.timedelta64(1, "D")
    prices = [np.round(column, 2) for column in (close * 0.995, close * 1.01, close * 0.99, close)]
    fresh = Bars.of(opened, prices[0], prices[1], prices[2], prices[3], np.full(len(close), 1000))
    return replace(fresh, final=np.ones(len(close), dtype=np.bool_))


# AAPL's closes before its 7:1 split of 9 June 2014.
APPLE = np.array([628.65, 637.54, 644.82, 647.35, 645.57])


@pytest.mark.parametrize("ratio", [2.0, 3.0, 4.0, 7.0, 20.0, 1.5, 1.25, 0.5, 0.1, 0.05, 2 / 3])
def test_a_split_is_told_by_its_ratio(ratio: float) -> None:
    assert common_factor(bars(APPLE), bars(APPLE / ratio)) == pytest.approx(ratio, rel=1e-12)


def test_a_factor_that_is_no_plain_ratio_is_told_as_it_is() -> None:
    """A spin-off: GE's prices before August 2021 times 1.2814 or so, as vendors restate them."""
    assert common_factor(bars(APPLE), bars(APPLE / 1.28137)) == pytest.approx(1.28137, rel=1e-4)


def test_the_same_prices_have_no_factor() -> None:
    assert common_factor(bars(APPLE), bars(APPLE)) is None


def test_a_factor_of_less_than_a_hundredth_is_no_split() -> None:
    assert common_factor(bars(APPLE), bars(APPLE * 1.009)) is None


def test_only_bars_that_both_have_are_compared() -> None:
    assert common_factor(bars(APPLE), bars(APPLE[2:] / 7, first=2)) == 7.0
    assert common_factor(bars(APPLE), bars(APPLE[3:] / 7, first=3)) is None
    assert common_factor(Bars.empty(), bars(APPLE)) is None


def test_a_correction_of_one_bar_is_no_split_and_hides_none() -> None:
    corrected = APPLE * np.array([1, 1, 1.03, 1, 1])
    assert common_factor(bars(APPLE), bars(corrected)) is None
    assert common_factor(bars(APPLE), bars(corrected / 7)) == 7.0


def test_bars_that_move_each_by_their_own_factor_are_no_split() -> None:
    assert common_factor(bars(APPLE), bars(APPLE / np.array([7, 6.9, 7.1, 6.8, 7.2]))) is None


def test_bars_that_were_not_final_or_suspect_are_not_asked() -> None:
    old, new = bars(APPLE), bars(APPLE / 7)
    assert common_factor(replace(old, final=np.array([True, True, False, False, False])), new) is None
    mixed = replace(old, high=old.high * 3, suspect=np.array([True, True, False, False, False]))
    assert common_factor(replace(mixed, high=np.where(mixed.suspect, mixed.high, old.high)), new) == 7.0


@pytest.mark.parametrize("nonsense", [0.0, -1.0, np.nan, np.inf])
def test_nonsense_among_the_new_prices_is_not_asked(nonsense: float) -> None:
    new = bars(APPLE / 7)
    new.low[1] = nonsense
    assert common_factor(bars(APPLE), new) == 7.0
    new.low[:3] = nonsense
    assert common_factor(bars(APPLE), new) is None


def test_cents_at_low_prices_are_no_split() -> None:
    """Six cents and four differ by a half, and by two ticks."""
    assert common_factor(bars(np.full(5, 0.06)), bars(np.full(5, 0.05))) is None
    assert common_factor(bars(np.full(5, 0.06)), bars(np.full(5, 0.04))) is None


@given(
    st.lists(st.floats(20, 1000), min_size=3, max_size=20),
    st.sampled_from([2.0, 3.0, 5.0, 7.0, 10.0, 1.5, 0.5, 0.2, 0.1, 0.02]),
)
def test_rounding_to_cents_hides_no_split(closes: list[float], ratio: float) -> None:
    close = np.array(closes)
    assert common_factor(bars(close), bars(close / ratio)) == pytest.approx(ratio, rel=1e-12)
