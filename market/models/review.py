"""What people decide about data that is in doubt, and the refused rows that wait for a look."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta, choices
from market.prices import Timeframe

LONGEST_WHY = 500


class Reviewed(models.Model):
    """Who has seen a row and left it as it is, when and why. Nobody yet: it waits under data to review."""

    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=LONGEST_WHY, blank=True)

    class Meta(TypedModelMeta):
        abstract = True


class BarVerdict(models.Model):
    """What was decided about a bar, and the values that it was decided on.

    Believed: these values are not doubted again. Dropped: these are all that is left of the bar, which is not
    stored again with them. Corrected: these were a provider's, before a person wrote others into the bar.
    """

    class Verdict(models.TextChoices):
        BELIEVED = "believed"
        DROPPED = "dropped"
        CORRECTED = "corrected", "corrected by hand"

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    opened_at = models.DateTimeField()
    verdict = models.CharField(max_length=9, choices=Verdict)
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True)
    vwap = models.FloatField(null=True)
    provider = models.CharField(max_length=16, help_text="That the values are from.")
    feed = models.CharField(max_length=10)
    session = models.CharField(max_length=8)
    import_id = models.BigIntegerField(null=True)
    agrees = models.CharField(max_length=16, blank=True, help_text="The source that gives the same bar.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_at = models.DateTimeField(db_index=True)
    why = models.CharField(max_length=LONGEST_WHY)

    class Meta(TypedModelMeta):
        db_table = "bar_verdicts"
        verbose_name = "verdict on a bar"
        verbose_name_plural = "verdicts on bars"
        ordering = ["-decided_at", "-pk"]
        constraints = [
            models.UniqueConstraint(name="bar_has_one_verdict", fields=["symbol", "timeframe", "opened_at"]),
            models.CheckConstraint(
                name="bar_verdict_is_by_a_person_or_a_source",
                condition=Q(decided_by__isnull=False) | (Q(verdict="believed") & ~Q(agrees="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.opened_at:%Y-%m-%d %H:%M}"


class RefusedRow(Reviewed):
    """A row of a provider that is no price or bar, as it came. Equal ones are counted, not repeated."""

    LONGEST_SYMBOL, LONGEST_REASON = 32, 40

    symbol = models.CharField(max_length=LONGEST_SYMBOL, db_collation="C")
    timeframe = models.CharField(max_length=3, blank=True, db_collation="C", help_text="Empty: a quote.")
    stamp = models.CharField(
        max_length=32, blank=True, help_text="Opening of the bar. Empty: it had none, or it is a quote."
    )
    given = models.JSONField(help_text="Its values by name.")
    source = models.CharField(max_length=16)
    feed = models.CharField(max_length=10)
    reason = models.CharField(max_length=LONGEST_REASON)
    times = models.BigIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    run_id = models.BigIntegerField(
        null=True, help_text="The newest ingestion run that it came in. Empty: it was streamed."
    )

    class Meta(TypedModelMeta):
        db_table = "refused_rows"
        ordering = ["-last_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="refused_row_is_counted", fields=["source", "symbol", "timeframe", "stamp", "reason"]
            ),
        ]

    def __str__(self) -> str:
        return " ".join(part for part in (self.symbol, self.timeframe, self.stamp, self.reason) if part)


class Refetch(models.Model):
    """A person's wish to have bars fetched again, and what came of it."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    opened_at = models.DateTimeField(help_text="Of the first bar that is fetched.")
    until = models.DateTimeField(null=True, help_text="Opening of the last bar. Empty: the newest.")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    why = models.CharField(max_length=LONGEST_WHY)
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    finished_at = models.DateTimeField(null=True)
    result = models.CharField(max_length=500, blank=True)

    class Meta(TypedModelMeta):
        db_table = "refetches"
        verbose_name = "request to fetch again"
        verbose_name_plural = "requests to fetch again"
        ordering = ["-asked_at", "-pk"]
        indexes = [models.Index(name="refetch_of_bar", fields=["symbol", "timeframe", "opened_at"])]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.opened_at:%Y-%m-%d %H:%M}"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def counts(self) -> dict[str, int]:
        """Return how many wait, by kind, in one query; kinds of which none waits are left out."""
        counted = self.order_by().values_list("kind").annotate(waiting=models.Count("kind"))
        return dict(counted.order_by("kind"))


class ReviewItem(models.Model):
    """Something about the data that waits for a person: a row of a view over all that may."""

    class Kind(models.TextChoices):
        SUSPECT = "suspect", "suspect bar"
        MOVE = "move", "unexplained move"
        REFUSED = "refused", "refused row"
        GAP = "gap", "gap"
        DISAGREEMENT = "disagreement", "disagreement of providers"

    id = models.TextField(primary_key=True)
    kind = models.CharField(max_length=12, choices=Kind)
    symbol = models.CharField(max_length=32)
    timeframe = models.CharField(max_length=3)
    at = models.DateTimeField(help_text="Of the bar; of a refused row when it came last.")
    source = models.CharField(max_length=40)
    says = models.TextField()

    objects = ReviewItemQuerySet.as_manager()

    class Meta(TypedModelMeta):
        managed = False
        db_table = "data_to_review"
        default_permissions = ("view", "change")
        verbose_name = "data to review"
        verbose_name_plural = "data to review"
        ordering = ["-at", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.symbol} {self.timeframe} {self.at:%Y-%m-%d %H:%M}"


class CandleRow(models.Model):
    """A candle in the admin, whose lists need a key of one column. Only read, by symbol or among suspects."""

    opened_at = models.DateTimeField(primary_key=True)
    symbol = models.CharField(max_length=16)
    timeframe = models.CharField(max_length=3)
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True)
    provider = models.CharField(max_length=16)
    feed = models.CharField(max_length=10)
    session = models.CharField(max_length=8)
    is_final = models.BooleanField()
    suspect = models.BooleanField()
    revisions = models.IntegerField()

    class Meta(TypedModelMeta):
        managed = False
        db_table = "candles"
        default_permissions = ()
        verbose_name = "candle"

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.opened_at:%Y-%m-%d %H:%M}"
