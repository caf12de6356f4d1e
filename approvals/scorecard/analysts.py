"""What the analysts' opinions were worth: their own calibration, and whether they or people were right.

An opinion is the newest that was there when the signal was decided on. Calibration is counted from the
signal, agreement from the decision: there both stood before the same price.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Case, F, Q, QuerySet, Value, When

from approvals.models import Outcome
from approvals.scorecard.calibration import Calibration
from approvals.scorecard.tally import SUMS, Tally, share
from opinions.models import OrchestrationRun, Stance

Group, Ledger = Outcome.Group, Outcome.Ledger
OPINION = {
    "analyst": F("signal__runs__analyst"),
    "said": F("signal__runs__agent_suggestion"),
    "side": F("signal__signal_type"),
    "score": F("signal__runs__confidence"),
    "is_sound": Case(
        When(Q(signal__runs__inventions=[], signal__runs__contradictions=[]), then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    ),
}


@dataclass(frozen=True)
class Opinions:
    """The opinions of one analyst. `calibration`: of those that agreed with the signal, on grounds that hold.

    `said`: the outcomes of signals by what it said of them. `decided`: the outcomes of decisions, by
    what was decided and what it had said.
    """

    analyst: str
    calibration: Calibration
    said: Mapping[Stance, Tally]
    decided: Mapping[tuple[str, Stance], Tally]

    @property
    def cases(self) -> int:
        return sum(tally.size for tally in self.said.values())

    @property
    def both_yes(self) -> Tally:
        return self._decided(Group.APPROVED, Stance.FOR)

    @property
    def both_no(self) -> Tally:
        return self._decided(Group.REJECTED, Stance.AGAINST)

    @property
    def approved_against(self) -> Tally:
        """Approved, though it was against it."""
        return self._decided(Group.APPROVED, Stance.AGAINST)

    @property
    def rejected_against(self) -> Tally:
        """Rejected, though it was for it."""
        return self._decided(Group.REJECTED, Stance.FOR)

    @property
    def agreed(self) -> int:
        return self.both_yes.size + self.both_no.size

    @property
    def compared(self) -> int:
        """Decisions on which it had a clear opinion that holds."""
        return self.agreed + self.approved_against.size + self.rejected_against.size

    @property
    def agreement(self) -> float | None:
        """The share of those in which person and analyst wanted the same."""
        return share(self.agreed, self.compared)

    def _decided(self, group: Outcome.Group, stance: Stance) -> Tally:
        return self.decided.get((group, stance), Tally())


def opinions(outcomes: QuerySet[Outcome]) -> list[Opinions]:
    """Return one for each analyst that has said something, by name. One query."""
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    newest = OrchestrationRun.objects.newest().values("pk")
    with_opinion = outcomes.order_by().filter(signal__runs__in=newest)
    grouped: QuerySet[Any] = with_opinion.values("ledger", "group", **OPINION)
    for row in grouped.annotate(**SUMS):
        rows[row["analyst"]].append(row)
    return [_opinions(analyst, rows[analyst]) for analyst in sorted(rows)]


def _opinions(analyst: str, rows: Sequence[Mapping[str, Any]]) -> Opinions:
    by_stance: dict[Stance, Tally] = defaultdict(Tally)
    decided: dict[tuple[str, Stance], Tally] = defaultdict(Tally)
    scores: dict[Decimal, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        stance = Stance.of(row["said"], row["side"], is_sound=row["is_sound"])
        tally = Tally.of(row)
        if row["ledger"] == Ledger.DECISION:
            decided[row["group"], stance] += tally
            continue
        by_stance[stance] += tally
        if stance == Stance.FOR:
            scores[row["score"]][0] += tally.targets + tally.stops
            scores[row["score"]][1] += tally.targets
    raced = [(score, cases, targets) for score, (cases, targets) in scores.items() if cases]
    return Opinions(analyst, Calibration.of(raced), by_stance, decided)
