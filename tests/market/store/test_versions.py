"""A version stands for the closed bars of a symbol and timeframe: who has seen it need not look again."""

from dataclasses import replace

import numpy as np
import pytest

from market import store
from market.models import CandleVersion
from market.prices import Bars, Feed, Timeframe, to_instant
from tests import make

pytestmark = pytest.mark.django_db


def versions() -> dict[tuple[str, str], int]:
    return {(row.symbol, row.timeframe): row.version for row in CandleVersion.objects.all()}


def write(bars: Bars, provider: str = "alpaca") -> None:
    store.write_candles({"AAPL": bars}, Timeframe.M15, provider=provider, feed=Feed.LIVE)


@pytest.fixture(autouse=True)
def watchlist() -> None:
    make.only("AAPL", "MSFT")


def test_new_closed_bars_give_another_version_to_their_symbol_alone() -> None:
    write(make.bars([100, 101]))
    assert versions() == {("AAPL", "15m"): 1}
    write(make.bars([100, 101, 102]))
    assert versions() == {("AAPL", "15m"): 2}


def test_the_same_bars_again_do_not() -> None:
    write(make.bars([100, 101]))
    write(make.bars([100, 101]))
    assert versions() == {("AAPL", "15m"): 1}


def test_an_unfinished_bar_does_not_until_it_is_finished() -> None:
    bars = make.bars([100, 101])
    bars.final[-1] = False
    write(bars)
    write(replace(bars, close=bars.close + np.array([0, 0.5]), high=bars.high + np.array([0, 0.5])))
    assert versions() == {("AAPL", "15m"): 1}
    write(make.bars([100, 101]))
    assert versions() == {("AAPL", "15m"): 2}


def test_a_revised_bar_does() -> None:
    write(make.bars([100, 101]))
    write(make.bars([100, 101.5]))
    assert versions() == {("AAPL", "15m"): 2}


def test_a_bar_that_becomes_suspect_does() -> None:
    write(make.bars([100, 101]))
    marked = {"AAPL": np.array([to_instant(make.T0)])}
    store.set_suspect(Timeframe.M15, cleared={}, flagged=marked)
    store.set_suspect(Timeframe.M15, cleared={}, flagged=marked)
    assert versions() == {("AAPL", "15m"): 2}


def test_a_restated_history_does_in_every_timeframe() -> None:
    write(make.bars([100, 101]))
    store.rescale("AAPL", 4, before=to_instant(make.T0))
    assert versions()["AAPL", "15m"] == 2
    assert set(versions()) == {("AAPL", timeframe.value) for timeframe in Timeframe}
