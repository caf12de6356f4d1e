"""Opinion runs: one question to an analyst on a signal or an instrument, and the answer."""

import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta, choices
from opinions.analysts.base import Action
from signals.models.signals import Signal


class Stance(models.TextChoices):
    """What an opinion says to a trade."""

    FOR = "for", "agrees"
    AGAINST = "against", "disagrees"
    UNDECIDED = "undecided", "is undecided"
    UNFOUNDED = "unfounded", "agrees on grounds that do not hold"
    NONE = "none", "has no opinion"

    @classmethod
    def of(cls, suggestion: str, side: str, *, is_sound: bool) -> "Stance":
        """`is_sound`: it stands on what the analyst was given, and agrees with itself."""
        if not suggestion:
            return cls.NONE
        if suggestion == Action.HOLD:
            return cls.UNDECIDED
        if suggestion != side:
            return cls.AGAINST
        return cls.FOR if is_sound else cls.UNFOUNDED


JOINT = "\n"  # between the texts of a run
# The snapshot and what was sent and answered: they are long, and few readers want them.
PAYLOADS = ("inputs", "exchanges")


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Cause(StrEnum):
    """Why a run changes its status."""

    ASKED = "a user or the schedule asks"
    CLAIMED = "a worker claims it"
    ANSWERED = "the answer fits"
    FAILED = "no usable answer, over budget, or Jax broke on it"
    DIED = "its worker died or took too long"
    CANCELLED = "cancelled by a user"
    SIGNAL_ENDED = "its signal ended"


# The status that each cause leads to, by the status it starts from; None for a run that is being stored.
TRANSITIONS: dict[tuple[RunStatus | None, Cause], RunStatus] = {
    (None, Cause.ASKED): RunStatus.QUEUED,
    (RunStatus.QUEUED, Cause.CLAIMED): RunStatus.RUNNING,
    (RunStatus.QUEUED, Cause.CANCELLED): RunStatus.CANCELLED,
    (RunStatus.QUEUED, Cause.SIGNAL_ENDED): RunStatus.CANCELLED,
    (RunStatus.RUNNING, Cause.ANSWERED): RunStatus.COMPLETED,
    (RunStatus.RUNNING, Cause.FAILED): RunStatus.FAILED,
    (RunStatus.RUNNING, Cause.DIED): RunStatus.FAILED,
    (RunStatus.RUNNING, Cause.CANCELLED): RunStatus.CANCELLED,
}


def starts_of(cause: Cause) -> list[RunStatus]:
    """Return the statuses that a stored run may have when its status changes for that cause."""
    return [start for start, its_cause in TRANSITIONS if its_cause == cause and start is not None]


def end_of(cause: Cause) -> RunStatus:
    """Return the status that the cause leads to."""
    [status] = {status for (_, its_cause), status in TRANSITIONS.items() if its_cause == cause}
    return status


def arrows() -> Iterator[str]:
    """Yield the table as lines of a Mermaid state diagram, one for each pair of statuses."""
    pairs: dict[tuple[RunStatus | None, RunStatus], list[str]] = {}
    for (start, cause), end in TRANSITIONS.items():
        pairs.setdefault((start, end), []).append(cause)
    for (start, end), causes in pairs.items():
        yield f"{start or '[*]'} --> {end}: {'<br/>'.join(causes)}"


class OrchestrationRunQuerySet(models.QuerySet["OrchestrationRun"]):
    def open(self) -> "OrchestrationRunQuerySet":
        """Those that wait or are at work."""
        return self.filter(status__in=OrchestrationRun.OPEN)

    def change_status(self, cause: Cause, **columns: Any) -> int:
        """Change the status of those from which the cause may start, with these columns; return how many."""
        return self.filter(status__in=starts_of(cause)).update(status=end_of(cause), **columns)

    def strongest_first(self) -> "OrchestrationRunQuerySet":
        return self.order_by("-priority", "queued_at", "id")

    def without_payloads(self) -> "OrchestrationRunQuerySet":
        return self.defer(*PAYLOADS)

    def newest(self) -> "OrchestrationRunQuerySet":
        """Return the newest opinion of each signal among those completed while it was pending."""
        ordered = self.filter(in_time=True).order_by("signal_id", "-finished_at", "-id")
        return ordered.distinct("signal_id")

    def newest_of(self, signals: Iterable[Signal]) -> "dict[uuid.UUID | None, OrchestrationRun]":
        """Return the newest opinion by the signal's id, without payloads, where it has one. One query."""
        newest = self.filter(signal__in=[signal.pk for signal in signals]).newest()
        return {run.signal_id: run for run in newest.without_payloads()}


def newest_opinion(runs: "Iterable[OrchestrationRun]") -> "OrchestrationRun | None":
    """Return the newest opinion among runs on one signal that have been read, as `newest` finds it."""
    return max((run for run in runs if run.in_time), key=lambda run: (run.finished_at, run.pk), default=None)


