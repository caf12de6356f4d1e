"""What approving a signal would do now, and why it may not be done."""

from collections.abc import Sequence
from datetime import datetime

from approvals.proposals.proposal import AS_PROPOSED, Does, Proposal, Wish
from approvals.proposals.surroundings import Surroundings, limits
from approvals.proposals.words import words
from signals.models import Signal

__all__ = ["AS_PROPOSED", "Does", "Proposal", "Wish", "limits", "propose", "propose_all", "words"]


def propose(signal: Signal, at: datetime, wish: Wish = AS_PROPOSED) -> Proposal:
    """What approving this signal would do."""
    return Proposal(signal, wish, Surroundings.load([signal.symbol], at))


def propose_all(signals: Sequence[Signal], at: datetime) -> list[Proposal]:
    """The same for many, in their order: always the same number of queries."""
    around = Surroundings.load({signal.symbol for signal in signals}, at)
    return [Proposal(signal, AS_PROPOSED, around) for signal in signals]
