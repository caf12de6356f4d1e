"""What people see and do under /admin/: one file per noun."""

from approvals.admin import (
    account,
    approvals,
    audit,
    charges,
    decisions,
    dividends,
    drifts,
    fills,
    halts,
    levels,
    notifications,
    orders,
    outcomes,
    quarantine,
    statements,
    trades,
)

__all__ = [
    "account",
    "approvals",
    "audit",
    "charges",
    "decisions",
    "dividends",
    "drifts",
    "fills",
    "halts",
    "levels",
    "notifications",
    "orders",
    "outcomes",
    "quarantine",
    "statements",
    "trades",
]
