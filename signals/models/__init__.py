"""The rows of the signals app: what is switched on, what was said and thought of it, how history looks."""

from signals.models.configs import StrategyConfig
from signals.models.history import Backtest, StrategyRecord
from signals.models.opinions import Memory, OrchestrationRun, Stance
from signals.models.scans import Scan, ScanProgress
from signals.models.signals import Signal

__all__ = [
    "Backtest",
    "Memory",
    "OrchestrationRun",
    "Scan",
    "ScanProgress",
    "Signal",
    "Stance",
    "StrategyConfig",
    "StrategyRecord",
]
