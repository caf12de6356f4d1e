"""Scans, and how far they have evaluated the bars."""

from django.conf import settings
from django.db import models

from core.models import TypedModelMeta, choices
from market.prices import Timeframe


class Scan(models.Model):
    """One scan. `counts` answers "why is there nothing?": one entry for each strategy and timeframe.

    An entry of `counts`: {"strategy_id", "timeframe", "symbols", "evaluated" (bars), "warming_up", "stale",
    "split_pending" (symbols), "unexplained_move" (symbols), "ideas", "below_minimum", "late",
    "expired", "superseded", "stored" (ideas), "reasons": {count: example}}. `ended`: reason -> how many
    pending signals ended by themselves.
    """

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule"
        REQUEST = "request"

    class Outcome(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"
        SKIPPED = "skipped", "skipped: another scan was running"
        BROKEN = "broken", "broken: it ended without finishing"

    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SCHEDULE)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.RUNNING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(help_text="When it began; for a queued one, when it was requested.")
    finished_at = models.DateTimeField(null=True)
    evaluated = models.IntegerField(default=0, help_text="Closed bars evaluated, summed over the strategies.")
    stored = models.IntegerField(default=0, help_text="Signals raised.")
    counts = models.JSONField(default=list)
    ended = models.JSONField(default=dict)
    evaluating = models.CharField(
        max_length=80, default="", help_text="Of one that broke, when known: what it was evaluating."
    )

    class Meta(TypedModelMeta):
        db_table = "scans"
        ordering = ["-started_at", "-pk"]
        get_latest_by = "started_at"
        indexes = [models.Index(name="scan_by_time", fields=["-started_at", "-id"])]

    def __str__(self) -> str:
        return f"scan at {self.started_at}"


class ScanProgress(models.Model):
    """How far the bars of a symbol and timeframe are evaluated."""

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    version = models.BigIntegerField(help_text="The version of its candles that was evaluated.")
    evaluated_through = models.DateTimeField(null=True, help_text="Opening of the newest bar evaluated.")
    closed_at = models.DateTimeField(null=True, help_text="When that bar closed.")
    bars = models.IntegerField(help_text="How many closed bars there were to look at.")

    class Meta(TypedModelMeta):
        db_table = "scan_progress"
        verbose_name_plural = "scan progress"
        constraints = [
            models.UniqueConstraint(name="scan_progress_is_one_row", fields=["symbol", "timeframe"]),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} through {self.evaluated_through}"
