"""What people see and do under /admin/: one file per noun."""

from market.admin import actions, candles, imports, instruments, moves, runs, sessions

__all__ = ["actions", "candles", "imports", "instruments", "moves", "runs", "sessions"]
