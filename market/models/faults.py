"""What fails by itself while the rest goes on: one symbol, one calendar, one signal, one order."""

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
        QUOTES = "quotes", "quotes"
        CANDLES = "candles", "candles"
        SESSIONS = "sessions", "sessions of a calendar"
        SPLIT = "split", "restating a split"
        GAP = "gap", "filling a gap"
        SCAN = "scan", "scan"
        RECORD = "record", "record of a strategy"
        OUTCOME = "outcome", "the outcome of a signal"
        TRADE = "trade", "what closed trades made"
        OPINION = "opinion", "asking for an opinion"
        MEMORY = "memory", "remembering a case"
        MESSAGE = "message", "a message to people"
        RECHECK = "recheck", "recheck of signals"
        ORDER = "order", "order"
        CHECK = "check", "a check of the account"
        SEAL = "seal", "an entry of the audit chain"
        PRUNE = "prune", "cleaning up"
        ACTIONS = "actions", "corporate actions"
        EARNINGS = "earnings", "earnings dates"
        RENAME = "rename", "following a change of symbol"
        DELIST = "delist", "following a delisting"
        DETAILS = "details", "details of an instrument"
        COMPARE = "compare", "cross-check"
        RATES = "rates", "exchange rate"
        STEP = "step", "a step of a task"

    PATIENCE = 3
    FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
    NO_NEWS_AFTER = timedelta(days=1)  # nothing is asked of it any more
    LONGEST_REASON, LONGEST_NAME = 500, 120  # characters

    work = models.CharField(max_length=8, choices=Work)
    part = models.CharField(max_length=8, blank=True, help_text="For candles the timeframe.")
    subject = models.CharField(max_length=64, help_text="A symbol, a calendar, a signal.")
    name = models.CharField(
        max_length=LONGEST_NAME,
        blank=True,
        help_text="What people call it, where the subject is only a number.",
    )
    source = models.CharField(
        max_length=40, blank=True, help_text="The provider that gives nothing for it, or the strategy."
    )
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
        what = f"{self.part} {self.get_work_display()}".strip()
        return f"{self.called}: {what}" + (f" from {self.source}" if self.source else "")

    @property
    def called(self) -> str:
        """What people call it."""
        return self.name or self.subject

    def is_paused(self, at: datetime) -> bool:
        return at < self.retry_at <= at + self.LONGEST_PAUSE

    @classmethod
    def pause_after(cls, failures: int) -> timedelta:
        """Return half a minute after the first failure, then twice as long each time, up to an hour."""
        times: int = 2 ** min(failures - 1, 10)
        return min(cls.FIRST_PAUSE * times, cls.LONGEST_PAUSE)