class OrchestrationRun(models.Model):
    """One analysis of a signal, or of an instrument. What failed says nothing; it never becomes a HOLD.

    `inputs` is the snapshot: all that the analyst was given. `exchanges`: what was sent and answered, to the
    letter. `inventions`: [{"text", "start", "end"}], numbers in its `texts` that are nowhere in the
    snapshot, `contradictions`: where the answer does not agree with itself. `key_factors`: [{"verdict": for,
    against or neutral, "text"}].
    `tokens` and `cost_usd` are what was set aside until it is known what was spent.
    """

    class Trigger(models.TextChoices):
        SIGNAL = "signal"
        SCHEDULED = "scheduled"
        MANUAL = "manual"

    Status: TypeAlias = RunStatus

    OPEN = (Status.QUEUED, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    trigger_type = models.CharField("trigger", max_length=9, choices=Trigger)
    symbol = models.CharField(max_length=16, db_collation="C")
    signal = models.ForeignKey(Signal, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    bars_digest = models.CharField(
        max_length=32, blank=True, help_text="The signal's when it was asked about: another one, other bars."
    )
    context = models.TextField(blank=True, help_text="What whoever asked wanted to have considered.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    analyst = models.CharField(max_length=16)
    priority = models.DecimalField(max_digits=5, decimal_places=4, default=Decimal(0))
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    queued_at = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True, help_text="Whoever runs it for longer is dead.")
    finished_at = models.DateTimeField(null=True)
    inputs = models.JSONField(null=True)
    exchanges = models.JSONField(default=list)
    agent_suggestion = models.CharField(
        "suggestion", max_length=4, choices=choices(Action), blank=True, help_text="Empty: there is none."
    )
    confidence = models.DecimalField(max_digits=5, decimal_places=4, null=True)
    reasoning = models.TextField(blank=True)
    key_factors = models.JSONField(default=list)
    inventions = models.JSONField(default=list)
    contradictions = models.JSONField(default=list)
    model = models.CharField(max_length=120, blank=True)
    tokens = models.IntegerField(default=0)
    cost_usd = models.DecimalField("cost (USD)", max_digits=12, decimal_places=6, default=Decimal(0))
    memories_recalled = models.IntegerField(default=0)
    notes = models.JSONField(default=list, help_text="What was missing, and why it went on without.")
    error = models.TextField(blank=True)
    in_time = models.BooleanField(
        default=False, help_text="It was completed while its signal could be decided on."
    )

    objects = OrchestrationRunQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "orchestration_runs"
        ordering = ["-queued_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="run_of_a_signal_is_open_once",
                fields=["signal"],
                condition=Q(status__in=["queued", "running"]),
            ),
            models.UniqueConstraint(
                name="run_of_an_instrument_is_open_once",
                fields=["symbol"],
                condition=Q(status__in=["queued", "running"], signal=None),
            ),
            models.CheckConstraint(
                name="run_suggests_something_when_completed_only",
                condition=(
                    Q(status="completed", confidence__isnull=False, inputs__isnull=False)
                    & Q(confidence__gte=0, confidence__lte=1)
                    & ~Q(agent_suggestion="")
                )
                | (~Q(status="completed") & Q(agent_suggestion="", confidence=None)),
            ),
            models.CheckConstraint(
                name="run_has_an_error_when_failed_only",
                condition=(Q(status="failed") & ~Q(error="")) | (~Q(status="failed") & Q(error="")),
            ),
            models.CheckConstraint(
                name="run_is_finished_when_it_has_ended",
                condition=Q(status__in=["queued", "running"], finished_at=None)
                | Q(status__in=["completed", "failed", "cancelled"], finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="run_is_in_time_when_completed_on_a_signal_only",
                condition=Q(in_time=False) | Q(status="completed", signal__isnull=False),
            ),
            models.CheckConstraint(
                name="run_has_a_deadline_while_running",
                condition=~Q(status="running") | Q(started_at__isnull=False, deadline_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="run_waiting", fields=["-priority", "queued_at", "id"], condition=Q(status="queued")
            ),
            models.Index(name="run_by_symbol", fields=["symbol", "-queued_at"]),
            models.Index(
                name="run_newest_of_a_signal",
                fields=["signal", "-finished_at", "-id"],
                condition=Q(in_time=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.analyst} on {self.signal or self.symbol}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def duration_seconds(self) -> float | None:
        """From its start to its end; None until it has ended, and when it never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def texts(self) -> list[str]:
        """All its text: the reasoning, then each factor's. Joined by JOINT, it is what was checked."""
        return [self.reasoning, *(factor["text"] for factor in self.key_factors)]

    @property
    def invented(self) -> list[str]:
        """The numbers that are nowhere in the snapshot, each once."""
        return list(dict.fromkeys(claim["text"] for claim in self.inventions))

    @property
    def is_sound(self) -> bool:
        """Whether it stands on what it was given and agrees with itself. What does not, supports nothing."""
        return self.status == self.Status.COMPLETED and not self.inventions and not self.contradictions

    def stance(self, side: str) -> Stance:
        """What it says to a trade of that side."""
        return Stance.of(self.agent_suggestion, side, is_sound=self.is_sound)
