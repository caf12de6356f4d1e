"""How ingestion goes: its cycles, their sums, and how each provider is doing."""

from datetime import datetime, timedelta

from django.db import models

from core.models import TypedModelMeta


class IngestionRunQuerySet(models.QuerySet["IngestionRun"]):
    def finished(self, kind: "IngestionRun.Kind") -> "IngestionRunQuerySet":
        return self.filter(kind=kind, outcome=IngestionRun.Outcome.FINISHED)


class IngestionRun(models.Model):
    """One cycle of quotes or candles, or a backfill: what was asked, what came, what failed and why."""

    class Kind(models.TextChoices):
        QUOTES = "quotes"
        CANDLES = "candles"
        BACKFILL = "backfill"

    class Outcome(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"
        SKIPPED = "skipped", "skipped: another cycle was running"
        BROKEN = "broken", "broken: it ended without finishing"

    kind = models.CharField(max_length=8, choices=Kind)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)
    asked = models.IntegerField(default=0, help_text="Symbols; for candles, pairs of symbol and timeframe.")
    stored = models.IntegerField(default=0, help_text="Of those asked, how many were answered and stored.")
    failed = models.IntegerField(default=0, help_text="Of those asked, how many no provider answered.")
    waiting = models.IntegerField(
        default=0, help_text="Symbols left for the next cycle by a provider's pace."
    )
    rows = models.IntegerField(default=0, help_text="Rows new or changed.")
    providers = models.JSONField(
        default=dict, help_text="By provider: asked, stored, failed, seconds, error."
    )
    failures = models.JSONField(default=dict, help_text="What failed and why (the first hundred).")
    rejected = models.JSONField(default=dict, help_text="Refused rows by reason: how many, and one example.")

    objects = IngestionRunQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "ingestion_runs"
        ordering = ["-started_at", "-pk"]
        get_latest_by = "started_at"
        indexes = [models.Index(name="ingestion_run_by_kind", fields=["kind", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.kind} at {self.started_at}"


class IngestionTotal(models.Model):
    """Sums over all cycles of a kind, so that counters survive the pruning of old runs."""

    kind = models.CharField(max_length=8, choices=IngestionRun.Kind, primary_key=True)
    runs = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)

    class Meta(TypedModelMeta):
        db_table = "ingestion_totals"

    def __str__(self) -> str:
        return f"{self.kind}: {self.runs} runs"


class ProviderStatus(models.Model):
    """How a provider is doing at one of its two works, and until when it is left alone."""

    provider = models.CharField(max_length=16)
    kind = models.CharField(max_length=8, choices=IngestionRun.Kind)
    consecutive_failures = models.IntegerField(default=0)
    last_success_at = models.DateTimeField(null=True)
    last_failure_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    cool_off_until = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        db_table = "provider_status"
        verbose_name_plural = "provider status"
        ordering = ["provider", "kind"]
        constraints = [
            models.UniqueConstraint(name="provider_status_is_one_row", fields=["provider", "kind"]),
        ]

    PATIENCE = 3
    FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
    ANY_PAUSE = timedelta(days=1)  # a vendor's own, too

    def __str__(self) -> str:
        return f"{self.provider} {self.kind}"

    def cools_off(self, at: datetime) -> bool:
        """Return whether it is left alone. A pause that ends after a day began while the clock was ahead."""
        return self.cool_off_until is not None and at < self.cool_off_until <= at + self.ANY_PAUSE

    def succeeded(self, at: datetime) -> None:
        self.consecutive_failures, self.last_success_at, self.cool_off_until = 0, at, None
        self.save()

    def failed(self, at: datetime, error: str, *, pause: timedelta | None = None) -> None:
        """Count a failure. From the third in a row on, or when told a pause, the provider is left alone."""
        self.consecutive_failures += 1
        self.last_failure_at, self.last_error = at, error[:1000]
        beyond = self.consecutive_failures - self.PATIENCE
        if beyond >= 0:
            growing = min(self.FIRST_PAUSE * 2 ** min(beyond, 10), self.LONGEST_PAUSE)
            pause = max(pause or growing, growing)
        pause = min(pause, self.ANY_PAUSE) if pause else None
        self.cool_off_until = at + pause if pause else None
        self.save()


class ProviderPace(models.Model):
    """When requests under one limit of a provider were sent or may be sent, newest last."""

    provider = models.CharField(max_length=16)
    limit = models.CharField(max_length=16)
    slots = models.JSONField(default=list, help_text="Unix seconds of the requests in the current window.")

    class Meta(TypedModelMeta):
        db_table = "provider_pace"
        constraints = [
            models.UniqueConstraint(name="provider_pace_is_one_row", fields=["provider", "limit"]),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.limit}"
