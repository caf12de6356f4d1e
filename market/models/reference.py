"""What trades and when: the installation, its instruments, their splits and the sessions of exchanges."""

from datetime import datetime, timedelta

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from core.models import TypedModelMeta, choices
from market.providers.listings import Kind, Status

ALWAYS_OPEN = "24/7"
KINDS, STATUSES = choices(Kind), choices(Status)


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

    def fetched(self) -> "InstrumentQuerySet":
        """Return those that quotes and candles are fetched for: also what is held and still listed."""
        return self.filter(Q(watched=True) | Q(in_use=True, delisting_followed=False))

    def gone(self) -> "InstrumentQuerySet":
        """Return those that were delisted and that nobody watches since."""
        return self.filter(delisting_followed=True, watched=False)


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
    watched_for_lists = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Watched because a watchlist has it: no longer when it leaves the last one.",
    )
    in_use = models.BooleanField(
        default=False,
        editable=False,
        help_text="Held or on order: fetched even when it is no longer watched.",
    )
    split_pending_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="A split was seen and the history is not yet restated: nothing evaluates the instrument.",
    )
    exchange = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text="Where it is listed, as the market identifier code: XNAS, XLON.",
    )
    kind = models.CharField(
        max_length=16, choices=KINDS, default=Kind.UNKNOWN.value, db_default=Kind.UNKNOWN.value
    )
    lot_size = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Orders are for a multiple of this many."
    )
    status = models.CharField(
        max_length=8,
        choices=STATUSES,
        default=Status.UNKNOWN.value,
        db_default=Status.UNKNOWN.value,
        help_text="Whether it is still listed.",
    )
    delisted_on = models.DateField(
        null=True, blank=True, help_text="When it was delisted, where it is known."
    )
    delisting_followed = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="A recorded delisting or merger ended it: nothing is fetched or decided any more.",
    )
    watched_before_delisting = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Watched again when the delisting is withdrawn.",
    )
    borrowable = models.BooleanField(
        null=True, blank=True, help_text="Whether the provider says that it can be borrowed to sell it short."
    )
    details_from = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The provider that name, exchange, kind and status are from; empty for none.",
    )
    details_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When it said so.")
    listed_name = models.CharField(
        max_length=100,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The provider's name for it: `name` follows it until a person gives another one.",
    )

    objects = InstrumentQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "instruments"
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(name="instrument_tick_size_is_positive", condition=Q(tick_size__gt=0)),
            models.CheckConstraint(name="instrument_lot_size_is_positive", condition=Q(lot_size__gt=0)),
            models.CheckConstraint(
                name="instrument_kind_is_known", condition=Q(kind__in=[kind.value for kind in Kind])
            ),
            models.CheckConstraint(
                name="instrument_status_is_known", condition=Q(status__in=[status.value for status in Status])
            ),
            models.CheckConstraint(
                name="instrument_delisted_on_is_of_a_delisted_one",
                condition=Q(delisted_on=None) | Q(status=Status.DELISTED.value),
            ),
            models.CheckConstraint(
                name="instrument_details_have_a_source_and_a_time",
                condition=Q(details_from="", details_at=None)
                | (~Q(details_from="") & Q(details_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.symbol

    @property
    def is_gone(self) -> bool:
        """Return whether it was delisted and nobody watches it since, as another company's symbol."""
        return self.delisting_followed and not self.watched


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


# Dates around an instant among which the session that is open, or the last one before it, surely is.
NEAR, FAR = timedelta(days=2), timedelta(days=15)


class TradingSessionQuerySet(models.QuerySet["TradingSession"]):
    def taking_place(self) -> "TradingSessionQuerySet":
        """Return those that no operator closed."""
        return self.filter(closed=False)

    def open_at(self, at: datetime) -> "TradingSessionQuerySet":
        """Return the sessions that are open at an instant: at most one of each calendar."""
        near = self.taking_place().filter(date__range=(at.date() - NEAR, at.date() + NEAR))
        during = near.filter(opens_at__lte=at, closes_at__gt=at)
        return during.exclude(break_starts_at__lte=at, break_ends_at__gt=at)

    def opening_after(self, at: datetime) -> "TradingSessionQuerySet":
        """Return the sessions of the next days that open after an instant."""
        return self.taking_place().filter(date__range=(at.date() - NEAR, at.date() + FAR), opens_at__gt=at)


class TradingSession(models.Model):
    """One session of an exchange calendar, some with a break for lunch. An operator's closure outlives every
    refresh."""

    calendar = models.CharField(max_length=16)
    date = models.DateField()
    opens_at = models.DateTimeField()
    break_starts_at = models.DateTimeField(null=True, blank=True)
    break_ends_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField()
    closed = models.BooleanField(
        default=False, help_text="Closed after all: set by an operator, kept when the calendar is refreshed."
    )

    objects = TradingSessionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "trading_sessions"
        ordering = ["calendar", "-date"]
        constraints = [
            models.UniqueConstraint(name="trading_session_is_one_row", fields=["calendar", "date"]),
            models.CheckConstraint(
                name="trading_session_opens_before_it_closes", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="trading_session_breaks_inside",
                condition=Q(break_starts_at=None, break_ends_at=None)
                | Q(
                    break_starts_at__gt=F("opens_at"),
                    break_ends_at__gt=F("break_starts_at"),
                    closes_at__gt=F("break_ends_at"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calendar} {self.date}"
