"""The whole scorecard at once: everything, each strategy, each person. For the page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from approvals.models import Outcome
from approvals.scorecard.calibration import Calibration
from approvals.scorecard.card import Card, listed
from approvals.scorecard.tally import SUMS, Tally

OF = {"strategy": "strategy_id", "timeframe": "timeframe", "user": "decided_by__username"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Whole:
    """`every`: one card of all, with its few decisions listed; None while there is no outcome."""

    every: Card | None
    strategies: Sequence[Card]
    people: Sequence[Card]


def whole(outcomes: QuerySet[Outcome]) -> Whole:
    """Two queries: one pass over the outcomes, and one for decisions that are few."""
    rows = list(
        outcomes.order_by()
        .values(*OF.values(), "confidence", "ledger", "group")
        .annotate(**SUMS, computed_at=Max("computed_at"))
    )
    if not rows:
        return Whole(None, [], [])
    every = _card({}, rows)
    if every.rejections.has_listed:
        every = replace(every, listed=listed(outcomes, [], [every]).get((), []))
    decided = [row for row in rows if row[OF["user"]] is not None]
    return Whole(every, _cards(rows, "strategy", "timeframe"), _cards(decided, "user"))


def _cards(rows: Sequence[Row], *by: str) -> list[Card]:
    parts: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        parts[tuple(row[OF[name]] for name in by)].append(row)
    return [_card(dict(zip(by, key, strict=True)), parts[key]) for key in sorted(parts)]


def _card(of: Mapping[str, str | None], rows: Sequence[Row]) -> Card:
    parts: dict[tuple[str, str], Tally] = defaultdict(Tally)
    said: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
    computed_at: datetime = max(row["computed_at"] for row in rows)
    for row in rows:
        parts[row["ledger"], row["group"]] += Tally.of(row)
        if row["ledger"] == Outcome.Ledger.SIGNAL:
            said[row["confidence"]][0] += row["targets"] + row["stops"]
            said[row["confidence"]][1] += row["targets"]
    raced = [(confidence, cases, targets) for confidence, (cases, targets) in said.items() if cases]
    return Card(of, parts, computed_at, Calibration.of(raced))
