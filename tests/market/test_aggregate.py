"""Coarser bars out of finer ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.prices import Bars, Instants, aggregate

HOUR = np.timedelta64(1, "h")
NINE_THIRTY = np.datetime64("2026-03-02T14:30", "us")


def quarters(count: int) -> Bars:
    """15-minute bars from 09:30 New York, each a little higher than the one before."""
    level = 100 + np.arange(count, dtype=np.float64)
    return Bars.of(
        opened_at=NINE_THIRTY + np.arange(count) * np.timedelta64(15, "m"),
        open=level,
        high=level + 3,
        low=level - 2,
        close=level + 1,
        volume=10 * (1 + np.arange(count)),
    )


def on_the_session_grid(bars: Bars) -> Instants:
    return NINE_THIRTY + (bars.opened_at - NINE_THIRTY) // HOUR * HOUR


def test_the_volume_of_an_hour_is_known_when_that_of_all_its_quarters_is() -> None:
    bars = quarters(8)
    bars.volume[2] = np.nan
    hours = aggregate(bars, on_the_session_grid(bars))
    assert np.isnan(hours.volume[0])
    assert hours.volume[1] == 260


def test_an_hour_is_made_of_its_quarters() -> None:
    bars = quarters(6)
    hours = aggregate(bars, on_the_session_grid(bars))
    assert hours.opened_at.tolist() == [NINE_THIRTY.item(), (NINE_THIRTY + HOUR).item()]
    assert hours.open.tolist() == [100, 104]
    assert hours.high.tolist() == [106, 108]
    assert hours.low.tolist() == [98, 102]
    assert hours.close.tolist() == [104, 106]
    assert hours.volume.tolist() == [100, 110]


def test_vwap_is_weighted_by_volume_over_the_bars_that_have_one() -> None:
    bars = replace(quarters(8), vwap=np.array([10, 20, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan]))
    hours = aggregate(bars, on_the_session_grid(bars))
    np.testing.assert_array_equal(hours.vwap, [(10 * 10 + 20 * 20) / 30, np.nan])


def test_an_hour_without_trades_has_no_vwap() -> None:
    bars = replace(quarters(4), volume=np.zeros(4, dtype=np.int64), vwap=np.full(4, 100.0))
    assert np.isnan(aggregate(bars, on_the_session_grid(bars)).vwap[0])


@pytest.mark.parametrize(
    ("column", "of_one", "of_the_hour"),
    [("regular", False, False), ("final", False, False), ("suspect", True, True)],
)
def test_one_bar_that_is_extended_unfinished_or_suspect_makes_its_hour_so(
    column: str, of_one: bool, of_the_hour: bool
) -> None:
    flags = np.full(8, not of_one)
    flags[2] = of_one
    bars = replace(quarters(8), **{column: flags})
    hours = aggregate(bars, on_the_session_grid(bars))
    assert getattr(hours, column).tolist() == [of_the_hour, not of_the_hour]


def test_no_bars_make_no_bars() -> None:
    assert len(aggregate(Bars.empty(), Bars.empty().opened_at)) == 0


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40, unique=True).map(sorted))
def test_with_holes_each_bucket_is_made_of_the_bars_it_has(present: list[int]) -> None:
    bars = quarters(31)[np.array(present)]
    buckets = on_the_session_grid(bars)
    hours = aggregate(bars, buckets)
    assert hours.opened_at.tolist() == np.unique(buckets).tolist()
    assert hours.volume.sum() == bars.volume.sum()
    for row in range(len(hours)):
        members = bars[buckets == hours.opened_at[row]]
        assert hours.open[row] == members.open[0]
        assert (hours.low[row], hours.high[row]) == (members.low.min(), members.high.max())
        assert (hours.close[row], hours.volume[row]) == (members.close[-1], members.volume.sum())
