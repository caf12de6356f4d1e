"""Candles: the bars, how far they were asked for, and which are missing."""

from django.db import models
from django.db.models import F, Q

from core.models import TypedModelMeta, choices
from market.models.review import Reviewed
from market.prices import Feed, Timeframe

FEEDS = choices(Feed)


class Candle(models.Model):
    """One bar of one timeframe. `symbol` is no foreign key: bulk writes would pay for it three times over."""

    class Session(models.TextChoices):
        REGULAR = "regular"
        EXTENDED = "extended"

    pk = models.CompositePrimaryKey("symbol", "timeframe", "opened_at")
    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    opened_at = models.DateTimeField()
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True, help_text="Empty: its source gave none.")
    vwap = models.FloatField(null=True)
    provider = models.CharField(max_length=16, db_collation="C")
    feed = models.CharField(max_length=10, choices=FEEDS, db_collation="C")
    session = models.CharField(max_length=8, choices=Session, db_collation="C")
    import_id = models.BigIntegerField(null=True, help_text="The candle import whose file it is from.")
    is_final = models.BooleanField()
    suspect = models.BooleanField()
    revisions = models.IntegerField(default=0, db_default=0, help_text="Changes after the bar was final.")

    class Meta(TypedModelMeta):
        db_table = "candles"
        constraints = [
            models.CheckConstraint(
                name="candle_prices_lie_between_low_and_high",
                condition=Q(
                    low__gt=0,
                    open__gte=F("low"),
                    close__gte=F("low"),
                    open__lte=F("high"),
                    close__lte=F("high"),
                    high__lt=float("inf"),
                ),
            ),
            models.CheckConstraint(
                name="candle_volume_is_not_negative", condition=Q(volume__gte=0, volume__lt=float("inf"))
            ),
        ]
        indexes = [
            models.Index(
                name="candle_suspects", fields=["symbol", "timeframe", "opened_at"], condition=Q(suspect=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.opened_at}"


class CandleVersion(models.Model):
    """Grows whenever a closed bar of a symbol and timeframe is added or changes."""

    pk = models.CompositePrimaryKey("symbol", "timeframe")
    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    version = models.BigIntegerField()

    class Meta(TypedModelMeta):
        db_table = "candle_versions"

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} version {self.version}"


class CandleProgress(models.Model):
    """How far we have asked for the bars of a symbol and timeframe."""

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    answered_at = models.DateTimeField(help_text="When a provider last answered.")
    answered_through = models.DateTimeField(
        help_text="The newest bar that answer could have held (its opening)."
    )
    newest_at = models.DateTimeField(
        null=True, help_text="The newest final bar stored after that answer (its opening)."
    )
    delay_seconds = models.IntegerField(default=0, help_text="How far that answer's feed was behind.")
    corrected_at = models.DateTimeField(
        null=True, help_text="When the last final bars were last fetched again."
    )

    class Meta(TypedModelMeta):
        db_table = "candle_progress"
        verbose_name_plural = "candle progress"
        constraints = [
            models.UniqueConstraint(name="candle_progress_is_one_row", fields=["symbol", "timeframe"]),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} through {self.answered_through}"


class Gap(Reviewed):
    """Bars of a trading session that should be there and are not. A gap stays a gap until it is refilled."""

    class Reason(models.TextChoices):
        NO_TRADE = "no_trade", "no trade"
        PROVIDER = "provider", "provider hole"
        OUTAGE = "outage", "outage of ours"

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    first_at = models.DateTimeField(help_text="Opening of the first missing bar.")
    last_at = models.DateTimeField(help_text="Opening of the last missing bar.")
    bars = models.IntegerField()
    reason = models.CharField(max_length=10, choices=Reason)
    found_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, help_text="Empty: it is not tried any more.")

    class Meta(TypedModelMeta):
        db_table = "gaps"
        ordering = ["-first_at", "symbol", "timeframe"]
        constraints = [
            models.UniqueConstraint(name="gap_is_listed_once", fields=["symbol", "timeframe", "first_at"]),
        ]
        indexes = [
            models.Index(
                name="gaps_to_review",
                fields=["symbol"],
                condition=Q(reviewed_at=None) & ~Q(reason="no_trade"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} from {self.first_at:%Y-%m-%d %H:%M} UTC"
