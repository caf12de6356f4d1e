"""Work on queued runs: take the snapshot, ask the analyst, check the answer against the snapshot, store it.

A worker takes one of a few slots (an advisory lock each, so a dead worker gives its slot back). Nothing here
can approve, order or change anything else: it reads, asks and writes its own rows.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core import locks, redaction
from opinions import budget, memory, snapshots, store
from opinions.analysts import registry
from opinions.analysts.base import AnalystFailed, Bill, NotConfigured, Opinion
from opinions.grounding.check import check, contradictions
from opinions.models import JOINT, Cause, OrchestrationRun
from opinions.models.runs import end_of
from opinions.snapshots import Held, Subject
from signals.models import Signal

logger = logging.getLogger(__name__)

Status = OrchestrationRun.Status
SPELL = 45.0  # seconds that a task works before it lets others have its worker
GRACE = timedelta(seconds=60)  # for what a run does besides waiting for its analyst
LISTENED = 20.0  # seconds that runs which are worked on together wait for Hindsight
LONGEST_MODEL = 120
BROKEN = "Something in Jax broke on it ({}). The log says more."
ANSWERED = ("inputs", "exchanges", "key_factors", "inventions", "contradictions", "notes")  # not known yet


@dataclass
class Clock:
    """The instant that work began with, and what has gone by since."""

    at: datetime
    begun: float = field(default_factory=time.monotonic)

    @property
    def gone(self) -> float:
        return time.monotonic() - self.begun

    @property
    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.gone)


def work(at: datetime, held: Callable[[], Sequence[Held]]) -> bool:
    """Work on the queued runs for a while; return whether more wait. Do nothing when all slots are taken.

    `held`: the open positions at the moment it is called.
    """
    clock = Clock(at)
    with _slot() as is_free:
        while is_free and clock.gone < SPELL:
            positions = held()
            runs = _claim(clock.now)
            if not runs:
                return False
            _work_on(runs, positions, clock)
    return is_free and OrchestrationRun.objects.filter(status=Status.QUEUED).exists()


@contextmanager
def _slot() -> Iterator[bool]:
    """Take one of the slots; yield whether one was free."""
    for number in range(settings.ORCHESTRATION_CONCURRENCY):
        with locks.held(f"signals orchestration {number}") as is_locked:
            if is_locked:
                yield True
                return
    yield False


def _claim(at: datetime) -> list[OrchestrationRun]:
    """Claim the strongest queued run, with as many others for its analyst as that takes at once."""
    deadline = at + timedelta(seconds=settings.ANALYST_TIMEOUT_SECONDS) + GRACE
    with transaction.atomic():
        waiting = OrchestrationRun.objects.filter(status=Status.QUEUED).strongest_first()
        # The first, too: what another worker is claiming tells nothing about what is left.
        free = waiting.select_for_update(of=("self",), skip_locked=True)
        name = free.values_list("analyst", flat=True).first()
        if name is None:
            return []
        runs = list(free.filter(analyst=name).defer(*ANSWERED).select_related("signal")[: _at_once(name)])
        OrchestrationRun.objects.filter(pk__in=[run.pk for run in runs]).change_status(
            Cause.CLAIMED, started_at=at, deadline_at=deadline
        )
    for run in runs:
        run.status, run.started_at, run.deadline_at = Status.RUNNING, at, deadline
    return runs


def _at_once(name: str) -> int:
    try:
        return registry.spec_of(name).at_once
    except NotConfigured:  # an analyst of an earlier version
        return 1


def _work_on(runs: Sequence[OrchestrationRun], held: Sequence[Held], clock: Clock) -> None:
    """Consult on them together. One that something breaks on is found by halves and fails, and only that."""
    try:
        _consult(runs, held, clock)
    except Exception as error:  # whatever it is, the other runs are not to suffer from it
        if not connection.is_usable():
            raise
        if len(runs) == 1:
            _break_off(runs[0], error, clock.now)
            return
    else:
        return
    middle = len(runs) // 2
    _work_on(runs[:middle], held, clock)
    _work_on(runs[middle:], held, clock)


def _break_off(run: OrchestrationRun, error: Exception, at: datetime) -> None:
    """Fail a run that something broke on. The error's text stays in the log: it may hold anything."""
    logger.error("%s broke on %s", run.analyst, run.symbol, exc_info=error)
    why = BROKEN.format(type(error).__name__)
    store.write([{"id": run.pk, "status": end_of(Cause.FAILED), "error": why, "finished_at": at}])


def _consult(runs: Sequence[OrchestrationRun], held: Sequence[Held], clock: Clock) -> None:
    taken = snapshots.take([Subject.of(run) for run in runs], clock.now, held)
    is_outside = _is_outside(runs[0].analyst)
    if is_outside:
        taken = redaction.redact_all(taken, redaction.secret_values(settings))
    notes = _recall_elsewhere(runs, taken, clock)
    payloads = [
        {"id": run.pk, "inputs": snapshot, "memories_recalled": _recalled(snapshot), "notes": note}
        for run, snapshot, note in zip(runs, taken, notes, strict=True)
    ]
    # A service outside is asked when the snapshot is stored, and about no run that was cancelled.
    stored = store.write(payloads) if is_outside else {run.pk for run in runs}
    answers = [
        ({} if is_outside else payload) | _answer(run, snapshot)
        for run, snapshot, payload in zip(runs, taken, payloads, strict=True)
        if run.pk in stored
    ]
    _record(runs, [answer | {"finished_at": clock.now} for answer in answers], clock.now)


