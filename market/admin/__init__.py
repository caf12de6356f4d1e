"""What people see and do under /admin/: one file per noun."""

from market.admin import candles, instruments, runs, sessions

__all__ = ["candles", "instruments", "runs", "sessions"]
