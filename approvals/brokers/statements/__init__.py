"""Statements of brokers: what they say of an account over a time, compared with our book. Pure."""

from approvals.brokers.statements.comparison import Books, Comparison, Difference, Entry, Kind, compare
from approvals.brokers.statements.statement import (
    NoStatement,
    NotYet,
    Statement,
    StatementError,
    UnreadableStatement,
)

__all__ = [
    "Books",
    "Comparison",
    "Difference",
    "Entry",
    "Kind",
    "NoStatement",
    "NotYet",
    "Statement",
    "StatementError",
    "UnreadableStatement",
    "compare",
]
