"""Strategies over stored history: the same code and the same fills as everywhere else."""

from signals.backtest.figures import Figures, luck, mean, race
from signals.backtest.jobs import give_up, request, run
from signals.backtest.report import RANDOM_DRAWS, Report, report
from signals.backtest.setup import COST_BPS, MOST_COST_BPS, BacktestRefused, Setup, checked
from signals.backtest.studies import Cases, Study, evaluate, pooled, studies

__all__ = [
    "COST_BPS",
    "MOST_COST_BPS",
    "RANDOM_DRAWS",
    "BacktestRefused",
    "Cases",
    "Figures",
    "Report",
    "Setup",
    "Study",
    "checked",
    "evaluate",
    "give_up",
    "luck",
    "mean",
    "pooled",
    "race",
    "report",
    "request",
    "run",
    "studies",
]
