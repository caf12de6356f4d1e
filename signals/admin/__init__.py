"""What people see and do under /admin/: one file per noun."""

from signals.admin import backtests, configs, opinions, records, scans, signals

__all__ = ["backtests", "configs", "opinions", "records", "scans", "signals"]
