"""One row of the scorecard, and how the rows are read: a few queries, whatever the number of outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Window

from approvals.models import Outcome
from approvals.scorecard.calibration import ENOUGH, Calibration
from approvals.scorecard.doubted import doubted
from approvals.scorecard.rejections import Decided, Rejections
from approvals.scorecard.tally import RACED, SUMS, Tally
from signals.trades import End

Group, Ledger = Outcome.Group, Outcome.Ledger
# What the outcomes may be grouped by, and the column of each.
KEYS = {
    "strategy": "strategy_id",
    "timeframe": "timeframe",
    "symbol": "symbol",
    "user": "decided_by__username",
}
LISTED = ("signal_id", "symbol", "signal__signal_type", "group", "since", "r", "end")
Key = tuple[str | None, ...]
Parts = Mapping[tuple[str, str], Tally]  # ledger and group


@dataclass(frozen=True)
class Card:
    """The outcomes of one strategy, timeframe, symbol or user: `of` says which."""

    of: Mapping[str, str | None]
    parts: Parts
    computed_at: datetime
    calibration: Calibration = field(default_factory=Calibration)
    listed: Sequence[Decided] = ()
    doubted: int = 0

    @property
    def signals(self) -> int:
        return self.signal_ledger.size

    @property
    def approved(self) -> int:
        return self._decisions(Group.APPROVED).size

    @property
    def rejected(self) -> int:
        return self._decisions(Group.REJECTED).size

    @property
    def expired(self) -> int:
        return self._decisions(Group.EXPIRED).size

    @property
    def measured(self) -> int:
        return self._decisions(Group.MEASURED).size

    @property
    def void(self) -> int:
        return sum(self._decisions(group).void for group in Group)

    @property
    def signal_ledger(self) -> Tally:
        return sum((self.parts.get((Ledger.SIGNAL, group), Tally()) for group in Group), Tally())

    @property
    def decision_ledger(self) -> dict[str, Tally]:
        return {group.value: self._decisions(group) for group in Group if group != Group.NONE}

    @property
    def rejections(self) -> Rejections:
        approved, rejected = (self._decisions(group).sample for group in (Group.APPROVED, Group.REJECTED))
        return Rejections(approved, rejected, self.listed)

    def _decisions(self, group: Outcome.Group) -> Tally:
        return self.parts.get((Ledger.DECISION, group), Tally())


def cards(outcomes: QuerySet[Outcome], by: Sequence[str]) -> list[Card]:
    """One for each that there is, in their order, with all that follows from counts and sums. One query."""
    columns = [KEYS[name] for name in by]
    rows = (
        outcomes.order_by()
        .values(*columns, "ledger", "group")
        .annotate(**SUMS, computed_at=Max("computed_at"))
    )
    parts: dict[Key, dict[tuple[str, str], Tally]] = {}
    computed: dict[Key, datetime] = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        parts.setdefault(key, {})[row["ledger"], row["group"]] = Tally.of(row)
        computed[key] = max(computed.get(key, row["computed_at"]), row["computed_at"])
    ordered = sorted(parts, key=lambda key: [(part is None, part or "") for part in key])
    return [Card(dict(zip(by, key, strict=True)), parts[key], computed[key]) for key in ordered]


def complete(cards: Sequence[Card], outcomes: QuerySet[Outcome]) -> list[Card]:
    """The cards with their calibration, and with the cases of decisions while they are few. Four queries."""
    if not cards:
        return []
    by = list(cards[0].of)
    confidences = calibrations(outcomes, by)
    few = [card for card in cards if card.rejections.has_listed]
    few_cases = listed(outcomes, by, few) if few else {}
    in_doubt = doubted(outcomes, [KEYS[name] for name in by])
    return [
        replace(
            card,
            calibration=Calibration.of(confidences.get(tuple(card.of.values()), [])),
            listed=few_cases.get(tuple(card.of.values()), []),
            doubted=in_doubt.get(tuple(card.of.values()), 0),
        )
        for card in cards
    ]


def calibrations(outcomes: QuerySet[Outcome], by: Sequence[str]) -> dict[Key, list[Any]]:
    """For each key its confidences: value, cases, targets."""
    columns = [KEYS[name] for name in by]
    rows = (
        outcomes.order_by()
        .filter(RACED, ledger=Ledger.SIGNAL)
        .values_list(*columns, "confidence")
        .annotate(cases=Count("pk"), targets=Count("pk", filter=Q(race=End.TARGET)))
    )
    by_key: dict[Key, list[Any]] = {}
    for *key, confidence, cases, targets in rows:
        by_key.setdefault(tuple(key), []).append((confidence, cases, targets))
    return by_key


def listed(outcomes: QuerySet[Outcome], by: Sequence[str], cards: Sequence[Card]) -> dict[Key, list[Decided]]:
    """For each key its approved cases when they are few, likewise those rejected; the newest first."""
    columns = [KEYS[name] for name in by]
    near = {f"{KEYS[name]}__in": {card.of[name] for card in cards} for name in by}
    decided = outcomes.filter(
        **near, ledger=Ledger.DECISION, group__in=[Group.APPROVED, Group.REJECTED], end__gt=End.OPEN
    )
    of_its_kind = Window(Count("pk"), partition_by=[*columns, "group"])
    few = decided.order_by().annotate(of_its_kind=of_its_kind).filter(of_its_kind__lt=ENOUGH)
    # The signals are joined to those few alone.
    rows = Outcome.objects.filter(pk__in=few.values("pk")).order_by("-since", "pk")
    by_key: dict[Key, list[Decided]] = {}
    for row in rows.values(*dict.fromkeys([*columns, *LISTED])):
        signal, symbol, side, group, since, r, end = (row[name] for name in LISTED)
        case = Decided(signal, symbol, side, group, since, r, End(end).name.lower().replace("_", " "))
        by_key.setdefault(tuple(row[column] for column in columns), []).append(case)
    return by_key
