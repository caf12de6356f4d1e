"""Random entries keep their distances in ATR, and fall where the strategy could have spoken."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from market import store
from market.prices import Bars, Feed, Timeframe
from signals import backtest, indicators
from signals.backtest import chance
from signals.backtest.studies import _places
from signals.lifetimes import Calendars
from signals.panel import Panel
from signals.store import panel as stored
from signals.strategies.macd_crossover import MacdCrossover
from tests import make
from tests.signals.walks import walk

START = datetime(2022, 1, 3, tzinfo=UTC)


def test_a_moved_event_is_as_many_atr_from_its_levels_as_before() -> None:
    calm = walk(120, 1, start=START, deviation=0.004)
    wild = walk(80, 1, start=START + timedelta(days=120), deviation=0.05)
    panel = Panel.of(Bars.join([calm, wild]))
    events = MacdCrossover().ideas(panel)
    events = events[events.row < 110]
    atr = panel.indicator(indicators.atr, "high", "low", "close", period=14)
    moved = chance._moved(panel, events, np.full(len(events), 190), atr)
    assert len(events) >= 3
    assert atr[190] > 5 * atr[110]
    for level in ("stop", "target"):
        before = (getattr(events, level) - events.entry) / atr[events.row]
        assert np.allclose((getattr(moved, level) - moved.entry) / atr[190], before)


@pytest.mark.django_db
def test_no_random_entry_falls_on_a_bar_where_the_strategy_is_cold() -> None:
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(START + timedelta(days=300), days=300)
    bars = {"AAPL": walk(300, 1, start=START)}
    store.write_candles(bars, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
    setup = backtest.checked(strategy_id="ma_crossover_v1", timeframe="1d", symbols=["AAPL"])
    panel, calendars = stored(["AAPL"], Timeframe.D1), Calendars.load({"AAPL": "24/7"})
    places = _places(panel, setup, calendars, np.ones(300, dtype=np.bool_))
    assert (places.min(), places.max()) == (200, 298)
