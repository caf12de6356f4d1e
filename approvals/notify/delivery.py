"""Sending what is due: marked as being sent, then sent, then marked with the result."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from approvals.models import Delivery
from approvals.notify import messages, outbox, transport
from approvals.notify.targets import Target, targets
from approvals.notify.transport import Outcome, Result
from market import faults
from market.models import Fault

logger = logging.getLogger(__name__)

Counts = Counter[str]
Status = Delivery.Status
BECOMES = {Outcome.SENT: Status.SENT, Outcome.FAILED: Status.WAITING, Outcome.LOST: Status.UNKNOWN}
LONGEST_PAUSE = timedelta(hours=1)
SEVERAL = 2


def send(at: datetime) -> Counts:
    """Send what is due; how many deliveries came to which status. Two at once send nothing twice."""
    reachable = targets()
    for target in reachable:
        outbox.queue(target.name, at)
    counts = Counts(outbox.settle([target.name for target in reachable], at))
    addresses = faults.Isolation(Fault.Work.MESSAGE, at, part="address")
    for target in reachable:
        with addresses.of(target.name, f"address {target.number} of NOTIFY_URLS", in_savepoint=False):
            counts += _send_to(target, at)
    for status in (Status.FAILED, Status.UNKNOWN):
        if count := counts[status.value]:
            logger.warning("%s messages to people: %s", count, status.label)
    return counts


def _send_to(target: Target, at: datetime) -> Counts:
    """Send to one target until it fails: what is left is tried in the next minute.

    One message that it does not take may be the message's fault; a second one in a row is the target's.
    """
    counts, failed_in_a_row = Counts(), 0
    for group in messages.groups(outbox.due(target.name, at)):
        claimed = _claim(group, at)
        if not claimed:
            continue
        result = _post(target, claimed)
        counts[BECOMES[result.outcome].value] += len(claimed)
        _record(claimed, result, at)
        if result.outcome is Outcome.SENT:
            failed_in_a_row = 0
            continue
        logger.warning("address %s of NOTIFY_URLS: %s", target.number, result.problem)
        failed_in_a_row += 1
        if result.outcome is Outcome.LOST or failed_in_a_row == SEVERAL:
            break
    return counts


def _claim(group: Sequence[Delivery], at: datetime) -> list[Delivery]:
    """Return those of the group that no other process sends; committed before anything goes out."""
    with transaction.atomic(durable=True):
        free = Delivery.objects.waiting().filter(pk__in=[delivery.pk for delivery in group])
        locked = free.select_for_update(skip_locked=True).values_list("pk", flat=True)
        claimed = set(locked)
        Delivery.objects.waiting().filter(pk__in=claimed).update(
            status=Status.SENDING, status_at=at, attempts=F("attempts") + 1
        )
    return [delivery for delivery in group if delivery.pk in claimed]


def _post(target: Target, claimed: Sequence[Delivery]) -> Result:
    notifications = [delivery.notification for delivery in claimed]
    silent = all(notification.kind in settings.NOTIFY_SILENT for notification in notifications)
    return transport.post(target.url, messages.compose(notifications), silent=silent)


def _record(claimed: Sequence[Delivery], result: Result, at: datetime) -> None:
    attempts = 1 + max(delivery.attempts for delivery in claimed)
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in claimed], status=Status.SENDING).update(
        status=BECOMES[result.outcome], status_at=at, due_at=at + _pause(attempts), problem=result.problem
    )


def _pause(attempts: int) -> timedelta:
    """Return a minute after the first failure, then twice as long each time, up to an hour."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 6)), LONGEST_PAUSE)
