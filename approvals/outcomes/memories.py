"""What was decided, and how it turned out, into memory: without anyone asking, each case once.

Pulled from the rows of decisions and final outcomes; what a person wrote is kept without keys and account
numbers. No user's name is kept.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from approvals.models import Outcome, TradeApproval
from core import redaction
from market.prices import Timeframe
from opinions import memory
from opinions.models import Memory
from signals.models.signals import Signal

AT_ONCE = 1_000
Kind, Ledger = Memory.Kind, Outcome.Ledger
KINDS = {Ledger.SIGNAL: Kind.OUTCOME, Ledger.DECISION: Kind.RESULT}
DECIDED = (Outcome.Group.APPROVED, Outcome.Group.REJECTED)


def retain(at: datetime) -> int:
    """Keep the decisions and the final outcomes that are not kept yet; how many there were."""
    secrets = redaction.secret_values(settings)
    memories = [*_decisions(at, secrets), *_outcomes(Ledger.SIGNAL, at), *_outcomes(Ledger.DECISION, at)]
    return memory.retain(memories)


def _unkept(rows: QuerySet[Any], kind: Memory.Kind) -> QuerySet[Any]:
    """Return the rows whose signal has no memory of that kind in this bank."""
    reference = Concat(Value(f"{kind}:"), Cast(OuterRef("signal_id"), CharField()))
    return rows.exclude(Exists(Memory.objects.filter(bank=settings.MEMORY_BANK, reference=reference)))


def _decisions(at: datetime, secrets: Any) -> Iterator[Memory]:
    approvals = _unkept(TradeApproval.objects.select_related("signal"), Kind.DECISION).order_by("approved_at")
    for approval in approvals[:AT_ONCE]:
        signal = approval.signal
        notes = redaction.redact(approval.modification_notes, secrets)
        yield memory.memory_of(
            signal,
            Kind.DECISION,
            approval.approved_at,
            at,
            text=f"{_describe(signal)} {_verdict(approval)}."
            + (f" In their words: {notes}" if notes else ""),
            features={
                "approved": approval.approved,
                "reason": approval.reason,
                "confidence": float(signal.confidence),
            },
        )


def _outcomes(ledger: Outcome.Ledger, at: datetime) -> Iterator[Memory]:
    """Yield those that later bars do not change any more, and that have a result."""
    final = Outcome.objects.filter(ledger=ledger, is_final=True, is_race_final=True, r__isnull=False)
    if ledger == Ledger.DECISION:
        final = final.filter(group__in=DECIDED)
    outcomes = _unkept(final.select_related("signal", "approval"), KINDS[ledger]).order_by("exited_at")
    for outcome in outcomes[:AT_ONCE]:
        signal = outcome.signal
        since = "" if ledger == Ledger.SIGNAL else " counted from the decision"
        decided = f"; it was {_verdict(outcome.approval)}" if outcome.approval else ""
        known_at = outcome.exited_at + Timeframe(outcome.played_on).length  # the close of the bar it ended in
        if outcome.approval:  # a later decision is in the text, too
            known_at = max(known_at, outcome.approval.approved_at)
        yield memory.memory_of(
            signal,
            KINDS[ledger],
            known_at,
            at,
            text=f"{_describe(signal)} made {outcome.r:+.2f} R{since}, {outcome.get_end_display()}{decided}.",
            features={
                "r": round(outcome.r, 4),
                "end": outcome.get_end_display(),
                "group": outcome.group,
                "confidence": float(signal.confidence),
            },
        )


def _describe(signal: Signal) -> str:
    """Return the signal in words."""
    about = f"{signal.signal_type} {signal.symbol} by {signal.strategy_id} on {signal.timeframe} bars"
    return f"{about} with confidence {signal.confidence:.2f} ({signal.reasoning.rstrip('.')})"


def _verdict(approval: TradeApproval) -> str:
    return "approved" if approval.approved else f"rejected: {approval.reason}"
