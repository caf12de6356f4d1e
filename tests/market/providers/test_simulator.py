"""The simulator: one invented market, the same whoever asks, whenever, for whatever timeframe."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from market.prices import Bars, Feed, QuoteTick, Timeframe, aggregate, to_instant
from market.providers.base import Provider
from market.providers.simulator import MOST_BARS, Simulator
from market.quality import Rejections, fit_bars
from market.quality.quotes import fit_quotes

AT = datetime(2026, 3, 2, 15, 7, 33, 250000, tzinfo=UTC)
MINUTE, QUARTER, DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)

seeds = st.integers(0, 2**40)
symbols = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-/", min_size=1, max_size=16)
moments = st.datetimes(datetime(1990, 1, 9), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def bars(seed: int, symbol: str, timeframe: Timeframe, since: datetime, at: datetime) -> Bars:
    return Simulator(seed).candles([symbol], timeframe, since, at).bars[symbol]


def quote(seed: int, symbol: str, at: datetime) -> QuoteTick:
    return Simulator(seed).quotes([symbol], at).ticks[0]


def start_of(at: datetime, length: timedelta) -> datetime:
    """The opening of the bar that holds this moment (weeks begin on Mondays)."""
    monday = datetime(1990, 1, 1, tzinfo=UTC)
    return monday + (at - monday) // length * length


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Simulator(7)


@given(seeds, symbols, moments, st.sampled_from(list(Timeframe)[1:5]))
@settings(deadline=None)
def test_a_bar_equals_the_minutes_in_it(seed: int, symbol: str, at: datetime, timeframe: Timeframe) -> None:
    since = start_of(at, timeframe.length)
    until = since + timeframe.length
    coarse = bars(seed, symbol, timeframe, since, until)
    minutes = bars(seed, symbol, Timeframe.M1, since, until)
    assume(len(coarse) == 1 and len(minutes) == timeframe.length // MINUTE)
    aggregated = aggregate(minutes, np.full(len(minutes), to_instant(since)))
    assert list(coarse.rows()) == list(aggregated.rows())


@given(seeds, symbols, moments)
@settings(deadline=None, max_examples=20)
def test_a_week_equals_its_days_from_monday_on(seed: int, symbol: str, at: datetime) -> None:
    monday = start_of(at, 7 * DAY)
    week = bars(seed, symbol, Timeframe.W1, monday, monday + 7 * DAY)
    days = bars(seed, symbol, Timeframe.D1, monday, monday + 7 * DAY)
    assume(len(week) == 1 and len(days) == 7)
    assert list(week.rows()) == list(aggregate(days, np.full(7, to_instant(monday))).rows())


@given(seeds, symbols, moments, st.sampled_from(list(Timeframe)), st.timedeltas(timedelta(0), 2 * DAY))
@settings(deadline=None)
def test_what_was_complete_never_changes(
    seed: int, symbol: str, at: datetime, timeframe: Timeframe, later: timedelta
) -> None:
    since = at - 3 * timeframe.length
    now = bars(seed, symbol, timeframe, since, at)
    then = bars(seed, symbol, timeframe, since, at + later)
    complete = now.opened_at + np.timedelta64(timeframe.length) <= to_instant(at)
    assert list(now[complete].rows()) == list(then[: complete.sum()].rows())


@given(seeds, symbols, moments, st.sampled_from(list(Timeframe)[1:]))
@settings(deadline=None)
def test_the_forming_bar_is_made_of_the_minutes_so_far(
    seed: int, symbol: str, at: datetime, timeframe: Timeframe
) -> None:
    since = start_of(at, timeframe.length)
    forming = bars(seed, symbol, timeframe, since, at)
    minutes = bars(seed, symbol, Timeframe.M1, max(since, at - 5 * DAY), at)
    assume(len(forming) and since > at - 5 * DAY and len(minutes) == (at - since) // MINUTE)
    assert list(forming.rows()) == list(aggregate(minutes, np.full(len(minutes), to_instant(since))).rows())


def test_in_the_first_minute_of_a_bar_there_is_none(provider: Provider) -> None:
    opening = datetime(2026, 3, 2, 15, 15, tzinfo=UTC)
    early = provider.candles(["A"], Timeframe.M15, opening, opening + timedelta(seconds=59))
    assert len(early.bars["A"]) == 0
    assert len(provider.candles(["A"], Timeframe.M15, opening, opening + MINUTE).bars["A"]) == 1


def test_the_minute_that_runs_is_not_among_the_minutes(provider: Provider) -> None:
    last = provider.candles(["A"], Timeframe.M1, AT - 5 * MINUTE, AT).bars["A"].opened_at[-1]
    assert last == np.datetime64("2026-03-02T15:06")


@given(seeds, symbols, moments)
def test_a_quote_lies_in_its_minute_and_is_fresh(seed: int, symbol: str, at: datetime) -> None:
    tick = quote(seed, symbol, at)
    opening = start_of(tick.as_of, MINUTE)
    minute = bars(seed, symbol, Timeframe.M1, opening, opening + MINUTE)
    assume(len(minute) == 1)
    assert minute.low[0] <= tick.price <= minute.high[0]
    assert timedelta(0) <= at - tick.as_of < timedelta(seconds=1)


@given(seeds, symbols, moments)
def test_a_quote_trades_at_its_bid_or_ask_a_tick_or_two_apart(seed: int, symbol: str, at: datetime) -> None:
    tick = quote(seed, symbol, at)
    assert tick.bid is not None and tick.ask is not None  # noqa: PT018  narrows both types
    assert tick.price in (tick.bid, tick.ask)
    assert round(tick.ask - tick.bid, 2) in (0.01, 0.02)
    assert (tick.bid_size or 0) >= 100
    assert (tick.ask_size or 0) >= 100
    assert tick.exchange == "SIM"


@given(seeds, symbols, moments, st.timedeltas(timedelta(0), DAY))
def test_the_days_volume_only_grows_within_the_day(
    seed: int, symbol: str, at: datetime, later: timedelta
) -> None:
    assume(start_of(at, DAY) == start_of(at + later, DAY))
    assert (quote(seed, symbol, at).volume or 0) <= (quote(seed, symbol, at + later).volume or 0)


@given(seeds, symbols, moments)
@settings(deadline=None)
def test_at_the_turn_of_a_minute_the_days_volume_is_that_of_its_bar(
    seed: int, symbol: str, at: datetime
) -> None:
    midnight, turn = start_of(at, DAY), start_of(at, MINUTE)
    day = bars(seed, symbol, Timeframe.D1, midnight, turn)
    assume(len(day) == 1)
    assert quote(seed, symbol, turn).volume == day.volume[0]


@given(seeds, symbols, moments, st.sampled_from(list(Timeframe)))
@settings(deadline=None)
def test_all_that_is_invented_passes_the_quality_rules(
    seed: int, symbol: str, at: datetime, timeframe: Timeframe
) -> None:
    rejections = Rejections()
    given_bars = bars(seed, symbol, timeframe, at - 10 * timeframe.length, at)
    assert fit_bars(given_bars, symbol, to_instant(at), rejections) is given_bars
    assert fit_quotes([quote(seed, symbol, at)], [symbol], at, rejections)
    assert rejections.total == 0
    np.testing.assert_array_equal(given_bars.close, np.round(given_bars.close, 2))


@given(st.lists(symbols, min_size=1, max_size=5, unique=True), seeds, moments)
def test_a_symbol_is_answered_alike_alone_and_among_others(
    symbols: list[str], seed: int, at: datetime
) -> None:
    together = Simulator(seed).quotes(symbols, at).ticks
    assert together == [quote(seed, symbol, at) for symbol in symbols]


PINNED = """
from datetime import datetime, timedelta, UTC
from market.prices import Timeframe
from market.providers.simulator import Simulator
at = datetime(2026, 3, 2, 15, 7, 33, tzinfo=UTC)
simulator = Simulator(1)
tick = simulator.quotes(["AAPL"], at).ticks[0]
print(tick.price, tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.volume)
print(*list(simulator.candles(["AAPL"], Timeframe.D1, at - timedelta(days=2), at).bars["AAPL"].rows())[0][1:])
"""


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_every_process_invents_the_same_and_always_will(hash_seed: str) -> None:
    """Stored bars must go on fitting: a change of these numbers is a break with every simulated database."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    answer = subprocess.run(
        [sys.executable, "-c", PINNED],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).parents[3],
    )
    assert answer.stdout.splitlines() == [
        "250.28 250.27 250.28 1200 2000 85150797",
        "254.77 255.46 248.92 252.06 61414126.0",
    ]


