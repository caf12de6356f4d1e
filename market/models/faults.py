"""What fails by itself while the rest goes on: one symbol, one calendar, one signal."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from core.models import TypedModelMeta


class FaultQuerySet(models.QuerySet["Fault"]):
    def paused(self, at: datetime) -> "FaultQuerySet":
        """Return those that are left alone. One put off for longer than a day was so by a clock ahead."""
        return self.filter(retry_at__gt=at, retry_at__lte=at + Fault.LONGEST_PAUSE)

    def lasting(self) -> "FaultQuerySet":
        """Return those that have failed often enough for a person to look."""
        return self.filter(failures__gte=Fault.PATIENCE)


class Fault(models.Model):
    """One member of some work that fails: since when, how often, with what, and when it is tried again.

    The row goes when it succeeds again.
    """

    class Work(models.TextChoices):
        QUOTES = "quotes"
        CANDLES = "candles"
        SESSIONS = "sessions", "sessions of a calendar"
        SPLIT = "split", "restating a split"
        OUTCOME = "outcome", "the outcome of a signal"

    PATIENCE = 3
    FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
    LONGEST_REASON = 500  # characters

    work = models.CharField(max_length=8, choices=Work)
    part = models.CharField(max_length=8, blank=True, help_text="For candles the timeframe.")
    subject = models.CharField(max_length=64, help_text="A symbol, a calendar, a signal.")
    source = models.CharField(max_length=16, blank=True, help_text="The provider that gives nothing for it.")
    failures = models.PositiveIntegerField(default=1, help_text="In a row.")
    since = models.DateTimeField()
    failed_at = models.DateTimeField()
    retry_at = models.DateTimeField(help_text="It is left alone until then.")
    reason = models.CharField(max_length=LONGEST_REASON)

    objects = FaultQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "faults"
        ordering = ["subject", "work", "part", "source"]
        constraints = [
            models.UniqueConstraint(name="fault_is_one_row", fields=["work", "part", "subject", "source"]),
            models.CheckConstraint(name="fault_is_retried_later", condition=Q(retry_at__gt=F("failed_at"))),
        ]

    def __str__(self) -> str:
        what = f"{self.part} candles" if self.part else self.get_work_display()
        return f"{self.subject}: {what}" + (f" from {self.source}" if self.source else "")

    def is_paused(self, at: datetime) -> bool:
        return at < self.retry_at <= at + self.LONGEST_PAUSE

    @classmethod
    def pause_after(cls, failures: int) -> timedelta:
        """Return half a minute after the first failure, then twice as long each time, up to an hour."""
        times: int = 2 ** min(failures - 1, 10)
        return min(cls.FIRST_PAUSE * times, cls.LONGEST_PAUSE)
