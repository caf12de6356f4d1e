"""Signals: ideas of strategies that were stored, waiting for a decision."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast

from core.models import TypedModelMeta, choices
from market.models import Split
from market.prices import Feed, Timeframe


def _pending(at: datetime) -> Q:
    return Q(status=Signal.Status.PENDING, expires_at__gt=at)


def _overdue(at: datetime) -> Q:
    return Q(status=Signal.Status.PENDING, expires_at__lte=at)


class SignalQuerySet(models.QuerySet["Signal"]):
    """Signals by the status that counts at an instant: an overdue one is expired before a sweep writes it."""

    def pending(self, at: datetime) -> "SignalQuerySet":
        """Keep those that can still be decided on."""
        return self.filter(_pending(at))

    def overdue(self, at: datetime) -> "SignalQuerySet":
        """Keep those that are expired although no sweep has written it yet."""
        return self.filter(_overdue(at))

    def in_status(self, at: datetime, *statuses: "Signal.Status") -> "SignalQuerySet":
        """Keep those that are in one of these statuses."""
        stored = Q(status__in=[status for status in statuses if status != Signal.Status.PENDING])
        if Signal.Status.PENDING in statuses:
            stored |= _pending(at)
        if Signal.Status.EXPIRED in statuses:
            stored |= _overdue(at)
        return self.filter(stored)

    def with_status(self, at: datetime) -> "SignalQuerySet":
        """Annotate each with `status_now`, its status."""
        overdue = When(_overdue(at), then=Value(Signal.Status.EXPIRED))
        return self.annotate(status_now=Case(overdue, default=F("status")))

    def with_conflict(self, at: datetime) -> "SignalQuerySet":
        """Annotate each with `is_conflicting`: it is pending, and so is an opposite one on its symbol."""
        on_symbol = Signal.objects.pending(at).filter(symbol=OuterRef("symbol"))
        opposite = Exists(on_symbol.exclude(signal_type=OuterRef("signal_type")))
        return self.annotate(is_conflicting=Case(When(_pending(at), then=opposite), default=False))

    def with_ratios(self) -> "SignalQuerySet":
        """Annotate each with the `ratios` of the splits since: bars are restated then, signals are not."""
        day = Cast(OuterRef("bar_opened_at"), models.DateField())
        since = Split.objects.filter(
            symbol=OuterRef("symbol"), recorded_at__gte=OuterRef("created_at"), date__gt=day
        )
        return self.annotate(ratios=ArraySubquery(since.order_by().values("ratio")))

    def with_opposites(self, pk: uuid.UUID, at: datetime) -> "SignalQuerySet":
        """Keep the signal `pk` and, while it is pending, the pending ones on its symbol that oppose it."""
        signal = Signal.objects.filter(pk=pk)
        opposite = _pending(at) & Q(symbol=Subquery(signal.pending(at).values("symbol")))
        return self.filter(Q(pk=pk) | opposite & ~Q(signal_type=Subquery(signal.values("signal_type"))))


# What the parts of a fingerprint identify, in their order.
FINGERPRINT = ("its levels", "the bars behind it", "whether another signal opposes it", "its status")


def fingerprint_of(parts: Iterable[str]) -> str:
    """Return a short hash of each part, joined by dashes."""
    return "-".join(hashlib.sha256(part.encode()).hexdigest()[:10] for part in parts)


class Target(NamedTuple):
    """A price to take profit at, how far it is from the entry, and that in R: multiples of the risk."""

    price: Decimal
    distance: Decimal
    r_multiple: Decimal


class Signal(models.Model):
    """A strategy's idea at a bar. Pending until a user decides or it ends by itself; never deleted.

    While it is pending its levels follow its bars: a revision that still supports it is written in place.
    """

    class Type(models.TextChoices):
        BUY = "BUY", "BUY"
        SELL = "SELL", "SELL"

    class Status(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    symbol = models.CharField(max_length=16, db_collation="C")
    strategy_id = models.CharField("strategy", max_length=40, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    bar_opened_at = models.DateTimeField("bar", help_text="Opening of the bar that raised it.")
    signal_type = models.CharField("side", max_length=4, choices=Type)
    confidence = models.DecimalField(max_digits=5, decimal_places=4, help_text="A score, not a probability.")
    entry_price = models.DecimalField(max_digits=18, decimal_places=6)
    stop_loss = models.DecimalField(max_digits=18, decimal_places=6)
    take_profit = models.DecimalField(max_digits=18, decimal_places=6)
    second_target = models.DecimalField(max_digits=18, decimal_places=6)
    reasoning = models.TextField()
    indicators = models.JSONField(help_text="The values that the strategy looked at.")
    parameters = models.JSONField(
        default=dict, help_text="The strategy's parameters that were not its defaults."
    )
    provider = models.CharField(max_length=16, help_text="Provider of the bar.")
    feed = models.CharField(max_length=10, choices=choices(Feed))
    bars_digest = models.CharField(max_length=32, help_text="Identifies the bars behind it.")
    generated_at = models.DateTimeField(help_text="The bar's close.")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(help_text="When it was stored.")
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    ended_at = models.DateTimeField(null=True, help_text="When it was no longer pending.")
    ended_reason = models.TextField(blank=True)
    superseded_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = SignalQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "strategy_signals"
        ordering = ["-generated_at", "id"]
        constraints = [
            models.UniqueConstraint(
                name="signal_is_raised_once", fields=["symbol", "strategy_id", "timeframe", "bar_opened_at"]
            ),
            models.UniqueConstraint(
                name="signal_is_pending_once",
                fields=["symbol", "strategy_id", "timeframe"],
                condition=Q(status="pending"),
            ),
            models.CheckConstraint(
                name="signal_confidence_is_a_share", condition=Q(confidence__gte=0, confidence__lte=1)
            ),
            models.CheckConstraint(
                name="signal_levels_are_on_their_sides",
                condition=Q(
                    signal_type="BUY",
                    stop_loss__gt=0,
                    stop_loss__lt=F("entry_price"),
                    take_profit__gt=F("entry_price"),
                )
                | Q(
                    signal_type="SELL",
                    take_profit__gt=0,
                    take_profit__lt=F("entry_price"),
                    stop_loss__gt=F("entry_price"),
                ),
            ),
            models.CheckConstraint(
                name="signal_expires_after_its_bar", condition=Q(expires_at__gt=F("generated_at"))
            ),
            models.CheckConstraint(
                name="signal_is_pending_until_it_ends",
                condition=Q(status="pending", ended_at=None)
                | (~Q(status="pending") & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                name="signal_pending", fields=["-generated_at", "id"], condition=Q(status="pending")
            ),
            models.Index(name="signal_by_time", fields=["-generated_at", "id"]),
            models.Index(name="signal_by_symbol", fields=["symbol", "-generated_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.signal_type} {self.symbol} {self.strategy_id} {self.timeframe}"

    @property
    def risk(self) -> Decimal:
        """The distance from entry to stop, in the instrument's currency."""
        return abs(self.entry_price - self.stop_loss)

    @property
    def reward_to_risk(self) -> Decimal:
        """The distance to the first target over that to the stop."""
        return self._target(self.take_profit).r_multiple

    @property
    def targets(self) -> list[Target]:
        """The first target and the second."""
        return [self._target(self.take_profit), self._target(self.second_target)]

    def _target(self, price: Decimal) -> Target:
        distance = abs(price - self.entry_price)
        return Target(price, distance, distance / self.risk)

    def fingerprint(self, at: datetime, *, is_conflicting: bool) -> str:
        """Return what identifies the signal as it is now: another level, bar, conflict or status changes it.

        One part for each of FINGERPRINT, so that two of them tell what has changed.
        """
        levels = (self.entry_price, self.stop_loss, self.take_profit, self.second_target)
        parts = [
            " ".join([self.signal_type, *(f"{price:.6f}" for price in levels)]),
            *[self.bars_digest, str(is_conflicting), self.status_at(at).value],
        ]
        return fingerprint_of(parts)

    @property
    def ends_at(self) -> datetime:
        """When it ended; while it is pending, when it expires."""
        return self.ended_at or self.expires_at

    def status_at(self, at: datetime) -> "Signal.Status":
        """Return its status, expired when it is overdue."""
        is_overdue = self.status == Signal.Status.PENDING and self.has_run_out(at)
        return Signal.Status.EXPIRED if is_overdue else Signal.Status(self.status)

    def has_run_out(self, at: datetime) -> bool:
        """Whether the time to act on it is over, whatever its status."""
        return self.expires_at <= at

    def conflicting(self, at: datetime) -> SignalQuerySet:
        """Return the pending signals on its symbol that say the opposite; none once it ended."""
        if self.status_at(at) != Signal.Status.PENDING:
            return Signal.objects.none()
        opposite = Signal.objects.pending(at).filter(symbol=self.symbol).exclude(signal_type=self.signal_type)
        return opposite.order_by("-generated_at", "id")
