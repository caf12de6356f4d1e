"""Messages to people, on their way."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta
from signals.models import Signal


class Notification(models.Model):
    """Something a person should know, once: `key` says what it is about and is unique."""

    class Kind(models.TextChoices):
        SIGNAL_WAITING = "signal_waiting", "a signal waits"
        SIGNAL_EXPIRING = "signal_expiring", "a signal is about to expire"
        ORDER_HELD = "order_held", "an order needs a new look"
        ORDER_FILLED = "order_filled", "an order was filled"
        ORDER_FAILED = "order_failed", "an order failed"
        HALT = "halt", "trading was halted or resumed"
        GATE = "gate", "the gate closed or opened"
        FEED = "feed", "the feed went down or came back"
        STRATEGY_FAILED = "strategy_failed", "a strategy fails"
        BROKER_ROW = "broker_row", "a row of the broker does not fit"
        ACCOUNT = "account", "a new device, password or factor"
        LOG_INS_FAILED = "log_ins_failed", "many log-ins failed"
        SYMBOL_FAILED = "symbol_failed", "a symbol or the like fails, or does no more"
        DAY_REPORT = "day_report", "the report of a day"
        STATEMENT = "statement", "the broker's statement differs, or does not come"

    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="The page it is about.")
    signal = models.ForeignKey(
        Signal,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="No news any more once this one has ended.",
    )
    created_at = models.DateTimeField(db_index=True)

    class Meta(TypedModelMeta):
        db_table = "notifications"
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.title


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting(self) -> "DeliveryQuerySet":
        return self.filter(status=Delivery.Status.WAITING)

    def due(self, target: str, at: datetime) -> "DeliveryQuerySet":
        """Return those that may go to this target now, with their notifications, oldest first."""
        # None is put off for longer than a day: a clock that was ahead has done that.
        is_due = Q(due_at__lte=at) | Q(due_at__gt=at + timedelta(days=1))
        waiting = self.waiting().filter(is_due, target=target)
        return waiting.select_related("notification").order_by("notification__created_at", "notification_id")


class Delivery(models.Model):
    """A notification on its way to one address of NOTIFY_URLS, at most once.

    It is `sending` from before the call until its answer is recorded. If that never happens, it is not known
    whether it arrived, and it is not sent again.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed", "given up after a day"
        UNKNOWN = "unknown", "unknown whether it arrived"
        EXPIRED = "expired", "no news any more"

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    target = models.CharField(max_length=16, help_text="Stands for the address, which holds secrets.")
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    status_at = models.DateTimeField(help_text="Since when it is so.")
    due_at = models.DateTimeField(help_text="Not sent before.")
    is_held_back = models.BooleanField(
        default=False, help_text="It waited for the end of quiet hours, or is silent: it goes in a digest."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why it was not delivered.")

    objects = DeliveryQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "deliveries"
        verbose_name_plural = "deliveries"
        ordering = ["-notification__created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(name="delivery_is_one_for_each", fields=["notification", "target"]),
        ]
        indexes = [
            models.Index(
                name="delivery_open",
                fields=["status", "due_at"],
                condition=models.Q(status__in=["waiting", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notification}: {self.get_status_display()}"
