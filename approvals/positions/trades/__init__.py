"""What closed trades made: round trips of what we held, and the lots that the tax office asks for."""

from approvals.positions.trades.ledger import refresh

__all__ = ["refresh"]
