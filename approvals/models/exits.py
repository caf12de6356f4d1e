"""Stops and targets after they were placed: moved by a person, or by a rule that trails the price."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from approvals.models.orders import Order
from core.models import TypedModelMeta

PRICE: dict[str, Any] = {"max_digits": 18, "decimal_places": 6}


class TrailingStop(models.Model):
    """A rule that moves the stop of an entry behind the price, in the trade's favour only. Never deleted.

    `best`: the best believed price since it was set, so that it survives restarts.
    """

    class Kind(models.TextChoices):
        ATR = "atr", "times the ATR"
        PERCENT = "percent", "per cent"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="trailing_stops")
    kind = models.CharField(max_length=7, choices=Kind)
    distance = models.DecimalField(max_digits=8, decimal_places=4, help_text="In ATR or per cent.")
    atr = models.DecimalField(**PRICE, null=True, help_text="Of the signal, when it is counted in ATR.")
    after_r = models.DecimalField(
        max_digits=6,
        decimal_places=2,
        null=True,
        help_text="From a gain of so many times the risk on. Empty: at once.",
    )
    best = models.DecimalField(**PRICE)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    notes = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: Jax itself.",
    )
    ended_reason = models.TextField(blank=True)

    class Meta(TypedModelMeta):
        db_table = "trailing_stops"
        ordering = ["-set_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="stop_trails_by_one_rule", fields=["order"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(name="stop_trails_at_a_distance", condition=Q(distance__gt=0, best__gt=0)),
            models.CheckConstraint(
                name="stop_trails_by_a_known_atr",
                condition=Q(kind="percent", atr=None) | Q(kind="atr", atr__gt=0),
            ),
        ]

    def __str__(self) -> str:
        text = f"{self.distance.normalize():f}"
        behind = f"{text} %" if self.kind == self.Kind.PERCENT else f"{text} ATR"
        start = "" if self.after_r is None else f", from +{self.after_r.normalize():f} R on"
        return f"trails {behind} behind the best price{start}"

    def level(self, sign: int) -> Decimal:
        """Return where the stop is to be for the best price. `sign`: 1 for a long, -1 for a short."""
        if self.kind == self.Kind.PERCENT:
            return self.best * (1 - sign * self.distance / 100)
        return self.best - sign * self.distance * (self.atr or Decimal(0))


class ExitChangeQuerySet(models.QuerySet["ExitChange"]):
    def waiting(self) -> "ExitChangeQuerySet":
        """Return those that the broker has not confirmed yet, oldest first."""
        return self.filter(state=ExitChange.State.WAITING).order_by("requested_at", "pk")


class ExitChange(models.Model):
    """A stop or a target that is to stand elsewhere. Its id makes the broker do it once. Never deleted."""

    class Leg(models.TextChoices):
        STOP = "stop"
        TARGET = "target"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting for the broker"
        DONE = "done"
        REFUSED = "refused", "refused by the broker"
        LAPSED = "lapsed", "lapsed: it works no more"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="exit_changes")
    leg = models.CharField(max_length=6, choices=Leg)
    before = models.DecimalField(**PRICE, help_text="Where it stood.")
    level = models.DecimalField(**PRICE, help_text="Where it is to stand.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the rule.",
    )
    rule = models.ForeignKey(TrailingStop, null=True, on_delete=models.PROTECT, related_name="changes")
    requested_at = models.DateTimeField()
    notes = models.TextField(blank=True)
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = ExitChangeQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "exit_changes"
        ordering = ["-requested_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="exit_changes_one_at_a_time", fields=["order", "leg"], condition=Q(state="waiting")
            ),
            models.CheckConstraint(
                name="exit_change_is_of_somebody", condition=~Q(requested_by=None, rule=None)
            ),
            models.CheckConstraint(
                name="exit_changes_somewhere_else", condition=Q(level__gt=0) & ~Q(level=F("before"))
            ),
            models.CheckConstraint(
                name="exit_change_ends_once",
                condition=Q(state="waiting", ended_at=None)
                | (~Q(state="waiting") & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leg} of {self.order} from {self.before} to {self.level}"

    def end(self, state: "ExitChange.State", reason: str, at: datetime) -> bool:
        """Write how it ended; return whether it still waited."""
        waiting = ExitChange.objects.waiting().filter(pk=self.pk)
        return waiting.update(state=state, reason=reason, ended_at=at) == 1
