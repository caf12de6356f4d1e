"""What the queue runs. Any of these may run twice or overlap: each is safe to."""

from uuid import UUID

from django.utils import timezone

from approvals import execution


def submit(pk: UUID) -> None:
    execution.submit(pk, timezone.now())


def cancel(pk: UUID) -> None:
    execution.cancel(pk, timezone.now())


def reconcile() -> None:
    execution.reconcile(timezone.now())
