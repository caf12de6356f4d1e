"""What people see and do under /admin/: one file per noun."""

from market.admin import entered, instruments, records, runs

__all__ = ["entered", "instruments", "records", "runs"]
