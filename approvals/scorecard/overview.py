"""The whole scorecard at once: everything, each strategy, each person. For the page."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db.models import QuerySet

from approvals.models import Outcome
from approvals.scorecard.calibration import Calibration
from approvals.scorecard.card import Card, calibrations, cards, listed
from approvals.scorecard.doubted import Doubt, doubt
from approvals.scorecard.tally import Tally

Ledger = Outcome.Ledger


@dataclass(frozen=True)
class Overview:
    """`every`: one card of all, with its few decisions listed; None while there is no outcome.

    Of `strategies` the signal ledger alone is known, of `people` that of their decisions.
    """

    every: Card | None
    strategies: Sequence[Card]
    people: Sequence[Card]
    doubt: Doubt = field(default_factory=Doubt)


def overview(outcomes: QuerySet[Outcome]) -> Overview:
    """Four queries, and one each for decisions that are few and bars in doubt.

    Each ledger is read by what it is shown by.
    """
    strategies = cards(outcomes.filter(ledger=Ledger.SIGNAL), ["strategy", "timeframe"])
    deciders = cards(outcomes.filter(ledger=Ledger.DECISION), ["user"])
    if not (strategies or deciders):
        return Overview(None, [], [])
    every = _together([*strategies, *deciders], Calibration.of(calibrations(outcomes, []).get((), [])))
    if every.rejections.has_listed:
        every = replace(every, listed=listed(outcomes, [], [every]).get((), []))
    people = [card for card in deciders if card.of["user"] is not None]
    return Overview(every, strategies, people, doubt(outcomes))


def _together(cards: Sequence[Card], calibration: Calibration) -> Card:
    parts: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for card in cards:
        for part, tally in card.parts.items():
            parts[part] += tally
    return Card({}, parts, max(card.computed_at for card in cards), calibration)
