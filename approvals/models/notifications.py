"""Messages to people, on their way."""

from django.db import models

from market.models.meta import TypedModelMeta


class Notification(models.Model):
    """Something a person should hear of, once: `key` says what it is about and is unique."""

    class Kind(models.TextChoices):
        SIGNAL_WAITING = "signal_waiting", "a signal waits"
        SIGNAL_EXPIRING = "signal_expiring", "a signal is about to expire"
        ORDER_HELD = "order_held", "an order needs a new look"
        ORDER_FILLED = "order_filled", "an order was filled"
        ORDER_FAILED = "order_failed", "an order failed"
        HALT = "halt", "trading was halted or resumed"
        GATE = "gate", "the gate closed or opened"
        FEED = "feed", "the feed went down or came back"

    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=120, unique=True)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True, help_text="The page it is about.")
    created_at = models.DateTimeField(db_index=True)

    class Meta(TypedModelMeta):
        db_table = "notifications"
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.title
