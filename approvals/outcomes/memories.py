"""What was decided, and how it turned out, into memory: without anyone asking, each case once.

Pulled from the rows of decisions and final outcomes; what a person wrote is kept without keys and account
numbers. No user's name is kept.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from approvals.models import Outcome, TradeApproval
from core import redaction
from market import faults
from market.models import Fault
from market.prices import Timeframe
from opinions import memory
from opinions.models import Memory
from signals.models.signals import Signal

AT_ONCE = 1_000
Kind, Ledger = Memory.Kind, Outcome.Ledger
KINDS = {Ledger.SIGNAL: Kind.OUTCOME, Ledger.DECISION: Kind.RESULT}
DECIDED = (Outcome.Group.APPROVED, Outcome.Group.REJECTED)


def retain(at: datetime) -> int:
    """Keep the decisions and the final outcomes that are not kept yet; how many there were.

    One that cannot be kept keeps no other away.
    """
    secrets = redaction.secret_values(settings)

    def keep(cases: Sequence[Any]) -> int:
        with transaction.atomic():
            return memory.retain([_memory(case, at, secrets) for case in cases])

    isolation = faults.Isolation(Fault.Work.MEMORY, at)
    paused = isolation.paused
    cases = [case for rows in _unkept_cases() for case in rows.exclude(signal__in=paused)[:AT_ONCE]]
    return sum(isolation.together(cases, keep, lambda case: case.signal_id, lambda case: str(case.signal)))


def _unkept_cases() -> Iterator[QuerySet[Any]]:
    """Yield the decisions that are not kept yet, and the outcomes of each ledger."""
    yield _unkept(TradeApproval.objects.select_related("signal"), Kind.DECISION).order_by("approved_at")
    for ledger in Ledger:
        yield _final(ledger)


def _memory(case: Any, at: datetime, secrets: Any) -> Memory:
    return _of_decision(case, at, secrets) if isinstance(case, TradeApproval) else _of_outcome(case, at)


def _unkept(rows: QuerySet[Any], kind: Memory.Kind) -> QuerySet[Any]:
    """Return the rows whose signal has no memory of that kind in this bank."""
    reference = Concat(Value(f"{kind}:"), Cast(OuterRef("signal_id"), CharField()))
    return rows.exclude(Exists(Memory.objects.filter(bank=settings.MEMORY_BANK, reference=reference)))


def _of_decision(approval: TradeApproval, at: datetime, secrets: Any) -> Memory:
    signal = approval.signal
    notes = redaction.redact(approval.modification_notes, secrets)
    return memory.memory_of(
        signal,
        Kind.DECISION,
        approval.approved_at,
        at,
        text=f"{_describe(signal)} {_verdict(approval)}." + (f" In their words: {notes}" if notes else ""),
        features={
            "approved": approval.approved,
            "reason": approval.reason,
            "confidence": float(signal.confidence),
        },
    )


def _final(ledger: Outcome.Ledger) -> QuerySet[Outcome]:
    """Return those of a ledger that later bars do not change any more, and that have a result."""
    final = Outcome.objects.filter(ledger=ledger, is_final=True, is_race_final=True, r__isnull=False)
    if ledger == Ledger.DECISION:
        final = final.filter(group__in=DECIDED)
    return _unkept(final.select_related("signal", "approval"), KINDS[ledger]).order_by("exited_at")


def _of_outcome(outcome: Any, at: datetime) -> Memory:
    signal, ledger = outcome.signal, Ledger(outcome.ledger)
    since = "" if ledger == Ledger.SIGNAL else " counted from the decision"
    decided = f"; it was {_verdict(outcome.approval)}" if outcome.approval else ""
    known_at = outcome.exited_at + Timeframe(outcome.played_on).length  # the close of the bar it ended in
    if outcome.approval:  # a later decision is in the text, too
        known_at = max(known_at, outcome.approval.approved_at)
    return memory.memory_of(
        signal,
        KINDS[ledger],
        known_at,
        at,
        text=f"{_describe(signal)} made {outcome.r:+.2f} R{since}, {outcome.get_end_display()}{decided}.",
        features={
            "r": round(outcome.r, 4),
            "planned_r": outcome.planned_r and round(outcome.planned_r, 4),
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
