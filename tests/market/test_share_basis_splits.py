"""Moves that look like a share split, and those that are too ordinary for one."""

import numpy as np
import pytest

from market.prices import Bars
from market.share_basis import split_like

DAYS = np.arange("2024-01-01", "2024-02-20", dtype="datetime64[D]")
FIRST = np.zeros(1, dtype=np.intp)
ROW = 30


def moved(
    close: float, opened: float, day_range: float = 0.02, volume: int = 1_000, after: float = 0
) -> Bars:
    """Bars at a close, and from one on at an open, each as wide as a usual day; then at `after`."""
    level = np.where(np.arange(len(DAYS)) < ROW, close, opened)
    level[ROW + 1 :] = after or opened
    half = np.exp(day_range / 2)
    shares = np.where(np.arange(len(DAYS)) < ROW, 1_000, round(1_000 * close / opened))
    shares[ROW] *= volume / 1_000
    return Bars.of(DAYS.astype("datetime64[us]"), level, level * half, level / half, level, shares)


def like(bars: Bars) -> float:
    return float(split_like(bars, DAYS, FIRST)[ROW])


@pytest.mark.parametrize(
    ("close", "opened", "factor"),
    [
        (645.57, 92.69, 7),
        (499.23, 127.67, 4),
        (88.99, 44.68, 2),
        (48.0, 32.4, 1.5),
        (1.0, 10.1, 1 / 10),
        (0.2, 5.16, 1 / 25),  # a penny share
        (53.5, 28.12, 0),  # a real crash
        (100.0, 100.5, 0),
        (100.0, 75.2, 4 / 3),
        (100.0, 79.4, 5 / 4),
    ],
)
def test_a_move_near_a_plain_ratio_is_taken_for_a_split(close: float, opened: float, factor: float) -> None:
    day_range = 0.1 if close < 1 else 0.02
    assert like(moved(close, opened, day_range)) == pytest.approx(factor)


@pytest.mark.parametrize("opened", [50.0, 80.0])
def test_a_move_that_is_nothing_special_for_the_symbol_is_like_none(opened: float) -> None:
    assert like(moved(100.0, opened, day_range=0.2)) == 0


def test_a_small_move_with_the_trading_of_news_is_like_none() -> None:
    assert like(moved(100.0, 80.0, volume=3_000)) == 1.25
    assert like(moved(100.0, 80.0, volume=5_000)) == 0
    assert like(moved(100.0, 50.0, volume=5_000)) == 2


def test_without_volumes_the_news_are_not_asked() -> None:
    bars = moved(100.0, 80.0)
    bars.volume[:] = np.nan
    assert like(bars) == 1.25


def test_a_wrong_price_that_does_not_last_is_like_none() -> None:
    assert not split_like(moved(100.0, 10.0, after=100.0), DAYS, FIRST).any()


def test_a_small_move_within_a_session_is_like_none() -> None:
    sessions = np.where(np.arange(len(DAYS)) < ROW + 3, np.minimum(np.arange(len(DAYS)), ROW - 1), ROW)
    assert split_like(moved(100.0, 80.0), sessions, FIRST)[ROW] == 0
    assert split_like(moved(100.0, 50.0), sessions, FIRST)[ROW] == 2


def test_symbols_are_judged_each_by_itself() -> None:
    bars = Bars.join([moved(100.0, 100.0), moved(500.0, 100.0)])
    ratios = split_like(bars, np.append(DAYS, DAYS), np.array([0, len(DAYS)]))
    assert np.flatnonzero(ratios).tolist() == [len(DAYS) + ROW]


def test_nothing_is_like_nothing() -> None:
    assert len(split_like(Bars.empty(), DAYS[:0], FIRST[:0])) == 0
