"""The queue of analyses: each is open once, and the strongest waits first."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django_q.tasks import async_task

from core import locks, redaction, sanitize
from market import faults
from market.models import Fault, Instrument
from market.prices import Timeframe
from opinions.analysts import registry
from opinions.models import Cause, OrchestrationRun
from signals import lifecycle
from signals.models import Signal

Trigger = OrchestrationRun.Trigger
PEOPLE_FIRST = Decimal(2)  # above every confidence
LONGEST_CONTEXT = 2_000
DIED = "The worker that ran it died, or took longer than it may. Ask again."
ENDED = "Its signal ended before its turn came."
DAILY = [timeframe.value for timeframe in Timeframe if not timeframe.is_intraday]


TASK = "opinions.tasks.work"


class NotOpen(Exception):
    """The run has ended already."""


def ask_about(signal: Signal, *, by: User, at: datetime, **options: str) -> tuple[OrchestrationRun, bool]:
    """Request an opinion on a signal; return its run, and whether it is new. `options`: context, analyst.

    Raises lifecycle.NotPending when there is nothing to decide any more, and NotConfigured.
    """
    if signal.status_at(at) != Signal.Status.PENDING:
        raise lifecycle.NotPending(signal, at)
    return ask(signal.symbol, by=by, at=at, signal=signal, **options)


def ask(
    symbol: str, *, by: User, at: datetime, signal: Signal | None = None, **options: str
) -> tuple[OrchestrationRun, bool]:
    """Request an opinion on an instrument likewise. The run and its task are one transaction."""
    with transaction.atomic():
        run, is_new = request(symbol, at, trigger=Trigger.MANUAL, signal=signal, by=by, **options)
        go_on()
    return run, is_new


def start(at: datetime) -> int:
    """Request the opinions that come automatically; return how many are new. Sweep what is over first."""
    sweep(at)
    with transaction.atomic():
        count = request_deserving(at)
        if OrchestrationRun.objects.filter(status=OrchestrationRun.Status.QUEUED).exists():
            go_on()
    return count


def start_all(at: datetime) -> int:
    """Request an opinion on every watched instrument; return how many are new."""
    with transaction.atomic():
        count = request_all(at)
        go_on()
    return count


def go_on() -> None:
    """Queue the task that works on what waits."""
    async_task(TASK, q_options={"cluster": "slow", "group": TASK})


def request(
    symbol: str,
    at: datetime,
    *,
    trigger: OrchestrationRun.Trigger,
    signal: Signal | None = None,
    by: User | None = None,
    context: str = "",
    analyst: str = "",
) -> tuple[OrchestrationRun, bool]:
    """Return a run that waits for its turn, and whether it is new: an open one is not requested twice.

    Raises NotConfigured.
    """
    name = analyst or settings.ANALYST
    registry.build(name, settings)
    run = OrchestrationRun(
        trigger_type=trigger,
        symbol=symbol,
        signal=signal,
        bars_digest=signal.bars_digest if signal else "",
        context=sanitize.plain(redaction.redact(context, redaction.secret_values(settings)), LONGEST_CONTEXT),
        requested_by=by,
        analyst=name,
        priority=PEOPLE_FIRST if by else signal.confidence if signal else Decimal(0),
        queued_at=at,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError:
        same = OrchestrationRun.objects.open().filter(signal=signal, symbol=symbol).first()
        if same is not None:
            return same, False
        run.save(force_insert=True)  # that one has ended since
    return run, True


def request_deserving(at: datetime) -> int:
    """Request an opinion on the signals that deserve one automatically, the strongest first; return how many.

    Those are daily ones and confident intraday ones that have none on the bars they depend on now, up to so
    many a day.
    """
    with transaction.atomic():
        locks.transaction("signals opinions")
        return _request_deserving(at)


def _request_deserving(at: datetime) -> int:
    today = at.replace(hour=0, minute=0, second=0, microsecond=0)
    of_today = OrchestrationRun.objects.filter(queued_at__gte=today, queued_at__lt=today + timedelta(days=1))
    left = settings.ORCHESTRATE_PER_DAY - of_today.filter(trigger_type=Trigger.SIGNAL).count()
    if left <= 0:
        return 0
    requested = OrchestrationRun.objects.filter(signal=OuterRef("pk"), bars_digest=OuterRef("bars_digest"))
    deserving = Q(timeframe__in=DAILY) | Q(confidence__gte=settings.ORCHESTRATE_ABOVE)
    waiting = Signal.objects.pending(at).filter(deserving).exclude(Exists(requested))
    isolation, count = faults.Isolation(Fault.Work.OPINION, at), 0
    strongest = waiting.exclude(pk__in=isolation.paused).order_by("-confidence", "-generated_at", "id")[:left]
    for signal in strongest:
        with isolation.of(signal.pk, str(signal)):
            count += request(signal.symbol, at, trigger=Trigger.SIGNAL, signal=signal)[1]
    return count


def request_all(at: datetime, analyst: str = "") -> int:
    """Request an opinion on every watched instrument; return how many runs are new."""
    isolation, count = faults.Isolation(Fault.Work.OPINION, at, part="daily"), 0
    for symbol in Instrument.objects.watched().order_by("symbol").values_list("symbol", flat=True):
        with isolation.of(symbol):
            count += request(symbol, at, trigger=Trigger.SCHEDULED, analyst=analyst)[1]
    return count


def cancel(run: OrchestrationRun, at: datetime) -> None:
    """Cancel a run that has not ended. What its analyst still answers is not stored. Raises NotOpen."""
    if not OrchestrationRun.objects.filter(pk=run.pk).change_status(Cause.CANCELLED, finished_at=at):
        run.refresh_from_db()
        raise NotOpen(f"It is {run.status} already.")
    run.refresh_from_db()


def sweep(at: datetime) -> dict[str, int]:
    """Fail the runs whose worker is dead, and cancel those whose signal ended while they waited."""
    lost = OrchestrationRun.objects.filter(deadline_at__lte=at)
    pending = Signal.objects.pending(at)
    ended = OrchestrationRun.objects.filter(signal__isnull=False).exclude(signal__in=pending)
    return {
        "failed": lost.change_status(Cause.DIED, finished_at=at, error=DIED),
        "cancelled": ended.change_status(Cause.SIGNAL_ENDED, finished_at=at, notes=[ENDED]),
    }
