"""What approving a signal would do now, and why it may not be done."""

from collections.abc import Sequence
from datetime import datetime

from approvals.models import Order
from approvals.proposals.proposal import AS_PROPOSED, Does, Proposal, Wish
from approvals.proposals.surroundings import Surroundings, limits
from approvals.proposals.words import terms, words
from signals.models import Signal

__all__ = ["AS_PROPOSED", "Does", "Proposal", "Wish", "limits", "propose", "propose_all", "terms", "words"]


def propose(
    signal: Signal, at: datetime, wish: Wish = AS_PROPOSED, *, apart_from: Order | None = None
) -> Proposal:
    """What approving this signal would do, or releasing its held order: that one is then left out."""
    return Proposal(signal, wish, Surroundings.load([signal.symbol], at, apart_from))


def propose_all(signals: Sequence[Signal], at: datetime) -> list[Proposal]:
    """The same for many, in their order: always the same number of queries."""
    around = Surroundings.load({signal.symbol for signal in signals}, at)
    return [Proposal(signal, AS_PROPOSED, around) for signal in signals]
