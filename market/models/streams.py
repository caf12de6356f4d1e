"""How streams of quotes are doing."""

from datetime import datetime, timedelta

from django.db import models

from core.models import TypedModelMeta, choices
from market.prices import Feed


class StreamStatus(models.Model):
    """How a provider's stream is doing: one row, written every few seconds while the process lives."""

    class State(models.TextChoices):
        CONNECTING = "connecting"
        LIVE = "live"
        LOST = "lost", "lost: it is tried again soon"
        REFUSED = "refused", "refused: it is tried again rarely"
        NO_PLAN = "no plan", "not in the provider's plan: it is asked again each day"
        STOPPED = "stopped"

    PATIENCE = timedelta(minutes=1)

    provider = models.CharField(max_length=16, primary_key=True)
    state = models.CharField(max_length=10, choices=State)
    since = models.DateTimeField(help_text="Of this state.")
    reason = models.TextField(blank=True, help_text="Why it is not live, and what to do.")
    retry_at = models.DateTimeField(null=True)
    feed = models.CharField(max_length=10, choices=choices(Feed))
    delay_seconds = models.IntegerField(default=0)
    symbols = models.IntegerField(default=0, help_text="How many are streamed.")
    left_out = models.JSONField(default=dict, help_text="Why others are not, by symbol.")
    silent = models.JSONField(default=list, help_text="Those of which nothing comes though they trade.")
    messages = models.BigIntegerField(default=0, help_text="Since the process started.")
    problems = models.JSONField(default=dict, help_text="Messages that made no sense, by reason.")
    rejected = models.JSONField(
        default=dict, help_text="Refused quotes by reason: how many, and one example."
    )
    message_at = models.DateTimeField(null=True)
    stored_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "stream_status"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.provider}: {self.state}"

    def is_current(self, at: datetime) -> bool:
        """Return whether the process that writes it lives. What a clock wrote that was ahead says nothing."""
        return self.state != self.State.STOPPED and abs(at - self.updated_at) < self.PATIENCE
