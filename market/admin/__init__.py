"""What people see and do under /admin/: one file per noun."""

from market.admin import candles, imports, instruments, runs, sessions

__all__ = ["candles", "imports", "instruments", "runs", "sessions"]
