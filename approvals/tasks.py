"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from uuid import UUID

from django.utils import timezone

from approvals import audit, execution, notify, positions
from approvals import outcomes as ledgers
from approvals.outcomes import memories
from signals.models import Signal

logger = logging.getLogger(__name__)


def submit(pk: UUID) -> None:
    execution.submit_order(pk, timezone.now())


def cancel(pk: UUID) -> None:
    execution.cancel_order(pk, timezone.now())


def reconcile() -> None:
    execution.reconcile_orders(timezone.now())


def seal() -> None:
    """Put what the admin has logged into the chain."""
    audit.seal(timezone.now())


def outcomes() -> None:
    if computed := ledgers.refresh(timezone.now()):
        logger.info("computed %s outcomes", computed)


def send_notifications() -> None:
    """Send what people should know of. A signal that could only be measured is not among it."""
    at = timezone.now()
    notify.about_signals(positions.actionable(Signal.objects.pending(at)), at)
    notify.about_strategies(at)
    notify.send(at)


def remember() -> None:
    """Keep what was decided and how it turned out, so that it can be recalled."""
    if kept := memories.retain(timezone.now()):
        logger.info("retained %s memories", kept)


def prune() -> None:
    at = timezone.now()
    snapshots, messages = execution.prune_snapshots(at), notify.prune(at)
    logger.info("pruned %s snapshots of the account and %s messages", snapshots, messages)
