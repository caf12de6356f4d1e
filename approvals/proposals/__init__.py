"""What approving a signal would do now, and why it may not be done."""

from collections.abc import Sequence
from datetime import datetime

from approvals.gate import State
from approvals.positions import Effect
from approvals.proposals.context import Context, limits
from approvals.proposals.proposal import AS_PROPOSED, Overrides, Proposal
from approvals.proposals.sentences import describe, terms, terms_in_full
from signals.models import Signal

__all__ = [
    "AS_PROPOSED",
    "Context",
    "Effect",
    "Overrides",
    "Proposal",
    "describe",
    "limits",
    "propose",
    "propose_all",
    "terms",
    "terms_in_full",
]


def propose(
    signal: Signal, at: datetime, overrides: Overrides = AS_PROPOSED, *, state: State | None = None
) -> Proposal:
    """What approving this signal would do. `state`: the switches, where they have been read already."""
    return Proposal(signal, overrides, Context.load([signal.symbol], at, state))


def propose_all(signals: Sequence[Signal], at: datetime, state: State | None = None) -> list[Proposal]:
    """Return the same for many, in their order: always the same number of queries."""
    context = Context.load({signal.symbol for signal in signals}, at, state)
    return [Proposal(signal, AS_PROPOSED, context) for signal in signals]
