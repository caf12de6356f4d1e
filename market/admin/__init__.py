"""What people see and do under /admin/: one file per noun."""

from market.admin import candles, imports, instruments, moves, runs, sessions

__all__ = ["candles", "imports", "instruments", "moves", "runs", "sessions"]
