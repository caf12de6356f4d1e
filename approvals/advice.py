"""Second opinions, started: the analyst is told what is held, which the signals app does not know."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django_q.tasks import async_task

from approvals import positions
from signals import lifecycle, orchestrate
from signals.models import OrchestrationRun, Signal

TASK = "approvals.tasks.advise"
Trigger = OrchestrationRun.Trigger


def ask_about(signal: Signal, *, by: User, at: datetime, **asked: str) -> tuple[OrchestrationRun, bool]:
    """An opinion on a signal, and whether it was not being worked on already. `asked`: context, analyst.

    Raises lifecycle.NotPending when there is nothing to decide any more, and consulting.NotConfigured.
    """
    if signal.status_at(at) != Signal.Status.PENDING:
        raise lifecycle.NotPending(signal, at)
    return ask(signal.symbol, by=by, at=at, signal=signal, **asked)


def ask(
    symbol: str, *, by: User, at: datetime, signal: Signal | None = None, **asked: str
) -> tuple[OrchestrationRun, bool]:
    """The same on an instrument. The run and the task that works on it are one transaction."""
    with transaction.atomic():
        found = orchestrate.request(symbol, at, trigger=Trigger.MANUAL, signal=signal, by=by, **asked)
        go_on()
    return found


def start(at: datetime) -> int:
    """Ask for the opinions that come by themselves; how many are new. What is over is swept away first."""
    orchestrate.sweep(at)
    with transaction.atomic():
        asked = orchestrate.start(at)
        if OrchestrationRun.objects.filter(status=OrchestrationRun.Status.QUEUED).exists():
            go_on()
    return asked


def start_all(at: datetime) -> int:
    """Ask for an opinion on every watched instrument; how many are new."""
    with transaction.atomic():
        asked = orchestrate.request_all(at)
        go_on()
    return asked


def work(at: datetime) -> None:
    """Work on what waits, for a while; the rest is another task's, so that others get their turn between."""
    if orchestrate.work(at, _held):
        go_on()


def go_on() -> None:
    async_task(TASK, q_options={"cluster": "slow", "group": TASK})


def _held() -> list[dict[str, Any]]:
    """The open positions, as an analyst is told of them: no account, no money."""
    return [
        {
            "symbol": one.symbol,
            "quantity": one.quantity + one.foreign,
            "average_price": float(one.average_cost or one.brokers_cost),
        }
        for one in positions.open_positions()
    ]
