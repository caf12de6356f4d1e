"""What people see and do under /admin/: one file per noun."""

from market.admin import (
    actions,
    candles,
    detail_changes,
    earnings,
    imports,
    instruments,
    moves,
    rates,
    review,
    runs,
    sessions,
    watchlists,
)

__all__ = [
    "actions",
    "candles",
    "detail_changes",
    "earnings",
    "imports",
    "instruments",
    "moves",
    "rates",
    "review",
    "runs",
    "sessions",
    "watchlists",
]
