"""How signals and the decisions on them turned out, from the two ledgers of outcomes.

What a strategy is worth is read from the signal ledger, what a person adds from the decision ledger alone. A
rate stands on at least so many cases as its interval needs; below that the cases themselves are listed.
"""

from approvals.scorecard.analysts import Opinions, opinions
from approvals.scorecard.calibration import Calibration, Confidence
from approvals.scorecard.card import KEYS, Card, cards, complete
from approvals.scorecard.confidences import at_confidence, rate_of, with_rate
from approvals.scorecard.overview import Overview, overview
from approvals.scorecard.rejections import Decided, Rejections
from approvals.scorecard.tally import Tally

__all__ = [
    "KEYS",
    "Calibration",
    "Card",
    "Confidence",
    "Decided",
    "Opinions",
    "Overview",
    "Rejections",
    "Tally",
    "at_confidence",
    "cards",
    "complete",
    "opinions",
    "overview",
    "rate_of",
    "with_rate",
]
