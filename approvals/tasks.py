"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from uuid import UUID

from django.utils import timezone

from approvals import audit, execution, notify, positions
from approvals import outcomes as ledgers
from approvals.execution import statements
from approvals.outcomes import memories
from approvals.positions import day_report, trades
from market import faults
from market.ingestion import rates
from market.models import Fault
from signals.models import Signal

logger = logging.getLogger(__name__)


def submit(pk: UUID) -> None:
    execution.submit_order(pk, timezone.now())


def cancel(pk: UUID) -> None:
    execution.cancel_order(pk, timezone.now())


def change_exits(pk: UUID) -> None:
    execution.change_exits(pk, timezone.now())


def reconcile(patience: float = 0) -> None:
    """Ask the broker how things stand; then compute what the trades made that are closed by now.

    `patience`: for how many seconds it waits for one that runs already, which may have asked too early.
    """
    execution.reconcile_orders(timezone.now(), patience)
    trades.refresh(timezone.now())  # it may have waited


def seal() -> None:
    """Put what the admin has logged into the chain."""
    audit.seal(timezone.now())


def exchange_rates() -> None:
    """Fetch the rates between the currencies of the account and of what it may hold."""
    rates.refresh(positions.currencies(), timezone.now())


def statement() -> None:
    """Compare the book with the broker's statement, once a night."""
    statements.fetch(timezone.now())


def outcomes() -> None:
    if computed := ledgers.refresh(timezone.now()):
        logger.info("computed %s outcomes", computed)


def send_notifications() -> None:
    """Send what people should know of. A signal that could only be measured is not among it.

    Whatever one kind of message fails on, the others go out.
    """
    at = timezone.now()
    kinds = faults.Isolation(Fault.Work.MESSAGE, at, part="kind")
    with kinds.of("messages about signals"):
        notify.about_signals(positions.actionable(Signal.objects.pending(at)), at)
    with kinds.of("messages about strategies"):
        notify.about_strategies(at)
    with kinds.of("messages about what fails"):
        notify.about_faults(at)
    with kinds.of("the report of the day"):
        day_report.send(at)
    notify.send(at)


def remember() -> None:
    """Keep what was decided and how it turned out, so that it can be recalled."""
    if kept := memories.retain(timezone.now()):
        logger.info("retained %s memories", kept)


def prune() -> None:
    at = timezone.now()
    pruning = faults.Isolation(Fault.Work.PRUNE, at)
    with pruning.of("snapshots of the account"):
        logger.info("pruned %s snapshots of the account", execution.prune_snapshots(at))
    with pruning.of("messages to people"):
        logger.info("pruned %s messages", notify.prune(at))
