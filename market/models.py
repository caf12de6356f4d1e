"""The rows of the market: what trades, what was quoted, what its bars were, and how we came to know."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from market.prices import Feed, Timeframe

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

ALWAYS_OPEN = "24/7"


def choices(kind: type[Timeframe] | type[Feed]) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in kind]


class Installation(models.Model):
    """This database (one row): whether its market data is simulated or real. Decided once, for good."""

    class Data(models.TextChoices):
        SIMULATED = "simulated"
        REAL = "real"

    data = models.CharField(max_length=10, choices=Data)
    decided_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "installation"
        constraints = [
            models.CheckConstraint(name="installation_is_one_row", condition=Q(pk=1)),
            models.CheckConstraint(
                name="installation_data_is_known", condition=Q(data__in=["simulated", "real"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.data} data"


class InstrumentQuerySet(models.QuerySet["Instrument"]):
    def watched(self) -> "InstrumentQuerySet":
        return self.filter(watched=True)


class Instrument(models.Model):
    """A tradable thing. Never deleted, only no longer watched: its history stays readable."""

    symbol = models.CharField(
        max_length=16,
        primary_key=True,
        db_collation="C",
        validators=[
            RegexValidator(
                r"^[A-Z0-9][A-Z0-9.\-/]{0,15}\Z",
                "A symbol is 1 to 16 capital letters, digits, dots, dashes or slashes, as in AAPL or BRK.B.",
            )
        ],
    )
    name = models.CharField(max_length=100, blank=True)
    calendar = models.CharField(
        max_length=16,
        default="XNYS",
        help_text="Exchange calendar: XNYS for US shares, 24/7 round the clock.",
    )
    currency = models.CharField(max_length=3, default="USD")
    tick_size = models.DecimalField(max_digits=10, decimal_places=6, default="0.01")
    watched = models.BooleanField(default=True, help_text="Quotes and candles are fetched while this is on.")
    split_pending_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="A split was seen and the history is not yet restated: nothing evaluates the instrument.",
    )

    objects = InstrumentQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "instruments"
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(name="instrument_tick_size_is_positive", condition=Q(tick_size__gt=0)),
        ]

    def __str__(self) -> str:
        return self.symbol


class Quote(models.Model):
    """The newest quote of an instrument."""

    symbol = models.CharField(max_length=16, primary_key=True, db_collation="C")
    price = models.FloatField()
    bid = models.FloatField(null=True)
    ask = models.FloatField(null=True)
    bid_size = models.BigIntegerField(null=True)
    ask_size = models.BigIntegerField(null=True)
    volume = models.BigIntegerField(null=True)
    exchange = models.CharField(max_length=16, blank=True)
    as_of = models.DateTimeField(help_text="The provider's time.")
    received_at = models.DateTimeField(help_text="Our time.")
    provider = models.CharField(max_length=16)
    feed = models.CharField(max_length=10, choices=choices(Feed))
    delay_seconds = models.IntegerField(default=0, help_text="The feed's stated delay.")

    class Meta(TypedModelMeta):
        db_table = "quotes"
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(name="quote_price_is_positive", condition=Q(price__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price}"

    def age(self, at: datetime) -> timedelta:
        """How old the quote is beyond what its feed's delay explains."""
        return at - self.as_of - timedelta(seconds=self.delay_seconds)


class QuoteHistory(models.Model):
    """A quote as it was received."""

    pk = models.CompositePrimaryKey("symbol", "as_of", "provider")
    symbol = models.CharField(max_length=16, db_collation="C")
    as_of = models.DateTimeField()
    provider = models.CharField(max_length=16)
    price = models.FloatField()
    bid = models.FloatField(null=True)
    ask = models.FloatField(null=True)
    bid_size = models.BigIntegerField(null=True)
    ask_size = models.BigIntegerField(null=True)
    volume = models.BigIntegerField(null=True)
    exchange = models.CharField(max_length=16, blank=True)
    received_at = models.DateTimeField()
    feed = models.CharField(max_length=10, choices=choices(Feed))
    delay_seconds = models.IntegerField(default=0)

    class Meta(TypedModelMeta):
        db_table = "quote_history"
        indexes = [BrinIndex(name="quote_history_by_arrival", fields=["received_at"], pages_per_range=32)]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price} at {self.as_of}"


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
    volume = models.BigIntegerField()
    vwap = models.FloatField(null=True)
    provider = models.CharField(max_length=16, db_collation="C")
    feed = models.CharField(max_length=10, choices=choices(Feed), db_collation="C")
    session = models.CharField(max_length=8, choices=Session, db_collation="C")
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
            models.CheckConstraint(name="candle_volume_is_not_negative", condition=Q(volume__gte=0)),
        ]
        indexes = [
            models.Index(
                name="candle_suspects", fields=["symbol", "timeframe", "opened_at"], condition=Q(suspect=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.opened_at}"


class Split(models.Model):
    """A share split: from `date` on, one old share is `ratio` new ones. The stored history is restated."""

    symbol = models.CharField(max_length=16, db_collation="C")
    date = models.DateField()
    ratio = models.FloatField(help_text="New shares for one old: 7 for a 7:1 split, 0.1 for 1:10.")
    source = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "splits"
        ordering = ["symbol", "date"]
        constraints = [
            models.UniqueConstraint(name="split_is_recorded_once", fields=["symbol", "date"]),
            models.CheckConstraint(name="split_ratio_is_positive", condition=Q(ratio__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.ratio:g}:1 on {self.date}"


class CandleProgress(models.Model):
    """How far we have asked for the bars of a symbol and timeframe."""

    symbol = models.CharField(max_length=16, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    answered_at = models.DateTimeField(help_text="When a provider last answered.")
    answered_through = models.DateTimeField(
        help_text="The newest bar that answer could have held (its opening)."
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


class Gap(models.Model):
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

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} {self.first_at} ({self.bars} bars)"


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

    def __str__(self) -> str:
        return f"{self.provider} {self.kind}"

    def cools_off(self, at: datetime) -> bool:
        return self.cool_off_until is not None and self.cool_off_until > at

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


class TradingSession(models.Model):
    """One session of an exchange calendar. An operator's closure outlives every refresh."""

    calendar = models.CharField(max_length=16)
    date = models.DateField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    closed = models.BooleanField(
        default=False, help_text="Closed after all: set by an operator, kept when the calendar is refreshed."
    )

    class Meta(TypedModelMeta):
        db_table = "trading_sessions"
        ordering = ["calendar", "-date"]
        constraints = [
            models.UniqueConstraint(name="trading_session_is_one_row", fields=["calendar", "date"]),
            models.CheckConstraint(
                name="trading_session_opens_before_it_closes", condition=Q(opens_at__lt=F("closes_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calendar} {self.date}"
