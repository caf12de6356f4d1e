"""How the stream of what changes at the broker is doing."""

from datetime import datetime, timedelta

from django.db import models

from core.models import TypedModelMeta


class BrokerStream(models.Model):
    """How the stream of the broker's account is doing: one row, written every few seconds while it is run."""

    class State(models.TextChoices):
        CONNECTING = "connecting"
        LIVE = "live"
        LOST = "lost"
        STOPPED = "stopped"

    PATIENCE = timedelta(minutes=1)

    broker = models.CharField(max_length=16, primary_key=True)
    state = models.CharField(max_length=10, choices=State)
    since = models.DateTimeField(help_text="Of this state.")
    reason = models.TextField(blank=True, help_text="Why it is not live.")
    told_at = models.DateTimeField(null=True, help_text="When it said last that something had changed.")
    updated_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "broker_streams"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.broker}: {self.state}"

    def is_current(self, at: datetime) -> bool:
        """Return whether the process that writes it lives. What a clock wrote that was ahead says nothing."""
        return self.state != self.State.STOPPED and abs(at - self.updated_at) < self.PATIENCE
