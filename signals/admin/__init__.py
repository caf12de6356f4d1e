"""What people see and do under /admin/: one file per noun."""

from signals.admin import backtests, configs, records, scans, signals

__all__ = ["backtests", "configs", "records", "scans", "signals"]
