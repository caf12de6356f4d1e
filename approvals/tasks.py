"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

import logging
from uuid import UUID

from django.utils import timezone

from approvals import audit, execution
from approvals import outcomes as ledgers

logger = logging.getLogger(__name__)


def submit(pk: UUID) -> None:
    execution.submit(pk, timezone.now())


def cancel(pk: UUID) -> None:
    execution.cancel(pk, timezone.now())


def reconcile() -> None:
    execution.reconcile(timezone.now())


def seal() -> None:
    """Put what the admin has logged into the chain."""
    audit.seal(timezone.now())


def outcomes() -> None:
    if computed := ledgers.refresh(timezone.now()):
        logger.info("computed %s outcomes", computed)


def prune() -> None:
    logger.info("thinned out %s snapshots of the account", execution.prune(timezone.now()))