def _is_outside(name: str) -> bool:
    try:
        return registry.spec_of(name).is_outside
    except NotConfigured:
        return True


def _recalled(snapshot: dict[str, Any]) -> int:
    return sum(len(snapshot[name]) for name in ("cases", "refusals", "recalled"))


def _recall_elsewhere(
    runs: Sequence[OrchestrationRun], taken: Sequence[dict[str, Any]], clock: Clock
) -> list[list[str]]:
    """Put into the snapshots what Hindsight recalls; a note where it is away or slow, and nothing else.

    Then it is not asked for the others, either: they would all wait for it.
    """
    for snapshot in taken:
        snapshot["recalled"] = []
    if not settings.HINDSIGHT_URL:
        return [[] for _ in runs]
    why, notes, until = "", [], clock.gone + LISTENED
    for run, snapshot in zip(runs, taken, strict=True):
        if not why and clock.gone > until:
            why = "it is slow"
        if not why:
            try:
                question = Subject.of(run).question(clock.now)
                snapshot["recalled"] = memory.recall_elsewhere(question, redaction.secret_values(settings))
            except memory.HindsightAway as away:
                why = str(away)
        notes.append([f"Nothing from Hindsight: {why}."] if why else [])
    return notes


def _answer(run: OrchestrationRun, snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the run as columns. A failure is a failure, whatever it was."""
    try:
        spec, analyst = registry.spec_of(run.analyst), registry.build(run.analyst, settings)
        most = analyst.most(snapshot)
        if most != Bill():
            budget.set_aside(run, most)
        opinion = analyst.analyse(snapshot, settings.ANALYST_TIMEOUT_SECONDS)
        return _completed(run, snapshot, opinion, may_invent=spec.may_invent)
    except (NotConfigured, budget.BudgetReached) as refusal:
        return {"id": run.pk, "status": end_of(Cause.FAILED), "error": str(refusal)}
    except AnalystFailed as failure:
        return _failed(run, failure)


def _failed(run: OrchestrationRun, failure: AnalystFailed) -> dict[str, Any]:
    """Return the columns of a failure. Where the cost is unknown, what was set aside stays."""
    spent = {} if failure.bill is None else {"tokens": failure.bill.tokens, "cost_usd": failure.bill.usd}
    logger.warning("%s has no opinion on %s: %s", run.analyst, run.symbol, failure)
    return spent | {
        "id": run.pk,
        "status": end_of(Cause.FAILED),
        "error": str(failure) or "It gave no reason.",
        "model": failure.model[:LONGEST_MODEL],
        "exchanges": [asdict(exchange) for exchange in failure.exchanges],
    }


def _completed(
    run: OrchestrationRun, snapshot: dict[str, Any], opinion: Opinion, *, may_invent: bool
) -> dict[str, Any]:
    """Return the columns of an answer, compared with what the analyst was given and with itself."""
    text = JOINT.join([opinion.reasoning, *(factor.text for factor in opinion.factors)])
    given = {**snapshot, "answer": {"confidence": opinion.confidence}}
    claims = check(text, given).inventions if may_invent else ()
    side = run.signal.signal_type if run.signal else None
    parts = (opinion.action, opinion.confidence, opinion.reasoning, side)
    return {
        "id": run.pk,
        "status": end_of(Cause.ANSWERED),
        "agent_suggestion": opinion.action,
        "confidence": round(opinion.confidence, 4),
        "reasoning": opinion.reasoning,
        "key_factors": [{"verdict": factor.verdict, "text": factor.text} for factor in opinion.factors],
        "inventions": [{"text": claim.text, "start": claim.start, "end": claim.end} for claim in claims],
        "contradictions": contradictions(*parts) if may_invent else [],
        "exchanges": [asdict(exchange) for exchange in opinion.exchanges],
        "model": opinion.model[:LONGEST_MODEL],
        "tokens": opinion.bill.tokens,
        "cost_usd": opinion.bill.usd,
    }


def _record(runs: Sequence[OrchestrationRun], answers: Sequence[dict[str, Any]], at: datetime) -> None:
    """Store the answers of the runs, each with whether it came while its signal could be decided on.

    The signals are locked first, as by a decision: an opinion comes before a decision or after it.
    """
    signals = {run.pk: run.signal_id for run in runs}
    completed = {answer["id"] for answer in answers if answer["status"] == Status.COMPLETED}
    with transaction.atomic():
        pending = Signal.objects.pending(at).filter(pk__in=[signals[pk] for pk in completed]).order_by("pk")
        locked = set(pending.select_for_update(no_key=True).values_list("pk", flat=True))
        in_time = {pk for pk in completed if signals[pk] in locked}
        store.write([answer | {"in_time": answer["id"] in in_time} for answer in answers])
