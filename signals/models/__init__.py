"""The rows of the signals app: configurations, scans, signals, backtests and track records."""

from signals.models.configs import StrategyConfig
from signals.models.history import Backtest, StrategyRecord
from signals.models.scans import Scan, ScanProgress
from signals.models.signals import Signal

__all__ = [
    "Backtest",
    "Scan",
    "ScanProgress",
    "Signal",
    "StrategyConfig",
    "StrategyRecord",
]
