"""What stops everything: the halt, which only a person ends, and the gate, which opens by itself."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta


class TradingHaltQuerySet(models.QuerySet["TradingHalt"]):
    def open(self, at: datetime) -> "TradingHaltQuerySet":
        """Return those that halt trading at an instant: a pause ends by itself."""
        return self.filter(Q(until=None) | Q(until__gt=at), ended_at=None)


class TradingHalt(models.Model):
    """No approval and no entry order while one of these is open. Never deleted.

    One that has an `until` is a pause: it ends by itself then, if no person has ended it before.
    """

    class Cause(models.TextChoices):
        PERSON = "person", "a person"
        DAY_LOSS = "day_loss", "the day's loss limit"
        WEEK_LOSS = "week_loss", "the week's loss limit"
        LOSSES = "losses", "losses in a row"
        MISMATCH = "mismatch", "orders and fills that do not add up"

    cause = models.CharField(max_length=9, choices=Cause)
    reason = models.TextField()
    started_at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until a person ends it.")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: Jax itself, or the command line.",
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    ended_note = models.TextField(blank=True)

    objects = TradingHaltQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "trading_halts"
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="trading_halt_is_open_once", fields=["cause"], condition=Q(ended_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"halt since {self.started_at:%Y-%m-%d %H:%M} UTC: {self.reason}"


class Gate(models.Model):
    """Whether the feed and the broker are there (one row), as the last reconciliation found them."""

    class Trouble(models.TextChoices):
        FEED_AWAY = "feed_away", "the feed is away"
        FEED_BACK = "feed_back", "the feed has just come back"
        BROKER_UNASKED = "broker_unasked", "the broker has not been asked yet"
        BROKER_UNCHECKED = "broker_unchecked", "the broker has not been asked for a while"
        BROKER_AWAY = "broker_away", "the broker is away"
        BROKER_BACK = "broker_back", "the broker has just come back"

    is_open = models.BooleanField()
    trouble = models.CharField(max_length=16, choices=Trouble, blank=True, help_text="Why it is closed.")
    opens_at = models.DateTimeField(null=True, help_text="When it opens, where that is known.")
    since = models.DateTimeField(help_text="Since when it is as it is.")
    broker_good_since = models.DateTimeField(null=True, help_text="Empty: the broker is away.")
    broker_error = models.TextField(blank=True)
    checked_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "gate"
        constraints = [models.CheckConstraint(name="gate_is_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return "open" if self.is_open else f"closed: {self.Trouble(self.trouble).label}"
