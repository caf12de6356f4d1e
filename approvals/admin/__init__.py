"""What people see and do under /admin/: one file per noun."""

from approvals.admin import (
    account,
    approvals,
    audit,
    decisions,
    dividends,
    fills,
    halts,
    notifications,
    orders,
    outcomes,
    quarantine,
)

__all__ = [
    "account",
    "approvals",
    "audit",
    "decisions",
    "dividends",
    "fills",
    "halts",
    "notifications",
    "orders",
    "outcomes",
    "quarantine",
]
