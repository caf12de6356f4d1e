import pytest

from signals.models import StrategyConfig
from tests import make


@pytest.fixture
def macd() -> StrategyConfig:
    """One instrument that trades round the clock, and MACD on its 15-minute bars, alone switched on."""
    make.only("AAPL", calendar="24/7")
    make.round_the_clock()
    StrategyConfig.objects.update(enabled=False)
    config = StrategyConfig.objects.get(strategy_id="macd_crossover_v1", timeframe="15m")
    config.enabled = True
    config.save()
    return config
