"""The strategies that there are. A new one is a file of its own and one line here."""

from signals.strategies.base import BUY, SELL, Ideas, Plot, Strategy
from signals.strategies.guard import (
    DIED,
    HISTORY_SECONDS,
    StrategyBroke,
    StrategyFailed,
    failing_alone,
    ideas_of,
    reach_of,
)
from signals.strategies.ma_crossover import MaCrossover
from signals.strategies.macd_crossover import MacdCrossover
from signals.strategies.parameters import BadParameters
from signals.strategies.rsi_momentum import RsiMomentum

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.id: strategy
    for strategy in (
        RsiMomentum,
        MacdCrossover,
        MaCrossover,
    )
}

__all__ = [
    "BUY",
    "DIED",
    "HISTORY_SECONDS",
    "SELL",
    "STRATEGIES",
    "BadParameters",
    "Ideas",
    "Plot",
    "Strategy",
    "StrategyBroke",
    "StrategyFailed",
    "failing_alone",
    "ideas_of",
    "reach_of",
]
