"""The paper broker over this database: a broker of its own, with rows of its own, that commits by itself."""

from datetime import datetime
from decimal import Decimal

from approvals.brokers.paper import Paper
from approvals.execution.paper.book import Rows
from approvals.execution.paper.market import Stored

__all__ = ["paper"]


def paper(equity: Decimal, slippage_bps: Decimal, at: datetime) -> Paper:
    """Return the paper account as it stands at `at`. Its calls are made outside of any transaction."""
    return Paper(Rows(equity), Stored(at), at, slippage_bps)
