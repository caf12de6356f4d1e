"""One member's failure stays its own: recorded, left alone for a growing while, forgotten on success."""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from core.redaction import redact, secret_values
from market.models import Fault

logger = logging.getLogger(__name__)

Key = tuple[str, str, str, str]  # work, part, subject, source
COLUMNS = ["failures", "since", "failed_at", "retry_at", "reason"]
KEY = ["work", "part", "subject", "source"]
# What one member's own content raises. A database that does not answer is no member's failure.
CONTENT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    DataError,
    IntegrityError,
)


def key(work: Fault.Work, subject: str, *, part: str = "", source: str = "") -> Key:
    return (work.value, part, subject, source)


def read(*works: Fault.Work) -> dict[Key, Fault]:
    rows = Fault.objects.filter(work__in=works)
    return {(row.work, row.part, row.subject, row.source): row for row in rows}


def paused(work: Fault.Work, at: datetime) -> set[str]:
    """Return the subjects of some work that are left alone."""
    return set(Fault.objects.filter(work=work).paused(at).values_list("subject", flat=True))


def record(failed: Mapping[Key, str], at: datetime, before: Mapping[Key, Fault] | None = None) -> None:
    """Count a failure of each of these, with the last line of its reason.

    `before`: the failures so far, where they are not those that are stored.
    """
    if before is None:
        before = read(*{Fault.Work(each[0]) for each in failed})
    rows = [_counted(each, before.get(each), reason, at) for each, reason in failed.items()]
    Fault.objects.bulk_create(rows, update_conflicts=True, unique_fields=KEY, update_fields=COLUMNS)


def _counted(about: Key, before: Fault | None, reason: str, at: datetime) -> Fault:
    failures = before.failures + 1 if before else 1
    row = Fault(
        **dict(zip(KEY, about, strict=True)),
        failures=failures,
        since=min(before.since, at) if before else at,
        failed_at=at,
        retry_at=at + Fault.pause_after(failures),
        reason=_last_line(reason),
    )
    if failures <= Fault.PATIENCE:
        logger.warning("%s failed, %s in a row: %s The others go on.", row, failures, row.reason)
    return row


def _last_line(reason: str) -> str:
    lines = reason.strip().replace("\0", "").splitlines() or ["no reason is known"]
    return redact(lines[-1], secret_values(settings))[: Fault.LONGEST_REASON]


def describe(error: BaseException) -> str:
    """Return the kind of an error and the last line of its text."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def clear(succeeded: Collection[Key]) -> None:
    """Forget the failures of what succeeded."""
    for each in succeeded:
        Fault.objects.filter(**dict(zip(KEY, each, strict=True))).delete()


@contextmanager
def isolated(about: Key, at: datetime) -> Iterator[None]:
    """Do one member's work in a savepoint. What its content raises is recorded, and the others go on."""
    try:
        with transaction.atomic():
            yield
    except CONTENT as error:
        logger.exception("%s %s failed", about[0], about[2])
        record({about: describe(error)}, at)
    else:
        clear([about])
