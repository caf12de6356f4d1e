"""Whether the bars behind a signal are still those it stands on."""

from datetime import timedelta

import pytest

from market import store
from market.models import Candle
from market.prices import Feed, Timeframe
from signals import scan
from signals.charts import studies, thumbnail
from signals.models import Signal, StrategyConfig
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def signal(macd: StrategyConfig) -> Signal:
    make.history("AAPL", make.turning())
    scan.run(make.T0 + timedelta(minutes=1))
    return Signal.objects.get()


def test_they_are_while_nothing_has_been_corrected(signal: Signal) -> None:
    assert not studies.has_other_bars(signal, thumbnail.around(signal))


def test_bars_that_came_after_it_change_nothing(signal: Signal) -> None:
    later = make.bars([96.0, 95.0], make.T0)
    store.write_candles({"AAPL": later}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    assert not studies.has_other_bars(signal, thumbnail.around(signal))


def test_a_corrected_one_is_told(signal: Signal) -> None:
    corrected = make.bars([95.0], make.T0 - timedelta(minutes=15) * 10)
    store.write_candles({"AAPL": corrected}, Timeframe.M15, provider="simulator", feed=Feed.SIMULATED)
    assert Candle.objects.filter(revisions=1).count() == 1
    assert studies.has_other_bars(signal, thumbnail.around(signal))


def test_where_none_are_stored_there_are_no_others(signal: Signal) -> None:
    Candle.objects.all().delete()
    assert not studies.has_other_bars(signal, thumbnail.around(signal))
