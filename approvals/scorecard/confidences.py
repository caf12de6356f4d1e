"""How often the target really came first at a confidence: what stands beside each signal."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject

from approvals.models import Outcome
from approvals.scorecard.calibration import Confidence
from approvals.scorecard.tally import RACED
from signals.models import Signal
from signals.models.signals import SignalQuerySet
from signals.trades import End

Key = tuple[str, str, Decimal]  # strategy, timeframe, confidence


def with_rate(signals: SignalQuerySet) -> SignalQuerySet:
    """Return each with its `rate`: the outcomes of those with the same confidence, or None."""
    alike = Outcome.objects.filter(
        RACED,
        ledger=Outcome.Ledger.SIGNAL,
        strategy_id=OuterRef("strategy_id"),
        timeframe=OuterRef("timeframe"),
        confidence=OuterRef("confidence"),
    )
    counts = JSONObject(cases=Count("pk"), targets=Count("pk", filter=Q(race=End.TARGET)))
    return signals.annotate(
        rate=Subquery(alike.order_by().values("ledger").annotate(rate=counts).values("rate"))
    )


def rate_of(signal: Signal) -> Confidence | None:
    """Of a signal that was read with it."""
    rate = signal.rate  # type: ignore[attr-defined]  # annotated
    return Confidence(signal.confidence, rate["cases"], rate["targets"]) if rate else None


def at_confidence(signals: Iterable[Signal]) -> Mapping[Key, Confidence]:
    """Return the outcomes of the signals here that said the same with the same confidence. One query."""
    keys = {(signal.strategy_id, signal.timeframe, signal.confidence) for signal in signals}
    rows = (
        Outcome.objects.order_by()
        .filter(
            RACED,
            ledger=Outcome.Ledger.SIGNAL,
            strategy_id__in={strategy for strategy, _, _ in keys},
            confidence__in={confidence for _, _, confidence in keys},
        )
        .values_list("strategy_id", "timeframe", "confidence")
        .annotate(cases=Count("pk"), targets=Count("pk", filter=Q(race=End.TARGET)))
    )
    return {
        (strategy, timeframe, confidence): Confidence(confidence, cases, targets)
        for strategy, timeframe, confidence, cases, targets in rows
    }
