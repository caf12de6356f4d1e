"""The borders of what is believed: each case is one that a changed comparison would refuse or let through."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from market.prices import Bars, QuoteTick
from market.quality import Rejections, fit_bars, suspects
from market.quality.quotes import fit_quotes
from tests.market.test_quality import AT, GOOD, UNTIL, bars, calm, flat

PENNY = (0.0021, 0.0023, 0.0019, 0.0022)


def fit(*ticks: QuoteTick) -> list[QuoteTick]:
    return fit_quotes(ticks, {"AAPL"}, AT, Rejections())


def test_a_price_far_below_a_dollar_is_a_price() -> None:
    tick = replace(GOOD, price=0.0021, bid=0.0020, ask=0.0022, volume=-1)
    assert fit(tick) == [replace(tick, volume=None)]


@pytest.mark.parametrize("size", ["bid_size", "ask_size", "volume"])
def test_a_size_of_nothing_and_of_one_share_are_sizes(size: str) -> None:
    for shares in (0, 1):
        sized: dict[str, Any] = {size: shares}
        tick = replace(GOOD, bid=-1.0, **sized)
        assert fit(tick) == [replace(tick, bid=None)]


@pytest.mark.parametrize("nonsense", [0.0, -0.5, float("inf"), float("nan")])
def test_each_side_of_the_book_is_dropped_alone(nonsense: float) -> None:
    assert fit(replace(GOOD, bid=nonsense)) == [replace(GOOD, bid=None)]
    assert fit(replace(GOOD, ask=nonsense)) == [replace(GOOD, ask=None)]
    assert fit(replace(GOOD, bid_size=-1)) == [replace(GOOD, bid_size=None)]
    assert fit(replace(GOOD, ask_size=-1)) == [replace(GOOD, ask_size=None)]


def test_of_two_ticks_of_one_instant_the_later_given_counts() -> None:
    second = replace(GOOD, price=181.0)
    assert fit(GOOD, second) == [second]
    assert fit(second, replace(GOOD, as_of=AT - timedelta(seconds=1))) == [second]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param((5.0, 5.0, 5.0, 5.0), id="flat"),
        pytest.param((5.0, 6.0, 5.0, 5.5), id="opens at its low"),
        pytest.param((5.5, 6.0, 5.0, 5.0), id="closes at its low"),
        pytest.param((6.0, 6.0, 5.0, 5.5), id="opens at its high"),
        pytest.param((5.5, 6.0, 5.0, 6.0), id="closes at its high"),
        pytest.param(PENNY, id="far below a dollar"),
    ],
)
def test_what_is_possible_is_kept_beside_a_bar_that_is_refused(
    row: tuple[float, float, float, float],
) -> None:
    rejections = Rejections()
    believed = fit_bars(bars(row, (5.0, 4.0, 6.0, 5.0), row), "AAPL", UNTIL, rejections)
    assert believed.close.tolist() == [row[3]] * 2
    assert rejections.counts == {"low_above_high": 1}


def test_a_bar_without_volume_is_kept_and_one_of_less_is_counted_as_that() -> None:
    given = bars((5.0, 6.0, 4.0, 5.0), (5.0, 6.0, 4.0, 5.0))
    rejections = Rejections()
    believed = fit_bars(replace(given, volume=np.array([0, -1])), "AAPL", UNTIL, rejections)
    assert believed.volume.tolist() == [0]
    assert rejections.counts == {"negative_volume": 1}


def test_each_refused_bar_counts_under_its_own_reason() -> None:
    nan = float("nan")
    given = bars(
        *[(5.0, 6.0, 4.0, nan), (5.0, 6.0, 0.0, 5.0), (0.5, 0.6, 0.4, 0.7), (0.5, 0.6, 0.4, 0.3)],
        *[(0.5, 0.4, 0.6, 0.5), (5.0, 6.0, 4.0, 5.0), (5.0, 6.0, 4.0, 5.0), (5.0, 5.0, 5.0, 5.0)],
    )
    opened = given.opened_at.copy()
    opened[5], opened[6] = np.datetime64("NaT"), UNTIL + np.timedelta64(60, "s")
    rejections = Rejections()
    believed = fit_bars(replace(given, opened_at=opened), "AAPL", UNTIL, rejections)
    assert len(believed) == 1
    assert rejections.counts == {
        "price_not_finite": 1,
        "price_not_positive": 1,
        "low_above_high": 1,
        "open_or_close_outside_range": 2,
        "time_missing": 1,
        "time_in_future": 1,
    }
    assert rejections.examples["time_missing"].startswith("AAPL no time open 5 high 6")


def repeated(*rows: tuple[float, float, float, float]) -> Bars:
    """Bars that all opened at the same instant."""
    given = bars(*rows)
    return replace(given, opened_at=np.full(len(given), UNTIL))


def test_of_bars_given_several_times_the_last_counts_and_the_others_that_differ_are_told() -> None:
    rejections = Rejections()
    different, equal = (5.0, 6.0, 4.0, 4.5), (5.0, 6.0, 4.0, 5.0)
    believed = fit_bars(repeated(different, different, equal, equal), "AAPL", UNTIL, rejections)
    assert believed.close.tolist() == [5.0]
    assert rejections.counts == {"duplicate": 1}
    assert rejections.examples["duplicate"].startswith(
        "AAPL 2026-03-02T15:00:00+00:00 open 5 high 6 low 4 close 4.5"
    )


def test_two_repetitions_that_differ_from_what_follows_count_twice() -> None:
    rejections = Rejections()
    given = repeated((5.0, 6.0, 4.0, 4.5), (5.0, 6.0, 4.0, 5.5), (5.0, 6.0, 4.0, 5.0))
    assert fit_bars(given, "AAPL", UNTIL, rejections).close.tolist() == [5.0]
    assert rejections.counts == {"duplicate": 2}


def test_the_order_in_which_repetitions_came_is_kept_among_many_bars() -> None:
    given = bars(*[(5.0, 6.0, 4.0, 4.0 + number / 100) for number in range(100)])
    shuffled = replace(given, opened_at=np.repeat(given.opened_at[::2][::-1], 2))
    believed = fit_bars(shuffled, "AAPL", UNTIL, Rejections())
    assert believed.close.tolist() == [4.0 + number / 100 for number in range(99, 0, -2)]


def test_bars_out_of_order_behind_the_first_come_out_in_order() -> None:
    given = bars(*calm(3))
    believed = fit_bars(given[np.array([0, 2, 1])], "AAPL", UNTIL, Rejections())
    assert list(believed.rows()) == list(given.rows())


def test_a_vwap_below_a_dollar_is_kept_where_another_is_nonsense() -> None:
    given = replace(bars(PENNY, PENNY, PENNY), vwap=np.array([0.002, 0.0, np.inf]))
    vwap = fit_bars(given, "AAPL", UNTIL, Rejections()).vwap
    assert (float(vwap[0]), np.isnan(vwap[1:]).tolist()) == (0.002, [True, True])


JUMP = (130.0, 131.0, 129.0, 130.0)


@pytest.mark.parametrize("earlier", [0, 4, 5, 30])
@pytest.mark.parametrize("others", [1, 4, 30])
def test_each_of_several_symbols_is_judged_as_if_it_were_alone(earlier: int, others: int) -> None:
    """The first symbol trades at a hundredth of the second: the step between them is no jump of either."""
    first = bars(*calm(others, level=1.0))
    second = bars(*calm(earlier), JUMP)
    joined = bars(*calm(others, level=1.0), *calm(earlier), JUMP)
    flags = suspects(joined, np.array([0, others]))
    assert flags.tolist() == [*suspects(first).tolist(), *suspects(second).tolist()]
    assert bool(flags[-1]) == (earlier >= 5)


def test_a_bar_whose_range_is_just_a_fifth_is_a_jump() -> None:
    flags = suspects(bars(*calm(30), (100.0, 120.0, 100.0, 100.0), *calm(1)))
    assert flags.tolist() == [False] * 30 + [True, False]


def suspect_rows(*rows: tuple[float, float, float, float]) -> list[int]:
    """Which of these bars are suspect, after ten calm ones: 0 is the first of them."""
    return (np.flatnonzero(suspects(bars(*calm(10), *rows))) - 10).tolist()


def test_a_jump_is_measured_from_the_close_just_before() -> None:
    fall = (100.0, 100.0, 85.0, 85.0)
    assert suspect_rows(fall, *flat(103.0)) == [1]


def test_a_fall_back_to_the_price_of_the_first_bar_is_a_jump_too() -> None:
    flags = suspects(bars(*calm(1), *calm(10, 130.0), *flat(100.0)))
    assert np.flatnonzero(flags).tolist() == [11]


def test_after_a_wrong_price_one_within_a_fifth_of_the_last_believed_is_believed() -> None:
    assert suspect_rows(*flat(150.0, 110.0)) == [0]
    assert suspect_rows(*flat(50.0, 90.0)) == [0]


def test_a_bar_half_way_between_two_levels_confirms_neither() -> None:
    level = flat(*[100.0] * 10)
    assert np.flatnonzero(suspects(bars(*level, *flat(400.0, 200.0)))).tolist() == [10, 11]


def test_a_wide_bar_stays_suspect_when_the_next_trades_in_a_small_part_of_its_range() -> None:
    assert suspect_rows((100.0, 130.0, 98.0, 128.0), (127.0, 129.0, 125.0, 126.0)) == [0]


def test_just_half_of_a_wide_bar_is_enough_to_confirm_it() -> None:
    wide, upper_half = (100.0, 200.0, 50.0, 100.0), (100.0, 200.0, 100.0, 165.0)
    assert suspect_rows(wide, upper_half) == [1]


def test_the_next_bar_supports_no_wick_by_one_of_its_own() -> None:
    assert suspect_rows((100.0, 200.0, 50.0, 100.0), (100.0, 200.0, 100.0, 100.0)) == [0, 1]
