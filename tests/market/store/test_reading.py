from datetime import timedelta

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from market import store
from market.prices import COLUMNS, Bars, Feed, Timeframe, to_instant
from tests import make

pytestmark = pytest.mark.django_db

MINUTES = timedelta(minutes=1)


def keep(bars: Bars, symbol: str = "AAPL", timeframe: Timeframe = Timeframe.M15) -> None:
    store.write_candles({symbol: bars}, timeframe, provider="polygon", feed=Feed.LIVE)


def closes(symbol: str = "AAPL", **options: object) -> list[float]:
    return list(store.read_bars([symbol], Timeframe.M15, **options)[symbol].close)  # type: ignore[arg-type]  # any option


def test_bars_come_back_as_they_were_written() -> None:
    bars = make.bars([100.0, 101.0, 102.0, 103.0])
    bars.vwap[:] = [np.nan, 101.25, 0.1, 103.0]
    bars.regular[:] = [True, False, True, False]
    bars.final[:] = [True, True, True, False]
    bars.suspect[:] = [False, True, True, False]
    keep(bars)
    stored = store.read_bars(["AAPL"], Timeframe.M15)["AAPL"]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(stored, name), getattr(bars, name))
        assert getattr(stored, name).dtype == getattr(bars, name).dtype
        assert getattr(stored, name).flags.c_contiguous


def test_every_asked_symbol_is_in_the_answer_and_no_other() -> None:
    for symbol, size in (("AAPL", 3), ("MSFT", 1), ("NVDA", 2)):
        keep(make.bars([float(n + 1) for n in range(size)]), symbol)
    stored = store.read_bars(["NVDA", "TSLA", "AAPL", "NVDA"], Timeframe.M15)
    assert {symbol: list(bars.close) for symbol, bars in stored.items()} == {
        "NVDA": [1.0, 2.0],
        "TSLA": [],
        "AAPL": [1.0, 2.0, 3.0],
    }


def test_no_symbols_cost_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert store.read_bars([], Timeframe.M15) == {}
        assert store.context({}, Timeframe.M15) == {}


def test_any_number_of_symbols_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        store.read_bars([f"S{n}" for n in range(1_000)], Timeframe.M15, last=250)


def test_a_span_includes_its_beginning_and_not_its_end() -> None:
    keep(make.bars([100.0, 101.0, 102.0, 103.0]))
    since, until = make.T0 + 15 * MINUTES, make.T0 + 45 * MINUTES
    assert closes(since=since) == [101.0, 102.0, 103.0]
    assert closes(until=until) == [100.0, 101.0, 102.0]
    assert closes(since=since, until=until) == [101.0, 102.0]


def test_the_last_bars_are_the_newest_of_each_symbol_oldest_first() -> None:
    keep(make.bars([100.0, 101.0, 102.0]))
    keep(make.bars([200.0]), "MSFT")
    stored = store.read_bars(["AAPL", "MSFT"], Timeframe.M15, last=2)
    assert [list(bars.close) for bars in stored.values()] == [[101.0, 102.0], [200.0]]
    assert closes(last=1, until=make.T0 + 30 * MINUTES) == [101.0]


def test_closed_bars_are_final_regular_and_not_suspect() -> None:
    bars = make.bars([100.0, 101.0, 102.0, 103.0, 104.0])
    bars.regular[1] = False
    bars.suspect[2] = True
    bars.final[4] = False
    keep(bars)
    assert closes(closed=True) == [100.0, 103.0]
    assert closes(closed=True, last=1) == [103.0]
    assert closes(last=1) == [104.0]


def test_the_arrays_of_all_symbols_are_views_of_the_same_ones() -> None:
    keep(make.bars([100.0]))
    keep(make.bars([200.0]), "MSFT")
    stored = store.read_bars(["AAPL", "MSFT"], Timeframe.M15)
    assert stored["AAPL"].close.base is stored["MSFT"].close.base


def test_the_context_of_bars_is_what_is_stored_around_them() -> None:
    keep(make.bars([float(n) for n in range(1, 61)]))
    batch = make.bars([50.0, 51.0, 52.0], start=make.T0 + 49 * 15 * MINUTES)
    around = store.context({"AAPL": batch, "MSFT": batch, "NVDA": Bars.empty()}, Timeframe.M15)
    assert list(around["AAPL"].close) == [*(float(n) for n in range(10, 50)), 53.0]
    assert len(around["MSFT"]) == len(around["NVDA"]) == 0
    assert list(store.context({"AAPL": batch}, Timeframe.M15, before=2)["AAPL"].close) == [48.0, 49.0, 53.0]


def test_the_context_knows_one_timeframe() -> None:
    keep(make.bars([1.0, 2.0]), timeframe=Timeframe.D1)
    batch = make.bars([3.0], start=make.T0 + timedelta(days=10))
    assert len(store.context({"AAPL": batch}, Timeframe.M15)["AAPL"]) == 0


def test_the_newest_bar_of_a_symbol_is_a_final_one() -> None:
    bars = make.bars([100.0, 101.0, 102.0])
    bars.final[2] = False
    keep(bars)
    newest = store.newest(["AAPL", "MSFT"], Timeframe.M15)
    assert newest == {"AAPL": to_instant(make.T0 + 15 * MINUTES), "MSFT": None}
