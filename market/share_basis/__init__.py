"""Share splits as prices show them: one factor between two accounts, or a move of their size. No Django."""

from market.share_basis.factor import common_factor, in_shares
from market.share_basis.moves import may_hold_any, split_like

__all__ = ["common_factor", "in_shares", "may_hold_any", "split_like"]
