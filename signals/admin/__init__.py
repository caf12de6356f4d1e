"""What people see and do under /admin/: one file per noun."""

from signals.admin import configs, scans, signals

__all__ = ["configs", "scans", "signals"]
