"""CSV files that wait for the queue, and the results of their imports."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta
from market.prices import Timeframe


class CandleUpload(models.Model):
    """A file that a user has uploaded, and what was said of it so far. It is kept for a day.

    `said`: the answers of the wizard's steps by name. `looks`: what loading each symbol's bars would do,
    empty until it was looked at. `doing`: what a worker does with it since `begun_at`, or is to do since
    `asked_at`; `attempts`: how many workers have begun with that; `failure`: why it was not done.
    """

    class Doing(models.TextChoices):
        NOTHING = ""
        LOOKING = "looking", "looking at it"
        SPLITTING = "splitting", "splitting it by symbol"

    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    uploaded_at = models.DateTimeField(db_index=True)
    file_name = models.CharField("file", max_length=255)
    size = models.BigIntegerField(help_text="Bytes.")
    digest = models.CharField(max_length=64, db_collation="C", help_text="SHA-256 of the file.")
    content = models.BinaryField(help_text="A zip of the texts in the file.")
    unpacked = models.BigIntegerField(help_text="Bytes of these texts.")
    said = models.JSONField(default=dict)
    looks = models.JSONField(default=list)
    doing = models.CharField(max_length=9, choices=Doing, blank=True)
    asked_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.TextField(blank=True)

    class Meta(TypedModelMeta):
        db_table = "candle_uploads"
        ordering = ["-uploaded_at", "-pk"]
        default_permissions = ()  # it is its user's alone

    def __str__(self) -> str:
        return self.file_name

    @property
    def has_refused_lines(self) -> bool:
        return any(seen["problems"] for seen in self.looks)


class CandleImport(models.Model):
    """One file of candles that a user has uploaded, or that the command has loaded.

    `content` (zlib) is kept until it has ended. What is loaded names its import, so those are kept.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        LOADED = "loaded"
        FAILED = "failed"

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=[(each.value, each.value) for each in Timeframe])
    zone = models.CharField("time zone", max_length=64, blank=True)
    splits = models.JSONField(null=True, help_text="Ratios by date; null: nothing was said about them.")
    said = models.JSONField(default=dict, help_text="What was said of its columns and times.")
    file_name = models.CharField("file", max_length=255)
    size = models.BigIntegerField(help_text="Bytes.")
    digest = models.CharField(max_length=64, db_collation="C", help_text="SHA-256 of the file.")
    content = models.BinaryField(null=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.QUEUED)
    progress = models.CharField(max_length=80, blank=True)
    report = models.TextField(blank=True, help_text="What was loaded, or why nothing was.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, help_text="Empty: the command."
    )
    upload = models.ForeignKey(
        "CandleUpload", on_delete=models.SET_NULL, null=True, help_text="Empty: the command."
    )
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        db_table = "candle_imports"
        ordering = ["-queued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="candle_import_open_once",
                fields=["symbol", "timeframe", "digest"],
                condition=Q(status__in=["queued", "running"]),
            ),
            models.CheckConstraint(
                name="candle_import_keeps_its_file_while_open",
                condition=Q(status__in=["queued", "running"], content__isnull=False)
                | Q(status__in=["loaded", "failed"], content__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.symbol} {self.timeframe})"

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING)
