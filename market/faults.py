"""One member's failure stays its own: recorded, left alone for a growing while, forgotten on success."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    transaction,
)

from core.halves import by_halves
from core.redaction import redact, secret_values
from market.models import Fault

logger = logging.getLogger(__name__)

Member = TypeVar("Member")
Result = TypeVar("Result")
Key = tuple[str, str, str, str]  # work, part, subject, source
COLUMNS = ["name", "failures", "since", "failed_at", "retry_at", "reason"]
KEY = ["work", "part", "subject", "source"]
# What one member's own content raises. A database that does not answer is no member's failure.
CONTENT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    DataError,
    IntegrityError,
    InternalError,
    ProgrammingError,  # what a trigger raises that names no code
)
# OperationalErrors with which the database answers for one member: deadlocks, timeouts, what is too large.
ANSWERS_FOR_ONE = ("40", "54", "55", "57014")


def is_of_one(error: OperationalError) -> bool:
    """Return whether the database has answered, and refuses one member only."""
    return str(getattr(error.__cause__, "sqlstate", None) or "").startswith(ANSWERS_FOR_ONE)


def key(work: Fault.Work, subject: str, *, part: str = "", source: str = "") -> Key:
    return (work.value, part, subject, source)


def read(*works: Fault.Work) -> dict[Key, Fault]:
    rows = Fault.objects.filter(work__in=works)
    return {(row.work, row.part, row.subject, row.source): row for row in rows}


def forget_old(at: datetime) -> None:
    """Forget what has not been tried again for long: nothing is asked of it any more."""
    Fault.objects.filter(failed_at__lt=at - Fault.NO_NEWS_AFTER).delete()


def paused(work: Fault.Work, at: datetime) -> set[str]:
    """Return the subjects of some work that are left alone."""
    return set(Fault.objects.filter(work=work).paused(at).values_list("subject", flat=True))


def record(
    failed: Mapping[Key, str],
    at: datetime,
    before: Mapping[Key, Fault] | None = None,
    names: Mapping[Key, str] | None = None,
    *,
    is_known: bool = True,
) -> dict[Key, Fault]:
    """Count a failure of each of these, with the last line of its reason; return their rows.

    `before`: the failures so far, where they are not those that are stored. `names`: what people call those
    whose subject is only a number. `is_known`: that they failed; else it is not told yet.
    """
    if before is None:
        before = read(*{Fault.Work(each[0]) for each in failed})
    rows = {
        each: _counted(each, (names or {}).get(each, ""), before.get(each), reason, at)
        for each, reason in failed.items()
    }
    for row in rows.values():
        if is_known and row.failures <= Fault.PATIENCE:
            logger.warning("%s failed, %s in a row: %s The others go on.", row, row.failures, row.reason)
    Fault.objects.bulk_create(rows.values(), update_conflicts=True, unique_fields=KEY, update_fields=COLUMNS)
    return rows


def _counted(about: Key, name: str, before: Fault | None, reason: str, at: datetime) -> Fault:
    failures = before.failures + 1 if before else 1
    return Fault(
        **dict(zip(KEY, about, strict=True)),
        name=name[: Fault.LONGEST_NAME],
        failures=failures,
        since=min(before.since, at) if before else at,
        failed_at=at,
        retry_at=at + Fault.pause_after(failures),
        reason=_last_line(reason),
    )


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
    with Isolation(Fault.Work(about[0]), at, part=about[1], source=about[3]).of(about[2]):
        yield


class Isolation:
    """Some work on many members, at one moment: what it fails on is recorded, and the others go on."""

    def __init__(
        self,
        work: Fault.Work,
        at: datetime,
        *,
        part: str = "",
        source: str = "",
        before: dict[Key, Fault] | None = None,
    ) -> None:
        """`before`: what has failed so far, where that is read already for several of them."""
        self.work, self.at, self.part, self.source = work, at, part, source
        self.before = read(work) if before is None else before
        self.begun: set[Key] = set()

    def key(self, subject: object) -> Key:
        return key(self.work, str(subject), part=self.part, source=self.source)

    def is_paused(self, subject: object) -> bool:
        """Whether a member has failed and is left alone for a while."""
        fault = self.before.get(self.key(subject))
        return fault is not None and fault.is_paused(self.at)

    @property
    def paused(self) -> list[str]:
        """The subjects that are left alone."""
        return [subject for _, _, subject, _ in self.before if self.is_paused(subject)]

    @contextmanager
    def of(self, subject: object, name: str = "", *, in_savepoint: bool = True) -> Iterator[None]:
        """Do one member's work. `in_savepoint`: none of it stays when it fails."""
        try:
            with transaction.atomic() if in_savepoint else nullcontext():
                yield
        except (*CONTENT, OperationalError) as error:
            if isinstance(error, OperationalError) and not is_of_one(error):
                raise
            logger.exception("%s of %s failed", self.work.label, name or subject)
            self.fail({subject: describe(error)}, {subject: name})
        else:
            self.succeed([subject])

    def begin(self, subject: object, reason: str) -> None:
        """Store a failure that stays only if this process dies in the work: its end says how it went."""
        self.begun.add(self.key(subject))
        record({self.key(subject): reason}, self.at, self.before, is_known=False)

    def fail(self, reasons: Mapping[object, str], names: Mapping[object, str] | None = None) -> None:
        """Record that the work failed on these."""
        failed = {self.key(subject): reason for subject, reason in reasons.items()}
        called = {self.key(subject): name for subject, name in (names or {}).items()}
        self.before |= record(failed, self.at, self.before, called)

    def succeed(self, subjects: Collection[object]) -> None:
        """Forget the failures of these."""
        clear({self.key(subject) for subject in subjects} & (self.before.keys() | self.begun))

    def together(
        self,
        members: Sequence[Member],
        act: Callable[[Sequence[Member]], Result],
        subject: Callable[[Member], object],
        name: Callable[[Member], str] = lambda member: "",
        *,
        common: tuple[type[Exception], ...] = (),
    ) -> list[Result]:
        """Do it with all members at once that are not left alone, and without those that it fails on.

        Returns what came of each part. An `act` that raises has to leave nothing behind. `subject` identifies
        a member, and several may have the same one; `name` is what people call it. `common`: errors that may
        be no member's fault, as in `by_halves`, which raises them then.
        """
        askable = [member for member in members if not self.is_paused(subject(member))]
        halved = by_halves(askable, act, (*CONTENT, *common), common=common)
        for member, error in halved.failed:
            logger.error("%s of %s failed", self.work.label, name(member) or subject(member), exc_info=error)
        failed = {subject(member): describe(error) for member, error in halved.failed}
        self.fail(failed, {subject(member): name(member) for member, _ in halved.failed})
        self.succeed({subject(member) for member in askable} - failed.keys())
        return halved.results