def test_another_seed_is_another_market() -> None:
    assert quote(1, "AAPL", AT).price != quote(2, "AAPL", AT).price


def test_about_one_bar_in_a_thousand_is_missing_and_stays_so(provider: Provider) -> None:
    symbols = [f"SIM{number}" for number in range(20)]
    answer = provider.candles(symbols, Timeframe.M1, AT - 5000 * MINUTE, AT)
    missing = 20 * 5000 - sum(len(prices) for prices in answer.bars.values())
    assert 60 <= missing <= 140
    again = provider.candles(symbols, Timeframe.M1, AT - 5000 * MINUTE, AT)
    assert all(len(answer.bars[symbol]) == len(again.bars[symbol]) for symbol in symbols)


def test_each_timeframe_has_its_own_holes(provider: Provider) -> None:
    since = AT - 9000 * MINUTE
    minutes = provider.candles(["A"], Timeframe.M1, since, AT).bars["A"].opened_at
    holes = np.setdiff1d(np.arange(minutes[0], minutes[-1], np.timedelta64(1, "m")), minutes)
    fives = provider.candles(["A"], Timeframe.M5, since, AT).bars["A"].opened_at
    around_holes = holes - (holes - minutes[0].astype("datetime64[D]")) % np.timedelta64(5, "m")
    assert holes.size > 1
    assert np.isin(around_holes, fives).sum() >= holes.size - 1


