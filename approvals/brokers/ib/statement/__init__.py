"""Statements of Interactive Brokers: a Flex query's XML or CSV, or the activity statement's CSV. Pure."""

from approvals.brokers.ib.statement.sections import statement
from approvals.brokers.ib.statement.tables import tables
from approvals.brokers.statements import Statement

__all__ = ["read"]


def read(content: bytes, source: str) -> Statement:
    """Return what a file says, whichever of the three formats it has. Raises UnreadableStatement."""
    return statement(tables(content), source)
