"""What is refused and why, and which jumps are suspect. Real prices are raw trades, as published."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from bokeh_sampledata import stocks
from hypothesis import given
from hypothesis import strategies as st

from market.prices import Bars, QuoteTick, to_instant
from market.quality import CONTEXT_BARS, Rejections, fit_bars, suspects
from market.quality.quotes import fit_quotes

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
UNTIL = to_instant(AT)
GOOD = QuoteTick("AAPL", 180.0, AT, bid=179.99, ask=180.01, bid_size=300, ask_size=200, volume=1000)

Prices = tuple[float, float, float, float]


def bars(*rows: Prices) -> Bars:
    """One minute after the other up to `AT`."""
    opened = UNTIL - np.arange(len(rows))[::-1] * np.timedelta64(60, "s")
    open_, high, low, close = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Bars.of(opened, open_, high, low, close, np.full(len(rows), 100))


def flat(*levels: float) -> list[Prices]:
    return [(level, level, level, level) for level in levels]


def calm(count: int, level: float = 100.0) -> list[Prices]:
    """Bars that move by about half a per cent."""
    return [(level, level * 1.003, level * 0.998, level * 1.001) for _ in range(count)]


def daily(table: stocks.StockData) -> Bars:
    return Bars.of(
        opened_at=np.array(table["date"], dtype="datetime64[us]"),
        open=table["open"],
        high=table["high"],
        low=table["low"],
        close=table["close"],
        volume=table["volume"],
    )


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (replace(GOOD, price=0.0), "price_not_positive"),
        (replace(GOOD, price=-1.0), "price_not_positive"),
        (replace(GOOD, price=float("nan")), "price_not_finite"),
        (replace(GOOD, price=float("inf")), "price_not_finite"),
        (replace(GOOD, as_of=AT + timedelta(seconds=31)), "time_in_future"),
        (replace(GOOD, symbol="MSFT"), "symbol_not_asked"),
    ],
)
def test_an_unfit_quote_is_refused_with_its_reason(tick: QuoteTick, reason: str) -> None:
    rejections = Rejections()
    assert fit_quotes([tick], ["AAPL"], AT, rejections) == []
    assert rejections.counts == {reason: 1}


def test_a_quote_a_little_ahead_of_our_clock_is_kept() -> None:
    tick = replace(GOOD, as_of=AT + timedelta(seconds=30))
    assert fit_quotes([tick], ["AAPL"], AT, Rejections()) == [tick]


@pytest.mark.parametrize("nonsense", [0.0, -1.0, float("nan"), float("inf")])
def test_a_nonsensical_bid_is_dropped_and_the_price_kept(nonsense: float) -> None:
    rejections = Rejections()
    assert fit_quotes([replace(GOOD, bid=nonsense)], ["AAPL"], AT, rejections) == [replace(GOOD, bid=None)]
    assert rejections.total == 0


def test_a_negative_size_or_volume_is_dropped_and_the_price_kept() -> None:
    tick = replace(GOOD, ask_size=-1, volume=-1)
    assert fit_quotes([tick], ["AAPL"], AT, Rejections()) == [replace(GOOD, ask_size=None, volume=None)]


def test_a_crossed_book_is_kept_as_it_came() -> None:
    crossed = replace(GOOD, bid=180.02, ask=180.0)
    assert fit_quotes([crossed], ["AAPL"], AT, Rejections()) == [crossed]


def test_of_two_quotes_for_a_symbol_the_newer_one_stays() -> None:
    older = replace(GOOD, price=179.0, as_of=AT - timedelta(seconds=5))
    assert fit_quotes([GOOD, older], ["AAPL"], AT, Rejections()) == [GOOD]
    assert fit_quotes([older, GOOD], ["AAPL"], AT, Rejections()) == [GOOD]


def test_refused_rows_are_counted_with_the_first_as_example() -> None:
    rejections = Rejections()
    fit_quotes([replace(GOOD, price=0.0), replace(GOOD, price=-5.0)], ["AAPL"], AT, rejections)
    example = "AAPL 0 at 2026-03-02T15:00:00+00:00"
    assert rejections.as_json() == {"price_not_positive": {"count": 2, "example": example}}
    assert rejections.total == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((10.0, 11.0, 0.0, 10.0), "price_not_positive"),
        ((10.0, 11.0, -9.0, 10.0), "price_not_positive"),
        ((10.0, float("nan"), 9.0, 10.0), "price_not_finite"),
        ((10.0, float("inf"), 9.0, 10.0), "price_not_finite"),
        ((10.0, 9.0, 11.0, 10.0), "low_above_high"),
        ((12.0, 11.0, 9.0, 10.0), "open_or_close_outside_range"),
        ((10.0, 11.0, 9.0, 8.0), "open_or_close_outside_range"),
        ((10.0, 9.0, 9.0, 9.0), "open_or_close_outside_range"),
    ],
)
def test_an_unfit_bar_is_refused_with_its_reason_and_the_others_stay(row: Prices, reason: str) -> None:
    rejections = Rejections()
    mixed = bars((10, 11, 9, 10), row, (10, 12, 9, 11))
    assert list(fit_bars(mixed, "AAPL", UNTIL, rejections).rows()) == list(mixed[::2].rows())
    assert rejections.counts == {reason: 1}
    assert rejections.examples[reason].startswith("AAPL 2026-03-02T14:59:00+00:00 open")


def test_a_bar_from_the_future_and_one_without_time_are_refused() -> None:
    rejections = Rejections()
    three = bars(*calm(3))
    stamps = np.array([UNTIL, UNTIL + np.timedelta64(1, "us"), np.datetime64("NaT")])
    assert len(fit_bars(replace(three, opened_at=stamps), "AAPL", UNTIL, rejections)) == 1
    assert rejections.counts == {"time_in_future": 1, "time_missing": 1}


def test_a_bar_of_negative_volume_is_refused() -> None:
    rejections = Rejections()
    two = replace(bars(*calm(2)), volume=np.array([0, -1]))
    assert fit_bars(two, "AAPL", UNTIL, rejections).volume.tolist() == [0]
    assert rejections.counts == {"negative_volume": 1}


def test_a_bar_with_many_flaws_is_counted_once() -> None:
    rejections = Rejections()
    fit_bars(bars((-1, float("nan"), 5, 9)), "AAPL", UNTIL - np.timedelta64(1, "h"), rejections)
    assert rejections.total == 1


def test_bars_without_a_flaw_are_handed_back_untouched() -> None:
    good = bars(*calm(5))
    rejections = Rejections()
    assert fit_bars(good, "AAPL", UNTIL, rejections) is good
    assert len(fit_bars(Bars.empty(), "AAPL", UNTIL, rejections)) == 0
    assert rejections.total == 0


def test_unordered_and_repeated_bars_come_out_in_order_and_once() -> None:
    rejections = Rejections()
    good = bars(*calm(4))
    shuffled = good[np.array([2, 0, 3, 1, 0, 2])]
    assert list(fit_bars(shuffled, "AAPL", UNTIL, rejections).rows()) == list(good.rows())
    assert rejections.total == 0


def test_of_two_different_bars_for_one_opening_the_last_given_stays_and_the_other_is_counted() -> None:
    rejections = Rejections()
    first, second = bars((10, 11, 9, 10)), bars((10, 12, 9, 11))
    kept = fit_bars(Bars.join([first, second]), "AAPL", UNTIL, rejections)
    assert list(kept.rows()) == list(second.rows())
    assert rejections.counts == {"duplicate": 1}


def test_a_vwap_that_is_no_price_is_dropped() -> None:
    given_vwap = np.array([0.0, -1.0, np.inf, np.nan, 100.0])
    kept = fit_bars(replace(bars(*calm(5)), vwap=given_vwap), "AAPL", UNTIL, Rejections())
    np.testing.assert_array_equal(kept.vwap, [np.nan, np.nan, np.nan, np.nan, 100.0])


anything = st.one_of(st.floats(), st.floats(0.01, 1000))
any_bar = st.tuples(anything, anything, anything, anything, st.integers(-5, 100), st.integers(-5, 2))


@given(st.lists(any_bar, max_size=8))
def test_whatever_comes_only_bars_that_the_table_takes_get_through(rows: list[tuple[float, ...]]) -> None:
    open_, high, low, close, volume, minute = np.array(rows, dtype=np.float64).reshape(-1, 6).T
    opened = UNTIL + minute.astype(np.int64) * np.timedelta64(60, "s")
    given_bars = Bars.of(opened, open_, high, low, close, volume.astype(np.int64))
    rejections = Rejections()
    kept = fit_bars(given_bars, "AAPL", UNTIL, rejections)
    assert (np.diff(kept.opened_at) > np.timedelta64(0)).all()
    assert (kept.opened_at <= UNTIL).all()
    assert ((kept.low > 0) & (kept.high < np.inf) & (kept.volume >= 0)).all()
    assert ((kept.low <= kept.open) & (kept.open <= kept.high)).all()
    assert ((kept.low <= kept.close) & (kept.close <= kept.high)).all()
    assert len(kept) + rejections.total <= len(rows)


# AAPL, 9 June 2014, 04:00 New York: a print from before the 7:1 split opens the first minute after it.
SPLIT_MINUTE = [*flat(645.6, 645.7, 645.65, 645.6, 645.72, 645.7), (645.57, 645.57, 92.23, 92.42)]
SPLIT_MINUTE_LATER = [*SPLIT_MINUTE, *flat(92.46, 92.5, 92.44)]


def test_a_pre_split_print_inside_a_post_split_minute_stays_suspect() -> None:
    assert suspects(bars(*SPLIT_MINUTE)).tolist() == [False] * 6 + [True]
    assert suspects(bars(*SPLIT_MINUTE_LATER)).tolist() == [False] * 6 + [True, False, False, False]


# AAPL, around 29 September 2000: a fall by half overnight, and it was real.
REAL_FALL = [
    (61.5, 61.63, 59.13, 60.5), (59.25, 61.06, 58.5, 59.19), (58.75, 60.8, 56.4, 58.56),
    (53.81, 55.44, 52.88, 53.5), (52.13, 55.5, 52.06, 52.19), (53.0, 54.94, 51.5, 51.44),
    (51.75, 52.75, 48.25, 48.94), (49.31, 53.81, 48.13, 53.38), (28.06, 29.13, 23.19, 25.81),
]  # fmt: skip


def test_a_real_fall_by_half_is_suspect_until_the_next_bar_confirms_it() -> None:
    assert suspects(bars(*REAL_FALL)).tolist() == [False] * 8 + [True]
    assert not suspects(bars(*REAL_FALL, (26.69, 26.75, 23.5, 24.31))).any()


def test_a_jump_that_goes_back_stays_suspect_and_the_way_back_is_none() -> None:
    flags = suspects(bars(*calm(10), *calm(1, 150.0), *calm(3)))
    assert np.flatnonzero(flags).tolist() == [10]


def test_two_wrong_levels_in_a_row_are_both_measured_from_the_last_believed_one() -> None:
    flags = suspects(bars(*calm(10), *calm(1, 1000.0), *calm(1, 10.0), *calm(2)))
    assert np.flatnonzero(flags).tolist() == [10, 11]


def test_a_rise_that_goes_on_is_confirmed() -> None:
    assert not suspects(bars(*calm(10), *calm(1, 150.0), *calm(2, 180.0))).any()


def test_a_lonely_wrong_low_stays_suspect() -> None:
    """AAPL, 21 September 2009: a low of 10.59 on a day around 185."""
    flags = suspects(bars(*calm(10, 185.0), (184.44, 185.16, 10.59, 184.02), *calm(2, 185.0)))
    assert np.flatnonzero(flags).tolist() == [10]


def test_a_wide_bar_is_cleared_when_the_next_one_trades_through_the_same_range() -> None:
    wide = (100.0, 130.0, 98.0, 128.0)
    assert suspects(bars(*calm(10), wide)).any()
    assert not suspects(bars(*calm(10), wide, (127.0, 129.0, 102.0, 126.0)))[10]


def test_a_fifth_is_a_jump_and_a_little_less_is_none() -> None:
    still = flat(*[100.0] * 10)
    assert suspects(bars(*still, *flat(120.0))).any()
    assert suspects(bars(*still, *flat(80.0))).any()
    assert not suspects(bars(*still, *flat(119.9))).any()
    assert not suspects(bars(*still, *flat(80.1))).any()


def test_in_a_wild_stretch_a_large_move_is_ordinary() -> None:
    wild = [(100.0, 104.0, 98.0, 100.0)] * 10
    assert not suspects(bars(*wild, *flat(125.0))).any()
    assert suspects(bars(*wild, *flat(180.0))).any()


def test_without_some_history_nothing_is_suspect() -> None:
    assert not suspects(bars(*calm(4), *flat(300.0))).any()
    assert suspects(bars(*calm(5), *flat(300.0))).any()


def test_symbols_one_after_the_other_are_judged_each_by_its_own() -> None:
    spike = [*calm(10), *calm(1, 150.0)]
    joined = bars(*spike, *calm(10, 7.0), *calm(1, 3.0), *calm(1, 7.0))
    flags = suspects(joined, np.array([0, 11]))
    assert np.flatnonzero(flags).tolist() == [10, 21]


def test_no_bars_have_no_suspects() -> None:
    assert suspects(Bars.empty()).tolist() == []


def test_in_thirteen_years_of_real_prices_every_split_and_crash_is_confirmed_by_the_next_bar() -> None:
    apple = daily(stocks.AAPL)
    flagged = [suspects(apple[max(0, row - CONTEXT_BARS) : row + 1])[-1] for row in range(len(apple))]
    split, second_split, flash_crash = apple.opened_at[flagged].astype("datetime64[D]").astype(str)
    assert (split, second_split, flash_crash) == ("2000-06-21", "2005-02-28", "2010-05-06")
    assert not suspects(apple).any()


@pytest.mark.parametrize("table", [stocks.AAPL, stocks.GOOG, stocks.IBM, stocks.MSFT, stocks.FB])
def test_the_context_is_enough_to_judge_a_bar(table: stocks.StockData) -> None:
    history = daily(table)
    for row in range(CONTEXT_BARS, len(history) - 1, 7):
        window = history[row - CONTEXT_BARS : row + 2]
        assert suspects(window)[-2] == suspects(history[: row + 2])[-2]