def test_an_answer_holds_at_most_the_newest_ten_thousand_bars(provider: Provider) -> None:
    answer = provider.candles(["A"], Timeframe.M1, datetime(1980, 1, 1, tzinfo=UTC), AT).bars["A"]
    assert MOST_BARS - 40 < len(answer) <= MOST_BARS
    assert answer.opened_at[-1] == np.datetime64("2026-03-02T15:06")


def test_nothing_is_invented_before_1990(provider: Provider) -> None:
    early, late = datetime(1980, 1, 1, tzinfo=UTC), datetime(1990, 1, 20, tzinfo=UTC)
    assert provider.candles(["A"], Timeframe.D1, early, late).bars["A"].opened_at[0] == np.datetime64(
        "1990-01-01"
    )
    assert len(provider.candles(["A"], Timeframe.D1, early, early + DAY).bars["A"]) == 0


def test_bars_open_at_or_after_the_moment_asked_for(provider: Provider) -> None:
    since = datetime(2026, 3, 2, 14, 0, 0, 1, tzinfo=UTC)
    openings = provider.candles(["A"], Timeframe.M15, since, AT).bars["A"].opened_at
    assert openings[0] == np.datetime64("2026-03-02T14:15")
    exact = provider.candles(["A"], Timeframe.M15, since.replace(microsecond=0), AT).bars["A"].opened_at
    assert exact[0] == np.datetime64("2026-03-02T14:00")


def test_nobody_asked_for_gets_an_empty_answer(provider: Provider) -> None:
    assert provider.quotes([], AT).ticks == []
    assert provider.candles([], Timeframe.D1, AT - DAY, AT).bars == {}


def test_all_is_marked_as_simulated_and_not_delayed(provider: Provider) -> None:
    quotes, candles = provider.quotes(["A"], AT), provider.candles(["A"], Timeframe.D1, AT - DAY, AT)
    assert (quotes.feed, candles.feed) == (Feed.SIMULATED, Feed.SIMULATED)
    assert (quotes.delay, candles.delay) == (timedelta(0), timedelta(0))
    assert "invented" in provider.report(AT).entitlement
